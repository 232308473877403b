import { z } from 'zod'
import type { Outcome, SentAttempt } from '../chain-adapter.ts'
import type { Reader, RpcPool } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { describeTransactionError } from './node-errors.ts'
import { InContext, U64 } from './wire.ts'

const Status = z.object({ err: z.unknown(), confirmationStatus: z.string().nullish() }).nullable()
type Status = z.output<typeof Status>
const Statuses = InContext(z.array(Status))
const Included = z.object({ slot: U64, meta: z.object({ fee: U64 }) }).nullable()

const MAX_SIGNATURES = 256

type Seen = { statuses: Map<string, Status>; gone: string[] }

/**
 * Asks for all statuses at once. Bytes are dead when the finalized height has passed their last valid one, the
 * history of the same node, asked afterwards, does not know their signature, and that of no other node does.
 */
export async function solanaOutcomes(
  rpc: Pick<RpcPool, 'read' | 'onOne' | 'onEach'>,
  attempts: readonly SentAttempt[],
): Promise<{ ok: true; outcomes: Outcome[] } | { ok: false; message: string }> {
  const seen = await rpc.onOne((node) => look(node, attempts))
  if (!seen.ok) return { ok: false, message: seen.failure.message }
  const { statuses, gone } = seen.value
  const elsewhere = gone.length === 0 ? undefined : await rpc.onEach((node) => readStatuses(node, gone))
  if (elsewhere?.ok === false) return { ok: false, message: elsewhere.failure.message }
  const isDead = (hash: string) => elsewhere?.value.every((each) => each.get(hash) === null) ?? false
  const outcomes = await Promise.all(
    attempts.map(async ({ hash }): Promise<Outcome> => {
      const status = statuses.get(hash)
      if (status) return await included(rpc, hash, status)
      if (gone.includes(hash) && isDead(hash)) {
        return { kind: 'dead', message: 'Its last valid block has passed without it.' }
      }
      return { kind: 'waiting' }
    }),
  )
  return { ok: true, outcomes }
}

async function look(node: Reader, attempts: readonly SentAttempt[]): Promise<RpcResult<Seen>> {
  const hashes = attempts.map(({ hash }) => hash)
  const [height, first] = await Promise.all([
    node.read('getBlockHeight', [{ commitment: 'finalized' }], U64),
    readStatuses(node, hashes),
  ])
  if (!height.ok) return height
  if (!first.ok) return first
  const expired = attempts.flatMap(({ hash, validUntil }) =>
    validUntil !== null && height.value > validUntil && first.value.get(hash) === null ? [hash] : [],
  )
  const second = await readStatuses(node, expired)
  if (!second.ok) return second
  const gone = expired.filter((hash) => second.value.get(hash) === null)
  return { ok: true, value: { statuses: new Map([...first.value, ...second.value]), gone } }
}

async function included(rpc: Reader, hash: string, status: NonNullable<Status>): Promise<Outcome> {
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

async function readStatuses(rpc: Reader, hashes: readonly string[]): Promise<RpcResult<Map<string, Status>>> {
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
