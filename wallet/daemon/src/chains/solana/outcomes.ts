import { z } from 'zod'
import type { Missing, Outcome, Place, Result, SentAttempt } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcPool } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { chargedFee } from './charged-fee.ts'
import { createHistory } from './history.ts'
import { describeTransactionError } from './node-errors.ts'
import { ANY_VERSION, InContext, U64 } from './wire.ts'

const Status = z.object({ slot: U64, err: z.unknown(), confirmationStatus: z.string().nullish() }).nullable()
type Status = z.output<typeof Status>
const Statuses = InContext(z.array(Status))
const Included = z.object({ slot: U64, meta: z.object({ err: z.unknown(), fee: U64 }) }).nullable()
const EpochInfo = z.object({ absoluteSlot: U64, blockHeight: U64 })

const MAX_SIGNATURES = 256

/** The newest finalized block of a node. */
export type Finalized = { slot: bigint; height: bigint }

type Look = { node: NodeReader; finalized: Finalized; statuses: Map<string, Status> }

/**
 * Where signatures stand. Dead: the finalized height is past their last valid one, and none of the blocks from the one
 * whose blockhash they name up to a finalized one lists them, each linked to the one before by its hash. That statuses
 * are missing proves nothing, however often: behind one address there may be several nodes, and one that was
 * restarted from a snapshot has no status for what another one's history covers.
 */
export function createSolanaOutcomes(rpc: Pick<RpcPool, 'read' | 'onOne' | 'onEach'>) {
  const history = createHistory()

  const outcomeOf = async ({ node, finalized, statuses }: Look, { versions }: Place): Promise<Outcome> => {
    const attempt = versions[0]!
    const { hash, validUntil } = attempt
    const status = statuses.get(hash)
    if (status) return await included(rpc, attempt, status)
    if (validUntil === null || finalized.height <= validUntil) return { kind: 'waiting' }
    const searched = await history.search(node, attempt, finalized)
    if (searched.kind === 'missing') return { kind: 'waiting', missing: searched.missing }
    if (searched.kind === 'found') return await foundIn(rpc, node, attempt, searched.slot)
    if (!(await isUnknownElsewhere(rpc, hash))) return { kind: 'waiting' }
    const proof = { kind: 'lists' as const, block: { number: finalized.slot, hash: '' }, node: node.node.host }
    return { kind: 'dead', proof, final: true, message: 'Its last valid block has passed without it.' }
  }
  return async (
    places: readonly Place[],
  ): Promise<{ ok: true; outcomes: Outcome[] } | { ok: false; message: string }> => {
    const hashes = places.map(({ versions }) => versions[0]!.hash)
    history.watch(hashes)
    const withHistory = await rpc.onOne((node) => lookAt(node, hashes, 'history'))
    // Where no node keeps a history, what a node remembers of the last blocks has to do.
    const isUnable = !withHistory.ok && withHistory.failure.kind === 'unable'
    const seen = isUnable ? await rpc.onOne((node) => lookAt(node, hashes, 'last blocks')) : withHistory
    if (!seen.ok) return { ok: false, message: seen.failure.message }
    return { ok: true, outcomes: await Promise.all(places.map((place) => outcomeOf(seen.value, place))) }
  }
}

async function lookAt(node: NodeReader, hashes: readonly string[], where: Searched): Promise<RpcResult<Look>> {
  const [finalized, read] = await Promise.all([
    node.read('getEpochInfo', [{ commitment: 'finalized' }], EpochInfo),
    readStatuses(node, hashes, where),
  ])
  if (!finalized.ok) return finalized
  if (!read.ok) return read
  const { absoluteSlot: slot, blockHeight: height } = finalized.value
  return { ok: true, value: { node, finalized: { slot, height }, statuses: read.value } }
}

async function included(
  rpc: Pick<RpcPool, 'read'>,
  attempt: SentAttempt,
  status: NonNullable<Status>,
): Promise<Outcome> {
  const level = status.confirmationStatus
  if (level !== 'confirmed' && level !== 'finalized') return { kind: 'waiting' }
  const { hash } = attempt
  const block = { number: status.slot, hash: '' }
  const base = { kind: 'included' as const, hash, block, final: level === 'finalized' }
  const result = (await readResult(rpc, hash)) ?? resultOfStatus(attempt, status)
  return result === undefined ? { ...base, missing: noReceipt(hash) } : { ...base, result }
}

async function readResult(rpc: Pick<RpcPool, 'read'>, hash: string): Promise<Result | undefined> {
  const options = { commitment: 'confirmed', encoding: 'base64', maxSupportedTransactionVersion: ANY_VERSION }
  const read = await rpc.read('getTransaction', [hash, options], Included)
  return read.ok && read.value !== null ? resultOf(read.value.meta) : undefined
}

/** Without a record, the status says whether it succeeded, and the fee follows from the message: it is paid in any case. */
function resultOfStatus({ raw }: SentAttempt, { err }: NonNullable<Status>): Result | undefined {
  const fee = chargedFee(raw)
  return fee === undefined ? undefined : resultOf({ err, fee })
}

function resultOf({ err, fee }: { err?: unknown; fee: bigint }): Result {
  const succeeded = err === null || err === undefined
  return { succeeded, fee, message: succeeded ? '' : `It failed: ${describeTransactionError(err)}.` }
}

/** Its status is gone, and a finalized block lists it. */
async function foundIn(
  rpc: Pick<RpcPool, 'read'>,
  node: NodeReader,
  { hash }: SentAttempt,
  slot: bigint,
): Promise<Outcome> {
  const base = { kind: 'included' as const, hash, block: { number: slot, hash: '' }, final: true }
  const result = (await readResult(rpc, hash)) ?? (await resultInBlock(node, hash, slot))
  return result === undefined ? { ...base, missing: noReceipt(hash) } : { ...base, result }
}

const FullBlock = z.object({
  transactions: z.array(
    z.object({
      meta: z.object({ err: z.unknown(), fee: U64 }).nullable(),
      transaction: z.object({ signatures: z.array(z.string()) }),
    }),
  ),
})

async function resultInBlock(node: NodeReader, hash: string, slot: bigint): Promise<Result | undefined> {
  const options = {
    commitment: 'finalized',
    transactionDetails: 'full',
    encoding: 'json',
    rewards: false,
    maxSupportedTransactionVersion: ANY_VERSION,
  }
  const block = await node.read('getBlock', [Number(slot), options], FullBlock.nullable())
  if (!block.ok || block.value === null) return undefined
  const meta = block.value.transactions.find(({ transaction }) => transaction.signatures[0] === hash)?.meta
  return meta ? resultOf(meta) : undefined
}

function noReceipt(hash: string): Missing {
  return { code: 'RECEIPT_UNAVAILABLE', message: `${hash} is in a block, and no node tells what came of it.` }
}

/** No other node may have a trace. One that does not answer, or keeps no history, has none to show. */
async function isUnknownElsewhere(rpc: Pick<RpcPool, 'onEach'>, hash: string): Promise<boolean> {
  const elsewhere = await rpc.onEach((node) => readStatuses(node, [hash], 'history'))
  return elsewhere.ok && elsewhere.value.every((statuses) => !statuses.get(hash))
}

/** In the whole history, which some nodes do not keep; or in the last few hundred blocks. */
export type Searched = 'history' | 'last blocks'

export async function readStatuses(
  node: NodeReader,
  hashes: readonly string[],
  where: Searched,
): Promise<RpcResult<Map<string, Status>>> {
  const options = where === 'history' ? { searchTransactionHistory: true } : {}
  const groups: string[][] = []
  for (let start = 0; start < hashes.length; start += MAX_SIGNATURES) {
    groups.push(hashes.slice(start, start + MAX_SIGNATURES))
  }
  const answers = await Promise.all(
    groups.map((group) => node.read('getSignatureStatuses', [group, options], Statuses)),
  )
  const statuses = new Map<string, Status>()
  for (const [index, answer] of answers.entries()) {
    if (!answer.ok) return answer
    for (const [place, hash] of groups[index]!.entries()) statuses.set(hash, answer.value.value[place] ?? null)
  }
  return { ok: true, value: statuses }
}
