import type { ChainAdapter } from '../chains/chain-adapter.ts'
import type { AttemptRow } from '../store/attempts.ts'
import { appendNote } from '../store/events.ts'
import { findTransaction, patchTransaction, type TransactionRow } from '../store/transactions.ts'
import { PATIENCE_SECONDS } from './closing.ts'
import { noticeFor, readNotice } from './notice.ts'
import type { Context } from './parts.ts'

/** Blocks usually take a payment sooner: before this nothing is asked. */
const FIRST_LOOK_SECONDS = 60

/**
 * Says of bytes that a node has said to have, and that are the next ones of their account, that no block has taken
 * them for as long as the daemon is patient. A node can say so and have lost them, or have told nobody of them
 * (paradigmxyz/reth#8661, NethermindEth/nethermind#10210). Nothing is given up for it. Where they are not the next ones any more,
 * the row says no more of it.
 *
 * @param newest the version that was handed over last.
 */
export async function tellNotMined(
  context: Context,
  adapter: ChainAdapter,
  row: TransactionRow,
  newest: AttemptRow,
): Promise<void> {
  const { address, sequence } = newest
  const isTaken = row.status === 'SUBMITTED' && row.outcome_unknown === 0 && row.closing === null
  if (!isTaken || sequence === null || adapter.funds === undefined) return
  if (newest.created_at > context.clock.ago(FIRST_LOOK_SECONDS)) return
  const asked = await adapter.funds(address, 'newest')
  if (!asked.ok) return
  // No block is late with what was too cheap for it.
  const isNext = asked.count === BigInt(sequence) && readNotice(row)?.code !== 'FEE_CEILING'
  const since = context.handOvers.noteNext(newest.id, isNext, context.now())
  const isSaid = readNotice(row)?.code === 'NOT_MINED'
  if (since === undefined ? !isSaid : isSaid || since > context.clock.ago(PATIENCE_SECONDS)) return
  const changed = await context.write(async (db) => {
    const current = await findTransaction(db, row.id)
    if (current?.status !== 'SUBMITTED' || current.closing !== null || current.outcome_unknown === 1) return undefined
    const before = readNotice(current)?.code
    if (before !== undefined && before !== 'NOT_MINED') return undefined
    const now = context.now()
    const notice =
      since === undefined ? null : noticeFor(current, now, { ...notMined(current), nonce: sequence, since })
    await patchTransaction(db, row.id, now, { notice }, 'SUBMITTED')
    if (before === undefined) await appendNote(db, now, current, 'TX_NOT_MINED', { hash: newest.hash })
    return { ...current, notice }
  })
  if (changed !== undefined) context.changes.changed(changed)
}

function notMined({ id, origin }: TransactionRow) {
  const what = 'A node has said that it has it, and no block has taken it, although it is the next one of its account.'
  // What the daemon signs by itself holds back the payments behind it, and has nothing to give up.
  const ways = origin === 'daemon' ? '' : ` To give it up: waiaas tx cancel ${id}`
  return { code: 'NOT_MINED', message: `${what} The same bytes are sent again, to each node in turn.${ways}` } as const
}
