import type { Transaction } from './store.ts'

export type NewSessionRow = {
  id: string
  channel: string
  /** Where answers go on that channel. */
  address: { chat: string; thread?: string }
  /** The model that was chosen for it. */
  model: string | null
}

/** Makes a session; one that is there stays as it is. */
export async function insertSession(transaction: Transaction, session: NewSessionRow, now: number): Promise<void> {
  const { id, channel, address, model } = session
  const times = { created_at: now, updated_at: now }
  await transaction
    .insertInto('sessions')
    .values({ id, channel, address: JSON.stringify(address), title: '', model, seq: 0, ...times })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
