import { z } from 'zod'
import type { Outcome, SentAttempt } from '../chain-adapter.ts'
import type { Reader, RpcPool } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import type { EvmTraits } from './evm-traits.ts'
import { Quantity } from './quantity.ts'

const Receipt = z
  .object({
    blockNumber: Quantity,
    status: Quantity,
    gasUsed: Quantity,
    effectiveGasPrice: Quantity,
    l1Fee: Quantity.nullish(),
  })
  .nullable()
type Receipt = NonNullable<z.output<typeof Receipt>>

const Known = z.looseObject({}).nullable()

type Seen = { head: bigint; receipts: (Receipt | null)[]; gone: SentAttempt[] }

/**
 * Asks for all receipts and nonces at once. Bytes are dead when the account's nonce has passed theirs at a
 * final block, the same node, asked for after that, has no trace of them, and no other node has one either: a
 * node that is behind may miss a receipt, and must not be taken for proof.
 */
export async function evmOutcomes(
  rpc: Pick<RpcPool, 'onOne' | 'onEach'>,
  traits: EvmTraits,
  attempts: readonly SentAttempt[],
): Promise<{ ok: true; outcomes: Outcome[] } | { ok: false; message: string }> {
  const seen = await rpc.onOne((node) => look(node, traits, attempts))
  if (!seen.ok) return { ok: false, message: seen.failure.message }
  const { head, receipts, gone } = seen.value
  const elsewhere = gone.length === 0 ? undefined : await rpc.onEach((node) => withoutTrace(node, gone))
  if (elsewhere?.ok === false) return { ok: false, message: elsewhere.failure.message }
  const isDead = (attempt: SentAttempt) => elsewhere?.value.every((each) => each.includes(attempt)) ?? false
  const outcomes = attempts.map((attempt, index): Outcome => {
    const receipt = receipts[index]
    if (receipt) return included(receipt, head, traits)
    return isDead(attempt) ? { kind: 'dead', message: 'Another transaction took this nonce.' } : { kind: 'waiting' }
  })
  return { ok: true, outcomes }
}

async function look(node: Reader, traits: EvmTraits, attempts: readonly SentAttempt[]): Promise<RpcResult<Seen>> {
  const accounts = [...new Set(attempts.map((attempt) => attempt.from))]
  const [head, receipts, nonces] = await Promise.all([
    node.read('eth_blockNumber', [], Quantity),
    readAll(attempts.map(({ hash }) => node.read('eth_getTransactionReceipt', [hash], Receipt))),
    readAll(accounts.map((account) => node.read('eth_getTransactionCount', [account, traits.finality], Quantity))),
  ])
  if (!head.ok) return head
  if (!receipts.ok) return receipts
  if (!nonces.ok) return nonces
  const passed = (attempt: SentAttempt) =>
    attempt.sequence !== null && nonces.value[accounts.indexOf(attempt.from)]! > attempt.sequence
  const suspects = attempts.filter((attempt, index) => receipts.value[index] === null && passed(attempt))
  const gone = await withoutTrace(node, suspects)
  return gone.ok ? { ok: true, value: { head: head.value, receipts: receipts.value, gone: gone.value } } : gone
}

async function withoutTrace(node: Reader, suspects: readonly SentAttempt[]): Promise<RpcResult<SentAttempt[]>> {
  const answers = await readAll(
    suspects.flatMap(({ hash }) => [
      node.read('eth_getTransactionReceipt', [hash], Known),
      node.read('eth_getTransactionByHash', [hash], Known),
    ]),
  )
  if (!answers.ok) return answers
  const gone = suspects.filter((_, index) => !answers.value[2 * index] && !answers.value[2 * index + 1])
  return { ok: true, value: gone }
}

function included(receipt: Receipt, head: bigint, traits: EvmTraits): Outcome {
  const block = receipt.blockNumber
  const fee = receipt.gasUsed * receipt.effectiveGasPrice + (receipt.l1Fee ?? 0n)
  const final = head - block + 1n >= traits.confirmations
  if (receipt.status === 1n) return { kind: 'confirmed', fee, block, final }
  return final
    ? { kind: 'failed', fee, block, message: 'The transaction was included and reverted.' }
    : { kind: 'waiting' }
}

/** All answers, or the first failure. */
async function readAll<Value>(reads: readonly Promise<RpcResult<Value>>[]): Promise<RpcResult<Value[]>> {
  const values: Value[] = []
  for (const answer of await Promise.all(reads)) {
    if (!answer.ok) return answer
    values.push(answer.value)
  }
  return { ok: true, value: values }
}
