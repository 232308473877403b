import { z } from 'zod'
import type { Missing, Outcome, Place, Result, SentAttempt } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcPool } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { chargedFee } from './charged-fee.ts'
import { openEnvelope } from './envelope.ts'
import { createHistory, type Search } from './history.ts'
import { FINALIZED } from './known-blocks.ts'
import type { Searched } from './look.ts'
import { explainFailure } from './transaction-error.ts'
import { ANY_VERSION, EpochInfo, InContext, U64 } from './wire.ts'

const Status = z.object({ slot: U64, err: z.unknown(), confirmationStatus: z.string().nullish() }).nullable()
type Status = z.output<typeof Status>
type Settled = NonNullable<Status>
const Statuses = InContext(z.array(Status))
const Included = z.object({ slot: U64, meta: z.object({ err: z.unknown(), fee: U64 }) }).nullable()

const MAX_SIGNATURES = 256

/** The newest finalized block of a node. */
export type Finalized = { slot: bigint; height: bigint }

type Included = Extract<Outcome, { kind: 'included' }>

type Look = { node: NodeReader; finalized: Finalized; statuses: Map<string, Status> }

/**
 * Where signatures stand. Dead: finalized blocks, linked to each other by their hashes, show that none of those that may
 * use the blockhash lists them. That statuses are missing proves nothing, however often: behind one address there may
 * be several nodes, and one that was restarted from a snapshot has no status for what another one's history covers.
 * Nor does the status `processed`: a node that keeps to a fork that lost says it for ever (solana-labs/solana#9305).
 *
 * Nothing is final on the word of a node that does not show, after it, that it serves the network; then another one is
 * asked.
 */
export function createSolanaOutcomes(rpc: Pick<RpcPool, 'read' | 'onOne' | 'onEach'>, monotonic: () => number) {
  const startLook = createHistory(monotonic)
  return async (
    places: readonly Place[],
  ): Promise<{ ok: true; outcomes: Outcome[] } | { ok: false; message: string }> => {
    const hashes = places.map(({ versions }) => versions[0]!.hash)
    const lookFor = (where: Where) =>
      rpc.onOne(async (node) => {
        const look = await lookAt(node, hashes, where)
        return look.ok ? await outcomesIn(rpc, startLook(hashes), look.value, places) : look
      })
    const withHistory = await lookFor('history')
    // Where no node keeps a history, what a node remembers of the last blocks has to do.
    const isUnable = !withHistory.ok && withHistory.failure.kind === 'unable'
    const seen = isUnable ? await lookFor('last blocks') : withHistory
    return seen.ok ? { ok: true, outcomes: seen.value } : { ok: false, message: seen.failure.message }
  }
}

async function outcomesIn(
  rpc: Pick<RpcPool, 'read' | 'onEach'>,
  search: Search,
  look: Look,
  places: readonly Place[],
): Promise<RpcResult<Outcome[]>> {
  const settled = await Promise.all(
    places.map(async ({ versions }) => {
      const status = look.statuses.get(versions[0]!.hash)
      return isSettled(status) ? await included(rpc, versions[0]!, status) : undefined
    }),
  )
  // What is not final yet is asked about again.
  const confirmed = settled.some((outcome) => outcome?.final) ? await look.node.confirm() : undefined
  if (confirmed?.ok === false) return confirmed
  // One after the other, for they share the blocks that a look may read.
  const outcomes: Outcome[] = []
  for (const [index, { versions }] of places.entries()) {
    const known = settled[index]
    const outcome = known ? { ok: true as const, value: known } : await unsettled(rpc, search, look, versions[0]!)
    if (!outcome.ok) return outcome
    outcomes.push(outcome.value)
  }
  return { ok: true, value: outcomes }
}

/** Of signatures that no block is known to have. Where the first node lacks blocks for a proof, the others are asked. */
async function unsettled(
  rpc: Pick<RpcPool, 'read' | 'onEach'>,
  search: Search,
  { node, finalized }: Look,
  attempt: SentAttempt,
): Promise<RpcResult<Outcome>> {
  const { validUntil, hash } = attempt
  if (validUntil === null) return { ok: true, value: { kind: 'waiting' } }
  const asked = await search(node, attempt, finalized)
  if (!asked.ok) return asked
  const first = { node, searched: asked.value }
  const { searched, node: shownBy } =
    first.searched.kind === 'missing' ? await searchElsewhere(rpc, search, first, attempt) : first
  switch (searched.kind) {
    case 'alive':
      return { ok: true, value: { kind: 'waiting' } }
    case 'reading':
      return { ok: true, value: { kind: 'waiting', reading: true } }
    case 'missing':
      return { ok: true, value: { kind: 'waiting', missing: searched.missing } }
    case 'found':
      return { ok: true, value: await foundIn(rpc, shownBy, attempt, searched.slot) }
    case 'none': {
      const missing = await contradiction(rpc, hash)
      if (missing !== undefined) return { ok: true, value: { kind: 'waiting', missing } }
      const proof = { kind: 'lists' as const, block: searched.last, node: shownBy.node.host }
      const message = 'Its last valid block has passed without it.'
      return { ok: true, value: { kind: 'dead', proof, final: true, message } }
    }
  }
}

type SearchedOn = { node: NodeReader; searched: Searched }

/** What another node shows, where the first one lacks blocks. */
async function searchElsewhere(
  rpc: Pick<RpcPool, 'onEach'>,
  search: Search,
  first: SearchedOn,
  attempt: SentAttempt,
): Promise<SearchedOn> {
  const asked = await rpc.onEach<SearchedOn>(async (node) => {
    if (node.node.index === first.node.node.index) return { ok: true, value: first }
    const finalized = await readFinalized(node)
    if (!finalized.ok) return finalized
    const searched = await search(node, attempt, finalized.value)
    return searched.ok ? { ok: true, value: { node, searched: searched.value } } : searched
  })
  const shown = asked.ok ? asked.value : []
  return (
    shown.find(({ searched: { kind } }) => kind === 'found') ??
    shown.find(({ searched: { kind } }) => kind === 'none') ??
    first
  )
}

async function readFinalized(node: NodeReader): Promise<RpcResult<Finalized>> {
  const read = await node.read('getEpochInfo', [FINALIZED], EpochInfo)
  if (!read.ok) return read
  return { ok: true, value: { slot: read.value.absoluteSlot, height: read.value.blockHeight } }
}

async function lookAt(node: NodeReader, hashes: readonly string[], where: Where): Promise<RpcResult<Look>> {
  const [finalized, read] = await Promise.all([readFinalized(node), readStatuses(node, hashes, where)])
  if (!finalized.ok) return finalized
  if (!read.ok) return read
  return { ok: true, value: { node, finalized: finalized.value, statuses: read.value } }
}

/** In a block that has the votes of most; a block without them may be gone with its fork. */
function isSettled(status: Status | undefined): status is Settled {
  return status?.confirmationStatus === 'confirmed' || status?.confirmationStatus === 'finalized'
}

async function included(rpc: Pick<RpcPool, 'read'>, attempt: SentAttempt, status: Settled): Promise<Included> {
  const { hash } = attempt
  const block = { number: status.slot, hash: '' }
  const base = { kind: 'included' as const, hash, block, final: status.confirmationStatus === 'finalized' }
  const result = (await readResult(rpc, attempt)) ?? resultOfStatus(attempt, status)
  return result === undefined ? { ...base, missing: noReceipt(hash) } : { ...base, result }
}

async function readResult(rpc: Pick<RpcPool, 'read'>, attempt: SentAttempt): Promise<Result | undefined> {
  const options = { commitment: 'confirmed', encoding: 'base64', maxSupportedTransactionVersion: ANY_VERSION }
  const read = await rpc.read('getTransaction', [attempt.hash, options], Included)
  return read.ok && read.value !== null ? resultOf(attempt, read.value.meta) : undefined
}

/** Without a record, the status says whether it succeeded, and the fee follows from the message: it is paid in any case. */
function resultOfStatus(attempt: SentAttempt, { err }: Settled): Result | undefined {
  const fee = chargedFee(attempt.raw)
  return fee === undefined ? undefined : resultOf(attempt, { err, fee })
}

function resultOf({ raw }: SentAttempt, { err, fee }: { err?: unknown; fee: bigint }): Result {
  if (err === null || err === undefined) return { succeeded: true, fee, message: '' }
  const { why, code } = explainFailure(err, openEnvelope(raw)?.message)
  return { succeeded: false, fee, message: `It failed: ${why}.`, ...(code && { code }) }
}

/** Its status is gone, and a finalized block lists it. */
async function foundIn(
  rpc: Pick<RpcPool, 'read'>,
  node: NodeReader,
  attempt: SentAttempt,
  slot: bigint,
): Promise<Included> {
  const { hash } = attempt
  const base = { kind: 'included' as const, hash, block: { number: slot, hash: '' }, final: true }
  const result = (await readResult(rpc, attempt)) ?? (await resultInBlock(node, attempt, slot))
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

async function resultInBlock(node: NodeReader, attempt: SentAttempt, slot: bigint): Promise<Result | undefined> {
  const options = {
    commitment: 'finalized',
    transactionDetails: 'full',
    encoding: 'json',
    rewards: false,
    maxSupportedTransactionVersion: ANY_VERSION,
  }
  const block = await node.read('getBlock', [Number(slot), options], FullBlock.nullable())
  if (!block.ok || block.value === null) return undefined
  const meta = block.value.transactions.find(({ transaction }) => transaction.signatures[0] === attempt.hash)?.meta
  return meta ? resultOf(attempt, meta) : undefined
}

function noReceipt(hash: string): Missing {
  return { code: 'RECEIPT_UNAVAILABLE', message: `${hash} is in a block, and no node tells what came of it.` }
}

/**
 * What another node says against a proof: that a block has the signature. One that does not answer, or keeps no history,
 * says nothing.
 */
async function contradiction(rpc: Pick<RpcPool, 'onEach'>, hash: string): Promise<Missing | undefined> {
  const asked = await rpc.onEach(async (node) => {
    const read = await readStatuses(node, [hash], 'history')
    return read.ok ? { ok: true, value: { node, status: read.value.get(hash) } } : read
  })
  if (!asked.ok) return { code: 'HISTORY_UNAVAILABLE', message: asked.failure.message }
  const against = asked.value.find(({ status }) => isSettled(status))
  if (against === undefined) return undefined
  const message = `${against.node.node.host} says that a block has it, and the blocks of another node do not.`
  return { code: 'HISTORY_UNAVAILABLE', message }
}

/** In the whole history, which some nodes do not keep; or in the last few hundred blocks. */
type Where = 'history' | 'last blocks'

export async function readStatuses(
  node: NodeReader,
  hashes: readonly string[],
  where: Where,
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
