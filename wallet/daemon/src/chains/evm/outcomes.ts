import type { BlockRef, Missing, Outcome, Place, Proof, Result, SentAttempt } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcPool } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { countAt, countsRegardless, listedOn, originOf, proveConsumed } from './consumed.ts'
import type { EvmTraits } from './evm-traits.ts'
import { type Final, type Finality, isFinal } from './finality.ts'
import { Block, type Line, type LineBlock } from './line.ts'
import { readResult } from './receipts.ts'

type Followed = {
  line: Line
  finality: Finality
  traits: Pick<EvmTraits, 'l1FeeOracle'>
  /** Whether the nodes agree on a block. */
  agree: (block: BlockRef) => Promise<boolean>
  monotonic: () => number
  /** Where no block lists a place for so long, the account's count is asked. */
  patienceMs: number
}

/**
 * Where places stand, by the blocks of one node's line. Included: a block of the line lists a version. Dead: the
 * nonce was used by others, proven at block hashes. Receipts add only success and fee.
 */
export function createEvmOutcomes(rpc: Pick<RpcPool, 'onOne' | 'onEach'>, followed: Followed) {
  const firstSeen = new Map<string, number>()
  const results = new Map<string, Result & { block: string }>()
  return async (
    places: readonly Place[],
  ): Promise<{ ok: true; outcomes: Outcome[] } | { ok: false; message: string }> => {
    if (places.length === 0) return { ok: true, outcomes: [] }
    const { line, monotonic, patienceMs } = followed
    line.watch(
      places.flatMap(({ versions }) => versions.map(({ hash }) => hash)),
      true,
    )
    const now = monotonic()
    const isOld = (place: Place) => {
      const key = place.versions[0]!.hash
      firstSeen.set(key, firstSeen.get(key) ?? now)
      return now - firstSeen.get(key)! >= patienceMs
    }
    const memory = { isOld, results, onEach: rpc.onEach }
    const newest = await rpc.onOne((node) => look(node, followed, places, memory))
    const known = line.newest()
    // Where no node shows all blocks up to its newest one, those that are known still say something.
    const isLacking = !newest.ok && newest.failure.kind === 'unable' && known !== undefined
    const seen = isLacking
      ? withMissing(await rpc.onOne((node) => lookFrom(node, known, followed, places, memory)), newest.failure.message)
      : newest
    if (!seen.ok) return { ok: false, message: seen.failure.message }
    const over = places.filter((_, index) => isOver(seen.value[index]!))
    line.unwatch(over.flatMap(({ versions }) => versions.map(({ hash }) => hash)))
    for (const { versions } of over) {
      firstSeen.delete(versions[0]!.hash)
      for (const { hash } of versions) results.delete(hash)
    }
    return { ok: true, outcomes: seen.value }
  }
}

function isOver(outcome: Outcome): boolean {
  return outcome.kind !== 'waiting' && outcome.final && (outcome.kind === 'dead' || outcome.result !== undefined)
}

async function look(
  node: NodeReader,
  followed: Followed,
  places: readonly Place[],
  memory: Memory,
): Promise<RpcResult<Outcome[]>> {
  const head = await followed.line.follow(node)
  return head.ok ? await lookFrom(node, head.value, followed, places, memory) : head
}

/** What waits says why nothing is known of the blocks above. */
function withMissing(seen: RpcResult<Outcome[]>, message: string): RpcResult<Outcome[]> {
  if (!seen.ok) return seen
  const missing = { code: 'HISTORY_UNAVAILABLE' as const, message }
  return { ok: true, value: seen.value.map((each) => (each.kind === 'waiting' ? { ...each, missing } : each)) }
}

async function lookFrom(
  node: NodeReader,
  head: LineBlock,
  { line, finality, traits, agree }: Followed,
  places: readonly Place[],
  memory: Memory,
): Promise<RpcResult<Outcome[]>> {
  const final = await finality.read(node, head, line)
  const sight = { line, head, final, traits, agree, counts: createCounts(node, head), ...memory }
  const outcomes = await Promise.all(places.map((place) => outcomeOf(node, sight, place)))
  const needed = outcomes.flatMap((outcome) => (outcome.kind === 'waiting' ? [] : [blockOf(outcome).number]))
  const lowest = [...needed, final.ok ? final.block.number : line.lowest()].reduce((a, b) => (a < b ? a : b))
  if (outcomes.every(({ missing }) => missing?.code !== 'HISTORY_UNAVAILABLE')) line.trim(lowest)
  return { ok: true, value: outcomes }
}

function blockOf(outcome: Exclude<Outcome, { kind: 'waiting' }>): BlockRef {
  return outcome.kind === 'dead' ? outcome.proof.block : outcome.block
}

/** The counts of accounts at the head, each asked for once; none of a node that does not look at block hashes. */
function createCounts(node: NodeReader, head: LineBlock): (account: string) => Promise<bigint | Missing> {
  const asked = new Map<string, Promise<bigint | Missing>>()
  let regardless: Promise<Missing | undefined> | undefined
  const ask = async (account: string) => {
    regardless ??= countsRegardless(node, account)
    const [count, fault] = await Promise.all([countAt(node, account, head), regardless])
    return fault ?? count
  }
  return (account) => {
    const count = asked.get(account) ?? ask(account)
    asked.set(account, count)
    return count
  }
}

/** What is remembered from one look to the next. */
type Memory = {
  isOld: (place: Place) => boolean
  /** What became of a transaction in a block, by its hash. */
  results: Map<string, Result & { block: string }>
} & Pick<RpcPool, 'onEach'>

type Sight = Memory & {
  line: Line
  head: LineBlock
  final: Final
  traits: Followed['traits']
  agree: Followed['agree']
  counts: (account: string) => Promise<bigint | Missing>
}

async function outcomeOf(node: NodeReader, sight: Sight, place: Place): Promise<Outcome> {
  const { line, head } = sight
  const listed = listedOn(line, place)
  if (listed !== undefined) return await included(node, sight, place, listed.hash, listed.block)
  if (place.block !== null) {
    const again = await stillIncluded(node, sight, place, place.block)
    if (again !== undefined) return again
  }
  if (place.proof !== null && (await holds(node, line, place.proof.block))) {
    // The blocks that were read down to it may list a version.
    const found = listedOn(line, place)
    if (found !== undefined) return await included(node, sight, place, found.hash, found.block)
    return await dead(sight, place.proof)
  }
  const { from, sequence } = place.versions[0]!
  const hasOrigin = originOf(place, head) !== undefined
  if (sequence === null || (hasOrigin && !sight.isOld(place))) return { kind: 'waiting' }
  const count = await sight.counts(from)
  if (typeof count !== 'bigint') return sight.isOld(place) ? { kind: 'waiting', missing: count } : { kind: 'waiting' }
  if (count <= sequence) return hasOrigin ? { kind: 'waiting' } : await withOrigin(node, sight)
  const consumption = await proveConsumed(node, line, head, place)
  switch (consumption.kind) {
    case 'ours':
      return await included(node, sight, place, consumption.hash, consumption.block)
    case 'others':
      return await dead(sight, consumption.proof)
    case 'unproven':
      return { kind: 'waiting', missing: consumption.missing }
  }
}

/**
 * The nonce is not used in the newest block, so no block below lists a version: a search may begin at the final one.
 * That is on the line of the newest one, at or below it, and the other nodes have it too.
 */
async function withOrigin(node: NodeReader, { line, head, final, agree }: Sight): Promise<Outcome> {
  if (!final.ok || !(await holds(node, line, final.block))) return { kind: 'waiting' }
  const isBelow = line.at(head.number)?.hash === head.hash && final.block.number <= head.number
  if (!isBelow || !(await agree(final.block))) return { kind: 'waiting' }
  return { kind: 'waiting', origin: final.block.number }
}

/** What is signed anew rests on it, so that one node alone is not believed. */
async function dead({ line, final, agree }: Sight, proof: Proof): Promise<Outcome> {
  const base = { kind: 'dead' as const, proof, message: 'Another transaction used its nonce.' }
  if (!final.ok) return { ...base, final: false, missing: final.missing }
  if (!isFinal(line, final, proof.block)) return { ...base, final: false }
  if (await agree(final.block)) return { ...base, final: true }
  const message = `The nodes do not agree on block ${final.block.number}, which one of them calls final.`
  return { ...base, final: false, missing: { code: 'FINALITY_UNAVAILABLE', message } }
}

/** Whether a block is on the line; the line is read down to it. */
async function holds(node: NodeReader, line: Line, block: BlockRef): Promise<boolean> {
  await line.reach(node, block.number)
  return line.at(block.number)?.hash === block.hash
}

/** A block that listed a version before this process followed the line, or below where it starts. */
async function stillIncluded(
  node: NodeReader,
  sight: Sight,
  place: Place,
  block: BlockRef,
): Promise<Outcome | undefined> {
  const { line } = sight
  const reaches = await line.reach(node, block.number)
  const onLine = line.at(block.number)
  if (reaches && onLine?.hash !== block.hash) return undefined
  const version = await listedIn(node, place, block)
  return version === undefined ? undefined : await included(node, sight, place, version, block)
}

async function listedIn(node: NodeReader, { versions }: Place, { hash }: BlockRef): Promise<string | undefined> {
  const answer = await node.read('eth_getBlockByHash', [hash, false], Block.nullable())
  if (!answer.ok || answer.value?.hash !== hash) return undefined
  const listed = new Set(answer.value.transactions.map((each) => each.toLowerCase()))
  return versions.find((version) => listed.has(version.hash.toLowerCase()))?.hash
}

async function included(
  node: NodeReader,
  sight: Sight,
  place: Place,
  hash: string,
  block: BlockRef & { baseFee?: bigint | undefined },
): Promise<Outcome> {
  const { line, final, results } = sight
  const version = place.versions.find((each) => each.hash === hash)!
  const known = results.get(hash)
  const result = known?.block === block.hash ? known : await resultOf(node, sight, version, block)
  if (result !== undefined) results.set(hash, { ...result, block: block.hash })
  if (final.ok && block.number <= final.block.number) await line.reach(node, block.number)
  const base = {
    kind: 'included' as const,
    hash,
    block: { number: block.number, hash: block.hash },
    final: isFinal(line, final, block),
  }
  if (result === undefined) {
    const message = `It is in block ${block.number}; ${node.node.host} has no receipt for it that can be right.`
    return { ...base, missing: { code: 'RECEIPT_UNAVAILABLE', message } }
  }
  return final.ok || base.final ? { ...base, result } : { ...base, result, missing: final.missing }
}

/** What became of a transaction, as the node tells that has the block; else as another one does. */
async function resultOf(
  node: NodeReader,
  { traits, onEach }: Sight,
  version: SentAttempt,
  block: BlockRef & { baseFee?: bigint | undefined },
): Promise<Result | undefined> {
  const own = await readResult(node, traits, version, block)
  if (own !== undefined) return own
  const others = await onEach(async (other) => {
    const isOther = other.node.index !== node.node.index
    return { ok: true, value: isOther ? await readResult(other, traits, version, block) : undefined }
  })
  return others.ok ? others.value.find((each) => each !== undefined) : undefined
}
