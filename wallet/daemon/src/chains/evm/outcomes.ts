import { z } from 'zod'
import type { Outcome, SentAttempt } from '../chain-adapter.ts'
import type { RpcClient, RpcFailure, RpcResult } from '../json-rpc.ts'
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

/**
 * Asks for all receipts and nonces at once. Bytes are dead when the account's nonce has passed theirs at a
 * final block and the chain has no trace of them, asked for after the nonce was read.
 */
export async function evmOutcomes(
  rpc: RpcClient,
  traits: EvmTraits,
  attempts: readonly SentAttempt[],
): Promise<{ ok: true; outcomes: Outcome[] } | { ok: false; message: string }> {
  const accounts = [...new Set(attempts.map((attempt) => attempt.from))]
  const [head, receipts, nonces] = await Promise.all([
    rpc.read('eth_blockNumber', [], Quantity),
    readAll(attempts.map(({ hash }) => rpc.read('eth_getTransactionReceipt', [hash], Receipt))),
    readAll(accounts.map((account) => rpc.read('eth_getTransactionCount', [account, traits.finality], Quantity))),
  ])
  if (!head.ok) return failed(head.failure)
  if (!receipts.ok) return failed(receipts.failure)
  if (!nonces.ok) return failed(nonces.failure)

  const passed = (attempt: SentAttempt) =>
    attempt.sequence !== null && nonces.value[accounts.indexOf(attempt.from)]! > attempt.sequence
  const suspects = attempts.filter((attempt, index) => receipts.value[index] === null && passed(attempt))
  const gone = await withoutTrace(rpc, suspects)
  if (!gone.ok) return failed(gone.failure)
  const outcomes = attempts.map((attempt, index): Outcome => {
    const receipt = receipts.value[index]
    if (receipt) return included(receipt, head.value, traits)
    if (gone.value.has(attempt.hash)) return { kind: 'dead', message: 'Another transaction took this nonce.' }
    return { kind: 'waiting' }
  })
  return { ok: true, outcomes }
}

async function withoutTrace(rpc: RpcClient, suspects: readonly SentAttempt[]): Promise<RpcResult<Set<string>>> {
  const answers = await readAll(
    suspects.flatMap(({ hash }) => [
      rpc.read('eth_getTransactionReceipt', [hash], Known),
      rpc.read('eth_getTransactionByHash', [hash], Known),
    ]),
  )
  if (!answers.ok) return answers
  const gone = suspects.filter((_, index) => !answers.value[2 * index] && !answers.value[2 * index + 1])
  return { ok: true, value: new Set(gone.map(({ hash }) => hash)) }
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

function failed(failure: RpcFailure): { ok: false; message: string } {
  return { ok: false, message: failure.message }
}
