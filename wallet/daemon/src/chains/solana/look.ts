import { z } from 'zod'
import type { BlockRef, Missing } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcResult } from '../rpc-result.ts'
import { createKnownBlocks, FINALIZED, type KnownBlocks, keyOn } from './known-blocks.ts'
import { U64 } from './wire.ts'

/** Blocks, beside those that were read before. */
const READS_PER_LOOK = 100

/** What a search has come to so far. */
export type Searched =
  /** The bytes may still take effect. */
  | { kind: 'alive' }
  /** More blocks have to be read, in the next look. */
  | { kind: 'reading' }
  | { kind: 'found'; slot: bigint }
  /** No block that could have the bytes has them; `last` is the last of these. */
  | { kind: 'none'; last: BlockRef }
  | { kind: 'missing'; missing: Missing }

/** What nodes have shown, by node. */
export type Memory = {
  blocks: KnownBlocks
  /** The slots of the blocks with a blockhash. */
  starts: Map<string, bigint>
  /** The newest slots when blockhashes were found to be lost, by signature. */
  lost: Map<string, bigint>
  /** How far the line was followed for a lost blockhash, by signature, and how many blocks of it were late. */
  lostLines: Map<string, { at: { slot: bigint; blockhash: string }; late: number }>
  /** The newest finalized slots when it was noticed that nothing true is known of an origin, by signature. */
  noticed: Map<string, bigint>
  /** The slots down to which blocks were searched for a blockhash whose origin is not known, by signature. */
  searchedDownTo: Map<string, bigint>
}

/** What is asked of nodes at once, and how much of it may still be asked. */
export type Look = Memory & {
  readsLeft: number
  listings: Map<string, Promise<readonly bigint[] | undefined>>
  /** Nodes that were asked since they last showed what they serve. */
  asked: Set<number>
  /** Last blocks of proofs that were shown a second time. */
  shown: Set<string>
}

export function newMemory(): Memory {
  return {
    blocks: createKnownBlocks(),
    starts: new Map(),
    lost: new Map(),
    lostLines: new Map(),
    noticed: new Map(),
    searchedDownTo: new Map(),
  }
}

export function newLook(memory: Memory): Look {
  return { ...memory, readsLeft: READS_PER_LOOK, listings: new Map(), asked: new Set(), shown: new Set() }
}

/** The same node, which is noted whenever it is asked. */
export function noting({ asked }: Look, node: NodeReader): NodeReader {
  const read: NodeReader['read'] = (method, params, schema) => {
    asked.add(node.node.index)
    return node.read(method, params, schema)
  }
  return { ...node, read }
}

/**
 * Whether a node that was asked serves the network, and then has the last block of a proof, whenever it was read before.
 * An endpoint that is switched in between, in either direction, does not pass both.
 */
export async function showsAgain(look: Look, node: NodeReader, searched: Searched): Promise<RpcResult<boolean>> {
  const { asked, blocks, shown } = look
  if (asked.delete(node.node.index)) {
    const confirmed = await node.confirm()
    if (!confirmed.ok) return confirmed
  }
  if (searched.kind !== 'none') return { ok: true, value: true }
  const { number, hash } = searched.last
  const key = keyOn(node, hash)
  if (shown.has(key)) return { ok: true, value: true }
  const there = await blocks.hashAt(node, number)
  if (!there.ok && there.failure.kind === 'unreachable') return there
  if (!there.ok || there.value !== hash) return { ok: true, value: false }
  shown.add(key)
  return { ok: true, value: true }
}

/** The slots that have a finalized block. Undefined where the node does not say. */
export async function list(
  { listings }: Look,
  node: NodeReader,
  from: bigint,
  to: bigint,
): Promise<readonly bigint[] | undefined> {
  const key = keyOn(node, `${from} ${to}`)
  const asked =
    listings.get(key) ??
    node
      .read('getBlocks', [Number(from), Number(to), FINALIZED], z.array(U64))
      .then((answer) => (answer.ok ? answer.value : undefined))
  listings.set(key, asked)
  return await asked
}

/** Reads blocks until it is enough, none of those read together can be had, or the look has read what it may. */
export async function readSome(
  look: Look,
  node: NodeReader,
  slots: readonly bigint[],
  how: { details: 'none' | 'signatures'; together: number; isEnough?: () => boolean },
): Promise<'read' | 'getBlock' | 'reading'> {
  const { details, together, isEnough = () => false } = how
  let hasAll = true
  for (let done = 0; done < slots.length && !isEnough(); ) {
    if (look.readsLeft <= 0) return 'reading'
    const some = slots.slice(done, done + Math.min(together, look.readsLeft))
    const answers = await Promise.all(some.map((slot) => look.blocks.read(node, slot, details)))
    const had = answers.filter((isRead) => isRead).length
    look.readsLeft -= had
    done += some.length
    if (had < some.length) hasAll = false
    if (had === 0) break
  }
  return hasAll ? 'read' : 'getBlock'
}
