import { z } from 'zod'
import type { Missing, SentAttempt } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { Finalized } from './outcomes.ts'
import { ANY_VERSION, U64 } from './wire.ts'

const Listed = z.object({
  blockhash: z.string(),
  previousBlockhash: z.string(),
  parentSlot: U64,
  signatures: z.array(z.string()),
})

/** Blocks whose signatures are read in one call. */
const BLOCKS_PER_SEARCH = 50
const REMEMBERED_BLOCKS = 2_000

type KnownBlock = Omit<z.output<typeof Listed>, 'signatures'> & {
  listed: readonly string[]
  watched: ReadonlySet<string>
}

/** What finalized blocks a node has, and which signatures are in them. */
export type History = {
  /** Signatures that are searched for in every block that is read. */
  watch: (hashes: readonly string[]) => void
  /**
   * Looks for a signature in all blocks from its origin up to a finalized one, which link to each other by their hashes.
   * Reads some of them per call; `missing` until all are read, or while one cannot be had.
   */
  search: (
    node: NodeReader,
    attempt: SentAttempt,
    finalized: Finalized,
  ) => Promise<{ kind: 'none' } | { kind: 'found'; slot: bigint } | { kind: 'missing'; missing: Missing }>
}

export function createHistory(): History {
  let watched: ReadonlySet<string> = new Set()
  const blocks = new Map<bigint, KnownBlock>()

  const read = async (node: NodeReader, slot: bigint): Promise<KnownBlock | undefined> => {
    const options = {
      commitment: 'finalized',
      transactionDetails: 'signatures',
      rewards: false,
      maxSupportedTransactionVersion: ANY_VERSION,
    }
    const answer = await node.read('getBlock', [Number(slot), options], Listed.nullable())
    if (!answer.ok || answer.value === null) return undefined
    const { signatures, ...header } = answer.value
    const block = { ...header, listed: signatures.filter((each) => watched.has(each)), watched }
    blocks.set(slot, block)
    if (blocks.size > REMEMBERED_BLOCKS) blocks.delete(blocks.keys().next().value!)
    return block
  }
  return {
    watch: (hashes) => {
      if (hashes.some((hash) => !watched.has(hash))) watched = new Set(hashes)
    },
    search: async (node, attempt, finalized) => {
      const slots = await finalizedSlots(node, attempt.origin, finalized)
      if (!Array.isArray(slots)) return { kind: 'missing', missing: slots }
      const isRead = (slot: bigint) => blocks.get(slot)?.watched.has(attempt.hash) === true
      const unread = slots.filter((slot) => !isRead(slot)).slice(0, BLOCKS_PER_SEARCH)
      await Promise.all(unread.map((slot) => read(node, slot)))
      const found = slots.find((slot) => blocks.get(slot)?.listed.includes(attempt.hash))
      if (found !== undefined) return { kind: 'found', slot: found }
      if (!slots.every(isRead)) return { kind: 'missing', missing: lacks(node, 'getBlock', attempt.origin!) }
      const chain = slots.map((slot) => blocks.get(slot)!)
      const isLinked = chain.every(
        (block, index) => index === 0 || block.previousBlockhash === chain[index - 1]!.blockhash,
      )
      const startsBefore = slots[0] === attempt.origin || chain[0]!.parentSlot < attempt.origin!
      if (isLinked && startsBefore) return { kind: 'none' }
      // Some of them were read from a node on another fork.
      for (const slot of slots) blocks.delete(slot)
      return { kind: 'missing', missing: lacks(node, 'getBlock', attempt.origin!) }
    },
  }
}

/** The slots of all blocks from the origin up to a finalized one, as the node lists them: links between them show whether one is left out. */
async function finalizedSlots(
  node: NodeReader,
  origin: bigint | null,
  finalized: Finalized,
): Promise<bigint[] | Missing> {
  if (origin === null) return unknownOrigin
  const range = [Number(origin), Number(finalized.slot), { commitment: 'finalized' }]
  const listed = await node.read('getBlocks', range, z.array(U64))
  const isWhole = listed.ok && listed.value.length > 0 && listed.value.at(-1) === finalized.slot
  return isWhole ? listed.value : lacks(node, 'getBlocks', origin)
}

const unknownOrigin: Missing = { code: 'HISTORY_UNAVAILABLE', message: 'It is not known when it was signed.' }

/** In words that stay the same from one look to the next, for each change of a notice is told. */
function lacks(node: NodeReader, method: string, origin: bigint): Missing {
  const message = `${node.node.host} does not have every finalized block from slot ${origin} on (${method}).`
  return { code: 'HISTORY_UNAVAILABLE', message }
}
