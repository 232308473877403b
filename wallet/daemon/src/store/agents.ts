import type { ChainFamily } from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import { appendEvent } from './events.ts'
import { settingKeys } from './settings.ts'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

export type Agent = Selectable<Tables['agents']>
/** An agent, and the state of the kill switch at the same time; null is NORMAL. */
export type Spender = Agent & { kill_switch: string | null }
type Wallet = Selectable<Tables['wallets']>

export async function findSpender(db: Kysely<Tables>, id: string): Promise<Spender | undefined> {
  const [spender] = await spenderById(db, { id })
  return spender
}

/** @throws Error where there is none: a transaction's wallet is never removed. */
export async function walletById(db: Kysely<Tables>, id: string): Promise<Wallet> {
  const [wallet] = await walletWithId(db, { id })
  if (wallet === undefined) throw new Error(`there is no wallet ${id}`)
  return wallet
}

/** The agent's wallet on the chains of a family. */
export async function findWallet(db: Kysely<Tables>, agentId: string, chain: ChainFamily): Promise<Wallet | undefined> {
  const [wallet] = await walletOfFamily(db, { agentId, chain })
  return wallet
}

const spenderById = statement((db, { id }: { id: string }) =>
  db
    .selectFrom('agents')
    .selectAll()
    .select((build) =>
      build.selectFrom('settings').select('value').where('key', '=', settingKeys.killSwitch).as('kill_switch'),
    )
    .where('id', '=', id),
)
const walletWithId = statement((db, { id }: { id: string }) =>
  db.selectFrom('wallets').selectAll().where('id', '=', id),
)
const walletOfFamily = statement((db, { agentId, chain }: { agentId: string; chain: ChainFamily }) =>
  db.selectFrom('wallets').selectAll().where('agent_id', '=', agentId).where('chain', '=', chain),
)

/** ACTIVE -> SUSPENDED, with its event. False where it was not active. */
export async function suspendAgent(
  db: Kysely<Tables>,
  now: number,
  id: string,
  by: { actor: string; why: string },
): Promise<boolean> {
  const changed = await db
    .updateTable('agents')
    .set({ status: 'SUSPENDED', updated_at: now })
    .where('id', '=', id)
    .where('status', '=', 'ACTIVE')
    .executeTakeFirst()
  if (changed.numUpdatedRows === 0n) return false
  await appendEvent(db, now, { type: 'AGENT_SUSPENDED', actor: by.actor, agentId: id, data: { why: by.why } })
  return true
}
