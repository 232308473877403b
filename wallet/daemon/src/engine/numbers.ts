import type { NetworkName } from '@waiaas/core'
import type { ChainAdapter } from '../chains/chain-adapter.ts'
import { appendEvent } from '../store/events.ts'
import { finalFrom, forgetFrom, laneGaps, laneNext, setLaneNext } from '../store/lanes.ts'
import type { NumbersRead } from './lane.ts'
import type { Context } from './parts.ts'

/**
 * What the chain and the store know of an account's numbers. Where they contradict each other it is told: in the
 * log of the program, and once in the audit log.
 */
export async function readNumbers(
  context: Context,
  adapter: ChainAdapter,
  account: { network: NetworkName; address: string },
): Promise<NumbersRead> {
  const { network, address } = account
  const asked = await adapter.nextSequence!(address)
  if (!asked.ok) return { ...asked, lasting: false }
  const stored = await laneNext(context.db, network, address)
  if (stored !== undefined && asked.sequence > stored) await tellOfOutsideUse(context, account, stored, asked.sequence)
  if (stored !== undefined && asked.sequence < stored) {
    const lost = await finalFrom(context.db, network, address, asked.sequence)
    if (lost > 0 && !adapter.startsAnew) return { ok: false, lasting: true, message: tooFew(network, lost) }
    if (lost > 0) await startAnew(context, account, asked.sequence)
  }
  const known = (await laneNext(context.db, network, address)) ?? 0n
  const next = known > asked.sequence ? known : asked.sequence
  const gaps = await laneGaps(context.db, network, address, { from: asked.sequence, next })
  return { ok: true, numbers: { next, gaps } }
}

function tooFew(network: string, lost: number): string {
  return (
    `The nodes of ${network} do not know ${lost} transactions of this wallet that were final: they are far behind, ` +
    'or serve a chain that was started anew. Nothing is signed on it. Check the addresses under [rpc].'
  )
}

type Account = { network: NetworkName; address: string }

/** The key signed elsewhere: what lies between is used, and nothing of ours has these numbers. */
async function tellOfOutsideUse(context: Context, account: Account, from: bigint, next: bigint): Promise<void> {
  const data = { ...account, from: from.toString(), to: (next - 1n).toString() }
  context.log.warn(
    data,
    'The key of a wallet is used elsewhere too: these numbers of its account were not given out here.',
  )
  await context.write(async (db) => {
    await setLaneNext(db, account.network, account.address, next)
    await appendEvent(db, context.now(), { type: 'SEQUENCE_USED_ELSEWHERE', actor: 'daemon', data })
  })
}

/**
 * A chain of one's own that was started anew under an old database: what was final on the one before is gone, and
 * its numbers are free. What was not final keeps its number: its bytes may take effect on the new chain.
 */
async function startAnew(context: Context, account: Account, next: bigint): Promise<void> {
  const data = { ...account, next: next.toString() }
  context.log.warn(
    data,
    'The chain was started anew: it does not know what was final. Numbers are given out from its own.',
  )
  await context.write(async (db) => {
    const highest = await forgetFrom(db, account.network, account.address, next)
    const end = highest === undefined || highest < next ? next : highest + 1n
    await setLaneNext(db, account.network, account.address, end)
    await appendEvent(db, context.now(), { type: 'CHAIN_STARTED_ANEW', actor: 'daemon', data })
  })
}
