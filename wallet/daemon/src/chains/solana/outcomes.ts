import { z } from 'zod'
import type { Outcome, SentAttempt } from '../chain-adapter.ts'
import type { RpcClient, RpcResult } from '../json-rpc.ts'
import { describeTransactionError } from './node-errors.ts'
import { InContext, U64 } from './wire.ts'

const Status = z.object({ err: z.unknown(), confirmationStatus: z.string().nullish() }).nullable()
type Status = z.output<typeof Status>
const Statuses = InContext(z.array(Status))
const Included = z.object({ slot: U64, meta: z.object({ fee: U64 }) }).nullable()

const MAX_SIGNATURES = 256

/**
 * Asks for all statuses at once. Bytes are dead when the finalized height has passed their last valid one and
 * the history, asked afterwards, does not know their signature.
 */
export async function solanaOutcomes(
  rpc: RpcClient,
  attempts: readonly SentAttempt[],
): Promise<{ ok: true; outcomes: Outcome[] } | { ok: false; message: string }> {
  const [height, first] = await Promise.all([
    rpc.read('getBlockHeight', [{ commitment: 'finalized' }], U64),
    readStatuses(
      rpc,
      attempts.map(({ hash }) => hash),
    ),
  ])
  if (!height.ok) return { ok: false, message: height.failure.message }
  if (!first.ok) return { ok: false, message: first.failure.message }
  const expired = attempts.filter(
    ({ hash, validUntil }) => validUntil !== null && height.value > validUntil && first.value.get(hash) === null,
  )
  const second = await readStatuses(
    rpc,
    expired.map(({ hash }) => hash),
  )
  if (!second.ok) return { ok: false, message: second.failure.message }

  const outcomes = await Promise.all(
    attempts.map(async ({ hash }): Promise<Outcome> => {
      const status = second.value.has(hash) ? second.value.get(hash) : first.value.get(hash)
      if (status) return await included(rpc, hash, status)
      if (second.value.has(hash)) return { kind: 'dead', message: 'Its last valid block has passed without it.' }
      return { kind: 'waiting' }
    }),
  )
  return { ok: true, outcomes }
}

async function included(rpc: RpcClient, hash: string, status: NonNullable<Status>): Promise<Outcome> {
  const level = status.confirmationStatus
  if (level !== 'confirmed' && level !== 'finalized') return { kind: 'waiting' }
  const options = { commitment: 'confirmed', encoding: 'base64', maxSupportedTransactionVersion: 0 }
  const found = await rpc.read('getTransaction', [hash, options], Included)
  // The status is known before the record is on some nodes; the next look will find it.
  if (!found.ok || found.value === null) return { kind: 'waiting' }
  const { slot: block, meta } = found.value
  if (status.err === null) return { kind: 'confirmed', fee: meta.fee, block, final: level === 'finalized' }
  return { kind: 'failed', fee: meta.fee, block, message: `It failed: ${describeTransactionError(status.err)}.` }
}

async function readStatuses(rpc: RpcClient, hashes: readonly string[]): Promise<RpcResult<Map<string, Status>>> {
  const groups: string[][] = []
  for (let start = 0; start < hashes.length; start += MAX_SIGNATURES) {
    groups.push(hashes.slice(start, start + MAX_SIGNATURES))
  }
  const options = { searchTransactionHistory: true }
  const answers = await Promise.all(groups.map((group) => rpc.read('getSignatureStatuses', [group, options], Statuses)))
  const statuses = new Map<string, Status>()
  for (const [index, answer] of answers.entries()) {
    if (!answer.ok) return answer
    for (const [place, hash] of groups[index]!.entries()) statuses.set(hash, answer.value.value[place] ?? null)
  }
  return { ok: true, value: statuses }
}
