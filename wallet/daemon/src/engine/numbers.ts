import type { NetworkName } from '@waiaas/core'
import type { ChainAdapter } from '../chains/chain-adapter.ts'
import { appendEvent } from '../store/events.ts'
import {
  finalFrom,
  forgetFrom,
  holdAccount,
  laneGaps,
  laneOf,
  numbersSignedOutside,
  outstandingOf,
  setLaneNext,
} from '../store/lanes.ts'
import type { NumbersRead } from './lane.ts'
import type { Context } from './parts.ts'

type Account = { network: NetworkName; address: string }

/** What waits in a pool and is not ours is waited for this long before its number is skipped. */
const PENDING_PATIENCE_MS = 60_000

/** Numbers of an account that may lie between what the chain has and what was given out; more are a wrong answer of some node. */
const MOST_APART = 256n

/** What one process remembers of an account's numbers from one reading to the next. */
export type NumbersMemory = {
  /** Whether its numbers were read since the start. */
  isRead: boolean
  /** Since when a node says that something of others waits in a pool, monotonic ms. */
  foreignSince: number | undefined
}

/**
 * What the chain and the store know of an account's numbers. The next one is the count of the newest block, or the highest
 * that was given out and one more, whichever is higher. Where they contradict each other, that is logged: in the log of
 * the program, and once in the audit log.
 */
export async function readNumbers(
  context: Context,
  adapter: ChainAdapter,
  account: Account,
  memory: NumbersMemory,
): Promise<NumbersRead> {
  const { network, address } = account
  const asked = await adapter.sequence!(address)
  if (!asked.ok) return { ...asked, lasting: false }
  const lane = await laneOf(context.db, network, address)
  if (lane?.held) return refuseHeld(lane.held)
  const { count } = asked
  if (lane !== undefined && count > lane.next) {
    const held = await usedElsewhere(context, account, { from: lane.next, to: count - 1n }, memory)
    if (held !== undefined) return refuseHeld(held)
  }
  if (lane !== undefined && count < lane.next) {
    const lost = await finalFrom(context.db, network, address, count)
    if (lost.count > 0) {
      const why = await whyTooFew(adapter, address, { count, lost })
      if (why !== undefined) return { ok: false, lasting: false, message: why }
      if (!adapter.startsAnew) return { ok: false, lasting: true, message: tooFew(network, lost.count) }
      await startAnew(context, account, count)
    }
  }
  memory.isRead = true
  const known = (await laneOf(context.db, network, address))?.next ?? 0n
  const next = known > count ? known : count
  const skipped = await skipForeign(context, account, { next, pending: asked.pending }, memory)
  if (skipped === undefined) {
    const message = `Something that was not sent from here waits under number ${next} or above.`
    return { ok: false, lasting: false, message }
  }
  const { costs, notAccepted } = await outstandingOf(context.db, network, address)
  const free = asked.pending > count ? asked.pending : count
  if (skipped - free > MOST_APART) {
    const why = await tooFarApart(context, account, { from: free, to: skipped - 1n })
    return refuseHeld(why)
  }
  const gaps = await laneGaps(context.db, network, address, { from: free, next: skipped })
  return { ok: true, numbers: { count, next: skipped, gaps, costs, notAccepted, most: asked.most } }
}

type Lost = Awaited<ReturnType<typeof finalFrom>>

/** Why a count without what is final says nothing: that became final after the node had answered; or its block is there. */
async function whyTooFew(
  adapter: ChainAdapter,
  address: string,
  { count, lost }: { count: bigint; lost: Lost },
): Promise<string | undefined> {
  const again = await adapter.sequence!(address)
  if (again.ok && again.count > count) return 'A block came while the numbers were read.'
  if (lost.block === undefined || adapter.standing === undefined) return undefined
  const asked = await adapter.standing([lost.block])
  if (!asked.ok) return asked.message
  return asked.shown[0] ? 'The nodes show a block of this wallet, and a count from before it.' : undefined
}

function refuseHeld(why: string): NumbersRead {
  return { ok: false, lasting: false, held: true, message: why }
}

function tooFew(network: string, lost: number): string {
  return (
    `The nodes of ${network} do not know ${lost} transactions of this wallet that were final: they are far behind, ` +
    'or serve a chain that was reset. Nothing is signed on it. Check the addresses under [rpc].'
  )
}

/**
 * The key signed elsewhere: these numbers are used, and nothing of ours has them. Found at the start, the reason may
 * be a second daemon, or a database from a backup: then nothing is signed until the operator has looked.
 */
async function usedElsewhere(
  context: Context,
  account: Account,
  { from, to }: { from: bigint; to: bigint },
  memory: NumbersMemory,
): Promise<string | undefined> {
  const { network, address } = account
  const own = await numbersSignedOutside(context.db, network, address, { from, to })
  const data = { ...account, from: from.toString(), to: to.toString() }
  const isForeign = own < to - from + 1n
  if (isForeign && to - from >= MOST_APART) return await tooFarApart(context, account, { from, to })
  const held = isForeign && !memory.isRead
  const why =
    `The numbers ${from} to ${to} of ${address} on ${network} were used, and not from here: the database may come from a backup, ` +
    'or a second daemon may hold the same keys. Nothing is signed for this account until it is released.'
  if (isForeign) context.log.warn(data, 'The key of a wallet is used elsewhere too.')
  await context.write(async (db) => {
    await setLaneNext(db, network, address, to + 1n)
    if (held) await holdAccount(db, network, address, why)
    if (isForeign)
      await appendEvent(db, context.now(), {
        type: 'SEQUENCE_USED_ELSEWHERE',
        actor: 'daemon',
        data: { ...data, held },
      })
  })
  return held ? why : undefined
}

/** No account is used so much at once: a node has told a wrong count, now or earlier. Nothing is stored of it. */
async function tooFarApart(context: Context, account: Account, range: { from: bigint; to: bigint }): Promise<string> {
  const { network, address } = account
  const why =
    `Nodes say, or once said, that ${address} on ${network} has used the numbers ${range.from} to ${range.to}. That many at once is ` +
    'a wrong answer of some node. Nothing is signed for this account until it is released; then its numbers are read anew.'
  context.log.error({ ...account, from: range.from.toString(), to: range.to.toString() }, why)
  await context.write((db) => holdAccount(db, network, address, why))
  return why
}

/** The next number beyond what waits in pools and is not ours; undefined while that may still go away. */
async function skipForeign(
  context: Context,
  account: Account,
  { next, pending }: { next: bigint; pending: bigint },
  memory: NumbersMemory,
): Promise<bigint | undefined> {
  if (pending <= next) {
    memory.foreignSince = undefined
    return next
  }
  if (pending - next > MOST_APART) return undefined
  const now = context.timers.monotonic()
  memory.foreignSince ??= now
  if (now - memory.foreignSince < PENDING_PATIENCE_MS) return undefined
  const data = { ...account, from: next.toString(), to: (pending - 1n).toString(), pending: true }
  context.log.warn(data, 'Transactions that were not sent from here wait in a pool; their numbers are skipped.')
  await context.write(async (db) => {
    await setLaneNext(db, account.network, account.address, pending)
    await appendEvent(db, context.now(), { type: 'SEQUENCE_USED_ELSEWHERE', actor: 'daemon', data })
  })
  return pending
}

/**
 * A chain of one's own that was reset under an old database: what was final on the one before is gone, and
 * its numbers are free. What was not final keeps its number: its bytes may take effect on the new chain.
 */
async function startAnew(context: Context, account: Account, next: bigint): Promise<void> {
  const data = { ...account, next: next.toString() }
  context.log.warn(data, 'The chain was reset: it does not know what was final. Nonces start at its own count.')
  await context.write(async (db) => {
    const highest = await forgetFrom(db, account.network, account.address, next)
    const end = highest === undefined || highest < next ? next : highest + 1n
    await setLaneNext(db, account.network, account.address, end)
    await appendEvent(db, context.now(), { type: 'CHAIN_STARTED_ANEW', actor: 'daemon', data })
  })
}
