import { z } from 'zod'
import type { Missing, SentAttempt } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcResult } from '../rpc-result.ts'
import { openEnvelope } from './envelope.ts'
import { forgetNode, type KnownBlock, keyOn, remember } from './known-blocks.ts'
import { type Look, list, newLook, newMemory, noting, readSome, type Searched, showsAgain } from './look.ts'
import type { Finalized } from './outcomes.ts'
import { decodeMessage } from './read-message.ts'
import { U64 } from './wire.ts'

/**
 * The 151 blocks after a block may use its blockhash: ages 0 to 150 are valid, and the age of the parent's is 0.
 * Skipped slots can only end it sooner. Sources: anza-xyz/agave accounts-db/src/blockhash_queue.rs and
 * MAX_PROCESSING_AGE; solana-labs/solana#24242.
 */
const OLDEST_AGE = 150n
/**
 * The age up to which nodes remember a blockhash, MAX_RECENT_BLOCKHASHES. The last valid height from the time of signing
 * may extend a search up to this, because a network may come to allow a higher age (anza-xyz/agave#12264 shortens
 * slots); it never shortens one.
 */
const OLDEST_REMEMBERED = 300n

/**
 * Slots around the origin where the block with the blockhash may be: answers name a slot beside it, outside blockhashes
 * are older. An origin that is further above the newest finalized slot was never true, or the node is far behind.
 */
const SLOTS_BELOW = 1_000n
const SLOTS_ABOVE = 400n
/** How far ahead blocks are listed. Nodes list 500,000 slots at most. */
const SPANS = [450n, 5_000n, 500_000n]

const LISTS_TOGETHER = 50
const HEADERS_TOGETHER = 10
const MOST_STARTS = 1_000
/** Where no block carries the blockhash: slots from the origin on whose lists are searched; of later ones only the hashes are. */
const LOST_SLOTS = 3_000n
/** How far the line is followed then, two days or so. */
const MOST_LOST_SLOTS = 500_000n
/** Slots that are listed at once on the way: few, and many where these have no block. */
const STRETCHES = [150n, 5_000n]
/** Slots that are listed at once on the way down, where nothing true is known of the origin. */
const STRETCH_BELOW = 500n

/** A node that lacked blocks is asked again after a pause, each time after twice as long. */
const FIRST_PAUSE_MS = 2_000
const LONGEST_PAUSE_MS = 300_000

/** Searches the finalized blocks of one node for a signature. Fails where the node does not show that it serves the network. */
export type Search = (node: NodeReader, attempt: SentAttempt, finalized: Finalized) => Promise<RpcResult<Searched>>

/**
 * Searches for signatures in every block that may have them: from the one whose blockhash the bytes name to the last
 * one in which it is valid, each linked to the one before by its hash. Of what was stored at signing, only the origin
 * is used, as a place to start looking. Blocks that were read are remembered.
 *
 * Where no block around the origin carries the blockhash, its block was on a fork that lost, or is yet to come. Then
 * every block is searched from well below the origin up to one by which every blockhash has ended that there was when
 * this was noticed.
 *
 * Where nothing true is known of the origin, the block with the blockhash is looked for around the slot that was final
 * when this was noticed, and below it. Only a block that carries it makes a proof then: without one it is not known
 * where a line would have to begin.
 *
 * Where a search has asked a node anything, the node then has to show again that it serves the network, and, for a proof,
 * the last block of it: a lost blockhash has no block of this network in its line, so that an endpoint which serves
 * another one could show all of it. Until it has shown that, nothing of what it said is kept.
 *
 * @returns starts a look for these signatures. It limits how many blocks are read; the next look goes on.
 */
export function createHistory(monotonic: () => number): (hashes: readonly string[]) => Search {
  const missed = new Map<string, { until: number; pause: number; searched: Searched }>()
  const memory = newMemory()
  const forget = (node: NodeReader) => {
    const { blocks, ...maps } = memory
    blocks.forgetAll(node)
    for (const map of [missed, ...Object.values(maps)]) forgetNode(map, node)
  }
  return (hashes) => {
    memory.blocks.watch(hashes)
    const look = newLook(memory)
    return async (node, attempt, finalized) => {
      const key = keyOn(node, attempt.hash)
      const last = missed.get(key)
      if (last !== undefined && monotonic() < last.until) return { ok: true, value: last.searched }
      const searched = await search(look, noting(look, node), attempt, finalized)
      const shown = await showsAgain(look, node, searched)
      if (!shown.ok || !shown.value) forget(node)
      if (!shown.ok) return shown
      if (!shown.value) return { ok: true, value: { kind: 'reading' } }
      if (searched.kind !== 'missing') missed.delete(key)
      else {
        const pause = last === undefined ? FIRST_PAUSE_MS : Math.min(last.pause * 2, LONGEST_PAUSE_MS)
        remember(missed, MOST_STARTS, key, { until: monotonic() + pause, pause, searched })
      }
      return { ok: true, value: searched }
    }
  }
}

async function search(look: Look, node: NodeReader, attempt: SentAttempt, finalized: Finalized): Promise<Searched> {
  const { origin, validUntil } = attempt
  // The height from the time of signing decides nothing but when to say that something is missing.
  const seemsOver = validUntil !== null && finalized.height > validUntil
  const blockhash = blockhashOf(attempt.raw)
  if (blockhash === undefined) return seemsOver ? { kind: 'missing', missing: unreadable } : { kind: 'alive' }
  const isAbove = origin !== null && origin > finalized.slot + SLOTS_BELOW
  const newest = look.lost.get(keyOn(node, attempt.hash))
  if (origin === null || isAbove || (newest !== undefined && isTooFar(origin, newest))) {
    return await searchWithoutOrigin(look, node, attempt, { blockhash, finalized, seemsOver })
  }
  if (finalized.slot <= origin + OLDEST_AGE) {
    return seemsOver && finalized.slot < origin ? lacks(node, 'getBlock', origin) : { kind: 'alive' }
  }
  // What was searched for around the origin is not searched for again.
  if (look.lostLines.has(keyOn(node, attempt.hash))) {
    return await searchLost(look, node, attempt, { blockhash, origin, finalized })
  }
  const start = await findStart(look, node, { blockhash, origin, finalized })
  if (start === 'reading') return { kind: 'reading' }
  if (typeof start === 'string') {
    const isCovered = finalized.slot > origin + SLOTS_ABOVE
    if (isCovered && start === 'nowhere') return await searchLost(look, node, attempt, { blockhash, origin, finalized })
    const method = start === 'nowhere' ? 'getBlock' : start
    return isCovered || seemsOver ? lacks(node, method, origin) : { kind: 'alive' }
  }
  return await searchFrom(look, node, attempt, { ...start, origin, finalized })
}

/** Whether a line from the origin would be too long to be followed. */
function isTooFar(origin: bigint, newest: bigint): boolean {
  return newest > origin + MOST_LOST_SLOTS
}

type Start = { slot: bigint; header: KnownBlock }
/** The method that did not give what was needed. */
type Lacking = 'getBlock' | 'getBlocks'

/** The block that carries a blockhash. */
async function findStart(
  look: Look,
  node: NodeReader,
  { blockhash, origin, finalized }: { blockhash: string; origin: bigint; finalized: Finalized },
): Promise<Start | Lacking | 'reading' | 'nowhere'> {
  const { blocks, starts } = look
  const key = keyOn(node, blockhash)
  const carries = (slot: bigint) => blocks.header(node, slot)?.blockhash === blockhash
  const startAt = (slot: bigint): Start => {
    remember(starts, MOST_STARTS, key, slot)
    return { slot, header: blocks.header(node, slot)! }
  }
  const before = starts.get(key) ?? origin
  if (blocks.header(node, before) === undefined) await blocks.read(node, before, 'none')
  if (carries(before)) return startAt(before)
  const from = less(origin, SLOTS_BELOW)
  const listed = await list(look, node, from, least(origin + SLOTS_ABOVE, finalized.slot))
  if (listed === undefined) return 'getBlocks'
  const near = listed.toSorted((a, b) => Number(distance(a, origin) - distance(b, origin)))
  const unread = near.filter((slot) => blocks.header(node, slot) === undefined)
  const how = { details: 'none', together: HEADERS_TOGETHER, isEnough: () => near.some(carries) } as const
  const read = await readSome(look, node, unread, how)
  const slot = near.find(carries)
  if (slot !== undefined) return startAt(slot)
  return read === 'read' ? 'nowhere' : read
}

async function searchFrom(
  look: Look,
  node: NodeReader,
  { hash, validUntil }: SentAttempt,
  { slot: start, header, origin, finalized }: Start & { origin: bigint; finalized: Finalized },
): Promise<Searched> {
  const wanted = Number(oldestAge(validUntil, header.blockHeight)) + 1
  if (finalized.slot < start + BigInt(wanted)) return { kind: 'alive' }
  const slots = await listAfter(look, node, { start, wanted, finalized })
  if (slots === undefined) return lacks(node, 'getBlocks', origin)
  const before = { slot: start, blockhash: header.blockhash }
  const searched = await searchLine(look, node, hash, { slots, before, origin, details: 'signatures' })
  if (searched.kind !== 'none') return searched
  if (slots.length < wanted) {
    const hasMore = header.blockHeight != null && finalized.height >= header.blockHeight + BigInt(wanted)
    return hasMore ? lacks(node, 'getBlocks', origin) : { kind: 'alive' }
  }
  return searched
}

/**
 * Searches for bytes whose blockhash no block carries: goes along the line from below the origin, as far as a look may
 * read, to the block by which every blockhash has ended that there was when this was noticed.
 */
async function searchLost(
  look: Look,
  node: NodeReader,
  { hash, validUntil }: SentAttempt,
  { blockhash, origin, finalized }: { blockhash: string; origin: bigint; finalized: Finalized },
): Promise<Searched> {
  const { blocks, lostLines } = look
  const newest = await newestWhenLost(look, node, hash)
  if (newest === undefined) return lacks(node, 'getBlock', origin)
  // Looked for without its origin from the next look on.
  if (isTooFar(origin, newest)) return { kind: 'reading' }
  const key = keyOn(node, hash)
  for (;;) {
    const { at, late } = lostLines.get(key) ?? { at: undefined, late: 0 }
    const from = at?.slot ?? less(origin, SLOTS_BELOW)
    const listed = await listOnward(look, node, from, finalized.slot)
    if (listed === undefined || (at !== undefined && listed[0] !== at.slot)) return lacks(node, 'getBlocks', origin)
    const slots = listed.slice(at === undefined ? 0 : 1, LISTS_TOGETHER)
    const isLate = (slot: bigint) => slot > newest && slot > origin
    const last = slots.filter(isLate)[Number(OLDEST_REMEMBERED) - late]
    const stretch = last === undefined ? slots : slots.slice(0, slots.indexOf(last) + 1)
    const [first] = stretch
    if (first === undefined) return lacks(node, 'getBlock', origin)
    const details = first <= origin + LOST_SLOTS ? 'signatures' : 'none'
    const searched = await searchLine(look, node, hash, { slots: stretch, before: at, origin, details })
    // What it was followed to turned out to be of another fork.
    if (at !== undefined && blocks.header(node, at.slot) === undefined) lostLines.delete(key)
    if (searched.kind !== 'none') return searched
    if (at === undefined) {
      const header = blocks.header(node, first)
      const isWhole = header !== undefined && (first === from || header.parentSlot < from)
      if (!isWhole || !isBelowSigning(header, validUntil)) return lacks(node, 'getBlock', origin)
    }
    const start = stretch.find((slot) => blocks.header(node, slot)?.blockhash === blockhash)
    if (start !== undefined) {
      remember(look.starts, MOST_STARTS, keyOn(node, blockhash), start)
      lostLines.delete(key)
      return { kind: 'reading' }
    }
    if (last !== undefined) return searched
    const place = { slot: searched.last.number, blockhash: searched.last.hash }
    remember(lostLines, MOST_STARTS, key, { at: place, late: late + stretch.filter(isLate).length })
  }
}

/**
 * Whether a line begins below every block whose blockhash could be signed. What was stored of the height can only keep
 * a line from being a proof: where it and the origin do not fit together, one of them is too high.
 */
function isBelowSigning({ blockHeight }: KnownBlock, validUntil: bigint | null): boolean {
  if (blockHeight == null || validUntil === null) return false
  return blockHeight + OLDEST_REMEMBERED + OLDEST_AGE <= validUntil
}

/** The newest slot of a node when it was first asked about a lost blockhash. */
async function newestWhenLost({ lost }: Look, node: NodeReader, hash: string): Promise<bigint | undefined> {
  const key = keyOn(node, hash)
  const known = lost.get(key)
  if (known !== undefined) return known
  const newest = await node.read('getEpochInfo', [{ commitment: 'processed' }], z.object({ absoluteSlot: U64 }))
  if (!newest.ok) return undefined
  remember(lost, MOST_STARTS, key, newest.value.absoluteSlot)
  return newest.value.absoluteSlot
}

/** Searches for bytes of whose origin nothing true is known: only the block that carries their blockhash makes a proof. */
async function searchWithoutOrigin(
  look: Look,
  node: NodeReader,
  attempt: SentAttempt,
  { blockhash, finalized, seemsOver }: { blockhash: string; finalized: Finalized; seemsOver: boolean },
): Promise<Searched> {
  const key = keyOn(node, attempt.hash)
  const noticed = look.noticed.get(key) ?? finalized.slot
  remember(look.noticed, MOST_STARTS, key, noticed)
  const isFound = look.starts.has(keyOn(node, blockhash))
  if (isFound || !look.searchedDownTo.has(key)) {
    const start = await findStart(look, node, { blockhash, origin: noticed, finalized })
    if (start === 'reading') return { kind: 'reading' }
    if (typeof start !== 'string') {
      return await searchFrom(look, node, attempt, { ...start, origin: start.slot, finalized })
    }
    // It was signed a moment ago, and its block is yet to be final.
    if (finalized.slot <= noticed + SLOTS_ABOVE && !seemsOver) return { kind: 'alive' }
    if (start !== 'nowhere') return lacks(node, start, noticed)
  }
  return await searchDown(look, node, attempt, { blockhash, noticed })
}

/** Looks for the block that carries a blockhash from well above it down, as far as a look may read. */
async function searchDown(
  look: Look,
  node: NodeReader,
  { hash, origin }: SentAttempt,
  { blockhash, noticed }: { blockhash: string; noticed: bigint },
): Promise<Searched> {
  const { blocks, searchedDownTo } = look
  const key = keyOn(node, hash)
  const lowest = less(noticed, MOST_LOST_SLOTS)
  const carries = (slot: bigint) => blocks.header(node, slot)?.blockhash === blockhash
  for (;;) {
    const above = searchedDownTo.get(key) ?? less(noticed, SLOTS_BELOW)
    if (above <= lowest) return { kind: 'missing', missing: nowhere(node, origin, lowest, noticed) }
    if (look.readsLeft <= 0) return { kind: 'reading' }
    look.readsLeft -= 1
    const from = above > lowest + STRETCH_BELOW ? above - STRETCH_BELOW : lowest
    const listed = await list(look, node, from, above - 1n)
    if (listed === undefined) return lacks(node, 'getBlocks', from)
    const unread = listed.filter((slot) => blocks.header(node, slot) === undefined).reverse()
    const how = { details: 'none', together: HEADERS_TOGETHER, isEnough: () => listed.some(carries) } as const
    const read = await readSome(look, node, unread, how)
    const start = listed.find(carries)
    if (start !== undefined) remember(look.starts, MOST_STARTS, keyOn(node, blockhash), start)
    if (start !== undefined || read === 'reading') return { kind: 'reading' }
    if (read !== 'read') return lacks(node, read, from)
    remember(searchedDownTo, MOST_STARTS, key, from)
  }
}

type Line = {
  slots: readonly bigint[]
  /** The block that the first one links to, where it has to be a certain one. */
  before: { slot: bigint; blockhash: string } | undefined
  origin: bigint
  /** `none`: only that they link to each other is looked at. */
  details: 'signatures' | 'none'
}

/** Searches blocks that have to link to each other. */
async function searchLine(
  look: Look,
  node: NodeReader,
  hash: string,
  { slots, before, origin, details }: Line,
): Promise<Searched> {
  const { blocks } = look
  const isRead = (slot: bigint) =>
    details === 'none' ? blocks.header(node, slot) !== undefined : blocks.lists(node, slot, hash) !== undefined
  const unread = slots.filter((slot) => !isRead(slot))
  const read = await readSome(look, node, unread, { details, together: LISTS_TOGETHER })
  const found = slots.find((slot) => blocks.lists(node, slot, hash))
  if (found !== undefined) return { kind: 'found', slot: found }
  if (read !== 'read') return read === 'reading' ? { kind: 'reading' } : lacks(node, 'getBlock', origin)
  let previous = before
  for (const slot of slots) {
    const header = blocks.header(node, slot)
    // Another look found out that the node serves something else.
    if (header === undefined) return { kind: 'reading' }
    const { blockhash, previousBlockhash, parentSlot } = header
    if (previous !== undefined && previousBlockhash !== previous.blockhash) {
      // Either a block between the two is not listed, or one of them is of another fork, and is read again.
      if (parentSlot === previous.slot) for (const each of [previous.slot, slot]) blocks.forget(node, each)
      return lacks(node, 'getBlock', origin)
    }
    previous = { slot, blockhash }
  }
  return { kind: 'none', last: { number: previous!.slot, hash: previous!.blockhash } }
}

/** The blocks after the first one that may use its blockhash, as the node lists them: links show whether one is left out. */
async function listAfter(
  look: Look,
  node: NodeReader,
  { start, wanted, finalized }: { start: bigint; wanted: number; finalized: Finalized },
): Promise<bigint[] | undefined> {
  let after: bigint[] = []
  for (const span of SPANS) {
    const to = least(start + span, finalized.slot)
    const listed = await list(look, node, start, to)
    if (listed?.[0] !== start) return undefined
    after = listed.slice(1, wanted + 1)
    if (after.length === wanted || to === finalized.slot) break
  }
  return after
}

/** Some of the blocks from this one on. */
async function listOnward(
  look: Look,
  node: NodeReader,
  from: bigint,
  to: bigint,
): Promise<readonly bigint[] | undefined> {
  let listed: readonly bigint[] | undefined = []
  for (const slots of STRETCHES) {
    listed = await list(look, node, from, least(from + slots, to))
    if (listed === undefined || listed.length > 1) break
  }
  return listed
}

/** The age up to which a blockhash counts, in blocks after its own. */
function oldestAge(validUntil: bigint | null, height: bigint | null | undefined): bigint {
  if (validUntil === null || height == null) return OLDEST_REMEMBERED
  const stored = validUntil - height
  return stored < OLDEST_AGE ? OLDEST_AGE : least(stored, OLDEST_REMEMBERED)
}

/** The blockhash that a transaction names; undefined where its bytes cannot be read. */
function blockhashOf(raw: Uint8Array): string | undefined {
  const message = openEnvelope(raw)?.message
  return message === undefined ? undefined : decodeMessage(message)?.lifetimeToken
}

const less = (slot: bigint, slots: bigint) => (slot > slots ? slot - slots : 0n)
const least = (a: bigint, b: bigint) => (a < b ? a : b)
const distance = (a: bigint, b: bigint) => (a < b ? b - a : a - b)

const unreadable: Missing = { code: 'HISTORY_UNAVAILABLE', message: 'The blockhash of its bytes cannot be read.' }

/** Why it is not known where a search has to begin. */
function nowhere(node: NodeReader, origin: bigint | null, lowest: bigint, noticed: bigint): Missing {
  const host = node.node.host
  const known =
    origin === null
      ? 'It is not known in which slot it was signed'
      : origin > noticed
        ? `Slot ${origin}, which was named when it was signed, did not exist yet`
        : `Too many blocks have come since slot ${origin}, which was named when it was signed`
  const message = `${known}, and of the blocks from slot ${lowest} to ${noticed} none that ${host} has carries its blockhash.`
  return { code: 'HISTORY_UNAVAILABLE', message }
}

/** In words that stay the same from one look to the next, for each change of a notice is told. */
function lacks(node: NodeReader, method: Lacking, origin: bigint): Searched {
  const message = `${node.node.host} does not have every finalized block from slot ${origin} on (${method}).`
  return { kind: 'missing', missing: { code: 'HISTORY_UNAVAILABLE', message } }
}
