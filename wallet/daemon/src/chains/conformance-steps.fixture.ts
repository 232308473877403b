import type { TransactionRequest } from '@waiaas/core'
import { expect } from 'vitest'
import type { PaymentChain, TestKey } from './chain-adapter.conformance.ts'
import type { Broadcast, ChainAdapter, Draft, Outcome, Place, SentAttempt } from './chain-adapter.ts'

export async function funded({ control, newKey, funds }: PaymentChain): Promise<TestKey> {
  const key = newKey()
  await control.fund(key.account.address, funds)
  return key
}

/** A funded key and the draft of a payment to a new address; the draft as it comes back from storage. */
export async function drafted(chain: PaymentChain): Promise<{ key: TestKey; to: string; draft: Draft }> {
  const key = await funded(chain)
  const to = chain.newKey().account.address
  const request = { type: 'TRANSFER', to, amount: String(chain.amount) } as const
  const result = await chain.adapter.draft(request, key.account)
  if (!result.ok) throw new Error(result.message)
  return { key, to, draft: stored(result.draft) }
}

/** A draft as it comes back from storage. */
export function stored(draft: Draft): Draft {
  return { ...draft, plan: JSON.parse(JSON.stringify(draft.plan)) }
}

export async function draftOf({ adapter }: PaymentChain, request: TransactionRequest, key: TestKey): Promise<Draft> {
  const result = await adapter.draft(request, key.account)
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`)
  return stored(result.draft)
}

/** Signs and sends a draft; the fee once it is in a block. */
export async function paid(adapter: ChainAdapter, key: TestKey, draft: Draft): Promise<bigint> {
  const attempt = await signed(adapter, key, draft)
  expect(await send(adapter, attempt)).toEqual({ kind: 'accepted' })
  const { result } = await included(adapter, attempt)
  expect(result.succeeded).toBe(true)
  expect(result.fee).toBeLessThanOrEqual(draft.maxFee)
  return result.fee
}

/** Hands bytes over, whatever the kill switch says. */
export async function send(adapter: ChainAdapter, attempt: SentAttempt): Promise<Broadcast> {
  return await adapter.broadcast(attempt, { mayLeave: () => true, startAt: 0 })
}

/** What may be asked about these versions, about which nothing is known yet. */
export function placeOf(...versions: SentAttempt[]): Place {
  return { versions, proof: null, block: null }
}

export async function signed(
  adapter: ChainAdapter,
  key: TestKey,
  draft: Draft,
  sequence?: bigint | null,
): Promise<SentAttempt> {
  const next = await adapter.sequence?.(key.account.address)
  if (next?.ok === false) throw new Error(next.message)
  const result = await adapter.signable(draft, key.account, sequence ?? next?.pending ?? null)
  if (!result.ok) throw new Error(result.message)
  return { ...result.signable.finish(key.sign(result.signable.bytes)), from: key.account.address }
}

export async function outcomeNow(adapter: ChainAdapter, attempt: SentAttempt): Promise<Outcome> {
  const answer = await adapter.outcomes([placeOf(attempt)])
  if (!answer.ok) throw new Error(answer.message)
  return answer.outcomes[0]!
}

/** The first outcome that `accepts` does; asks again at every block, and while there is none. */
export async function outcomeThat(
  adapter: ChainAdapter,
  attempt: SentAttempt,
  accepts: (outcome: Outcome) => boolean,
): Promise<Outcome> {
  for (;;) {
    const outcome = await outcomeNow(adapter, attempt)
    if (accepts(outcome)) return outcome
    await new Promise<void>((resolve) => setTimeout(resolve, 50))
  }
}

/** The outcome once a block has it and its result is known. */
export async function included(
  adapter: ChainAdapter,
  attempt: SentAttempt,
): Promise<Required<Extract<Outcome, { kind: 'included' }>>> {
  const outcome = await outcomeThat(adapter, attempt, (each) => each.kind !== 'waiting' && 'result' in each)
  if (outcome.kind !== 'included') throw new Error(outcome.kind)
  return outcome as Required<typeof outcome>
}
