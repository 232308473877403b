import { z } from 'zod'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcResult } from '../rpc-result.ts'
import { ANY_VERSION, U64 } from './wire.ts'

/** The commitment of every block that a proof rests on. */
export const FINALIZED = { commitment: 'finalized' }

const Header = z.object({
  blockhash: z.string(),
  previousBlockhash: z.string(),
  parentSlot: U64,
  blockHeight: U64.nullish(),
})
const Listing = Header.extend({ signatures: z.array(z.string()) })

export type KnownBlock = z.output<typeof Header>

type Entry = {
  header: KnownBlock
  /** Those of its signatures that were watched when it was read. */
  signatures: readonly string[]
  /** How many signatures had been watched by then; -1 where only its header was read. */
  watched: number
}

/** Enough for several searches at once; a block takes a few hundred bytes. */
const MOST_BLOCKS = 4_000
const MOST_SIGNATURES = 20_000

/** Finalized blocks that were read, by the node that has them, and which of the watched signatures each one lists. */
export type KnownBlocks = {
  /** Signatures that are looked for in every block that is read from now on. */
  watch: (signatures: readonly string[]) => void
  header: (node: NodeReader, slot: bigint) => KnownBlock | undefined
  /** Whether a block lists a signature; undefined where it was not read, or read before the signature was watched. */
  lists: (node: NodeReader, slot: bigint, signature: string) => boolean | undefined
  /** Reads a block. Returns whether the node has it. */
  read: (node: NodeReader, slot: bigint, details: 'none' | 'signatures') => Promise<boolean>
  /** The blockhash of the block that a node has in a slot now. */
  hashAt: (node: NodeReader, slot: bigint) => Promise<RpcResult<string | undefined>>
  forget: (node: NodeReader, slot: bigint) => void
  /** Forgets every block of a node. */
  forgetAll: (node: NodeReader) => void
}

export function createKnownBlocks(): KnownBlocks {
  const entries = new Map<string, Entry>()
  /** Each with how many were watched when it was the newest. */
  const watched = new Map<string, number>()
  let count = 0
  return {
    watch: (signatures) => {
      for (const signature of signatures) {
        if (!watched.has(signature)) count += 1
        remember(watched, MOST_SIGNATURES, signature, watched.get(signature) ?? count)
      }
    },
    header: (node, slot) => {
      const key = keyOn(node, slot)
      const entry = entries.get(key)
      if (entry !== undefined) remember(entries, MOST_BLOCKS, key, entry)
      return entry?.header
    },
    lists: (node, slot, signature) => {
      const entry = entries.get(keyOn(node, slot))
      const since = watched.get(signature)
      if (entry === undefined || since === undefined || entry.watched < since) return undefined
      return entry.signatures.includes(signature)
    },
    read: async (node, slot, details) => {
      const params = paramsFor(slot, details)
      if (details === 'none') {
        const answer = await node.read('getBlock', params, Header.nullable())
        if (!answer.ok || answer.value === null) return false
        remember(entries, MOST_BLOCKS, keyOn(node, slot), { header: answer.value, signatures: [], watched: -1 })
        return true
      }
      const answer = await node.read('getBlock', params, Listing.nullable())
      if (!answer.ok || answer.value === null) return false
      const { signatures, ...header } = answer.value
      const found = signatures.filter((each) => watched.has(each))
      remember(entries, MOST_BLOCKS, keyOn(node, slot), { header, signatures: found, watched: count })
      return true
    },
    hashAt: async (node, slot) => {
      const answer = await node.read('getBlock', paramsFor(slot, 'none'), Header.nullable())
      return answer.ok ? { ok: true, value: answer.value?.blockhash } : answer
    },
    forget: (node, slot) => entries.delete(keyOn(node, slot)),
    forgetAll: (node) => forgetNode(entries, node),
  }
}

function paramsFor(slot: bigint, transactionDetails: 'none' | 'signatures') {
  const options = { transactionDetails, rewards: false, maxSupportedTransactionVersion: ANY_VERSION }
  return [Number(slot), { ...FINALIZED, ...options }]
}

/** A key of what one node showed. */
export function keyOn({ node }: NodeReader, what: bigint | string): string {
  return `${node.index} ${what}`
}

/** Drops everything that a node showed. */
export function forgetNode(map: Map<string, unknown>, node: NodeReader): void {
  const prefix = keyOn(node, '')
  for (const key of map.keys()) if (key.startsWith(prefix)) map.delete(key)
}

/** Makes an entry the newest one, and drops the oldest where there are too many. */
export function remember<Value>(map: Map<string, Value>, most: number, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > most) map.delete(map.keys().next().value!)
}
