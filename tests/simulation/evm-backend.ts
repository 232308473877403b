import type { Block } from './evm-chain.ts'
import type { RpcError } from './evm-clients.ts'
import type { EvmFaultKind } from './evm-faults.ts'
import type { Hex } from './evm-transaction.ts'
import { ancestor, type Backend, type EvmWorld, newestAt } from './evm-world.ts'

/** How long faults that come and go stay. */
const STRETCH_MILLIS = 90_000
const LONG_STRETCH_MILLIS = 900_000

/** True during the stretches of time in which the fault holds for the backend; `since` is when this one began. */
function during(
  { clock, faults }: EvmWorld,
  kind: EvmFaultKind,
  id: string,
  millis: number,
): { since: number } | undefined {
  const stretch = Math.floor(clock.monotonic() / millis)
  return faults.holds(kind, `${id}/${stretch}`) ? { since: stretch * millis } : undefined
}

/** A whole number that belongs to the backend, whatever else is drawn. */
function trait({ random }: EvmWorld, backend: Backend, name: string, low: number, high: number): number {
  return random.fork(`${backend.id}/${name}`).between(low, high)
}

/** The head that this backend follows now, and the fault that makes it another one than an honest backend's. */
export function headOf(world: EvmWorld, backend: Backend): { head: Block; fault?: EvmFaultKind } {
  const { clock, faults, heads, sides, blockMillis, chain } = world
  const time = clock.monotonic() - backend.delayMillis
  const honest = newestAt(heads, time)
  for (let index = sides.length - 1; index >= 0; index -= 1) {
    const { at, block } = sides[index]!
    if (time - at > trait(world, backend, 'stale', 1, 12) * blockMillis) break
    if (at > time || chain.isCanonical(block) || block.number < chain.final().number) continue
    if (faults.holds('staleFork', `${backend.id}/${block.hash}`)) return { head: block, fault: 'staleFork' }
  }
  const stopped = during(world, 'behind', backend.id, STRETCH_MILLIS)
  const lag = faults.holds('alwaysBehind', backend.id) ? trait(world, backend, 'lag', 1, 8) * blockMillis : 0
  const seen = newestAt(heads, Math.min(time - lag, stopped?.since ?? time))
  if (seen.hash === honest.hash) return { head: honest }
  return { head: seen, fault: stopped === undefined ? 'alwaysBehind' : 'behind' }
}

/** What a backend says of `finalized`. */
export type Finalized =
  | { kind: 'block'; block: Block; fault?: EvmFaultKind }
  | { kind: 'null' | 'zero' | 'above'; fault: EvmFaultKind }
  | { kind: 'error'; error: RpcError; fault: EvmFaultKind }

export function finalizedOf(world: EvmWorld, backend: Backend, head: Block): Finalized {
  const { faults, finals, clock, chain } = world
  if (faults.holds('finalizedError', backend.id)) {
    const error = backend.client.notFinalized ?? { code: -32602, message: 'invalid block tag: finalized' }
    return { kind: 'error', error, fault: 'finalizedError' }
  }
  if (during(world, 'finalizedNull', backend.id, STRETCH_MILLIS)) return { kind: 'null', fault: 'finalizedNull' }
  if (during(world, 'finalizedZero', backend.id, STRETCH_MILLIS)) return { kind: 'zero', fault: 'finalizedZero' }
  if (during(world, 'finalizedAbove', backend.id, STRETCH_MILLIS)) return { kind: 'above', fault: 'finalizedAbove' }
  const stuck = during(world, 'finalizedStuck', backend.id, LONG_STRETCH_MILLIS)
  const time = clock.monotonic() - backend.delayMillis
  const honest = newestAt(finals, time)
  const seen = newestAt(finals, Math.min(time, stuck?.since ?? time))
  const below = seen.number <= head.number ? seen : ancestor(chain, head, head.number)!
  if (below.hash === honest.hash || stuck === undefined) return { kind: 'block', block: below }
  return { kind: 'block', block: below, fault: 'finalizedStuck' }
}

/** Why a body is not here: the node was started from a snapshot or prunes, or has a hole. */
export function bodyMissing(world: EvmWorld, backend: Backend, head: Block, block: Block): EvmFaultKind | undefined {
  const { faults } = world
  const isOld = head.number - block.number > trait(world, backend, 'bodies', 4, 64)
  if (isOld && faults.holds('bodiesMissing', backend.id)) return 'bodiesMissing'
  return faults.holds('bodyHoles', `${backend.id}/${block.hash}`) ? 'bodyHoles' : undefined
}

/** Whether the backend still has the state after a block, and the fault that took it. */
export function hasState(
  world: EvmWorld,
  backend: Backend,
  head: Block,
  block: Block,
): { has: boolean; fault?: EvmFaultKind } {
  const depth = head.number - block.number
  if (world.faults.holds('stateShort', backend.id) && depth >= trait(world, backend, 'states', 1, 16)) {
    return { has: false, fault: 'stateShort' }
  }
  return { has: backend.stateBlocks === undefined || depth < backend.stateBlocks }
}

/** The nonce after everything that waits, as this backend tells it. */
export function pendingCount(
  world: EvmWorld,
  backend: Backend,
  address: Hex,
  latest: bigint,
): { count: bigint; fault?: EvmFaultKind } {
  const honest = backend.pool.nextNonce(address, latest)
  if (world.faults.holds('pendingIsLatest', backend.url) && honest !== latest) {
    return { count: latest, fault: 'pendingIsLatest' }
  }
  if (during(world, 'pendingHigh', `${backend.id}/${address}`, STRETCH_MILLIS) === undefined) return { count: honest }
  return { count: honest + BigInt(trait(world, backend, 'pending', 1, 3)), fault: 'pendingHigh' }
}

/** Why the receipt of a transaction in this block is not to be had. */
export function receiptMissing(
  world: EvmWorld,
  backend: Backend,
  head: Block,
  block: Block,
  hash: Hex,
): EvmFaultKind | undefined {
  const { faults, random } = world
  const gone = bodyMissing(world, backend, head, block)
  if (gone !== undefined) return gone
  if (faults.holds('indexMissing', `${backend.id}/${block.hash}`)) return 'indexMissing'
  const isLate = faults.holds('receiptLate', `${backend.id}/${hash}`)
  return isLate && head.number - block.number < random.fork(`${backend.id}/${hash}`).between(1, 10)
    ? 'receiptLate'
    : undefined
}
