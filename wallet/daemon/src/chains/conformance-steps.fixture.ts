import type { TransactionRequest } from '@waiaas/core'
import { expect } from 'vitest'
import type { ConformanceChain, TestKey } from './chain-adapter.conformance.ts'
import type { ChainAdapter, Draft, Outcome, SentAttempt } from './chain-adapter.ts'

export async function funded({ control, newKey, funds }: ConformanceChain): Promise<TestKey> {
  const key = newKey()
  await control.fund(key.account.address, funds)
  return key
}

/** A funded key and the draft of a payment to a new address; the draft as it comes back from storage. */
export async function drafted(chain: ConformanceChain): Promise<{ key: TestKey; to: string; draft: Draft }> {
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

export async function draftOf(
  { adapter }: ConformanceChain,
  request: TransactionRequest,
  key: TestKey,
): Promise<Draft> {
  const result = await adapter.draft(request, key.account)
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`)
  return stored(result.draft)
}

/** Signs and sends a draft; the fee once it is in a block. */
export async function paid(adapter: ChainAdapter, key: TestKey, draft: Draft): Promise<bigint> {
  const attempt = await signed(adapter, key, draft)
  expect(await adapter.broadcast(attempt)).toEqual({ kind: 'accepted' })
  const outcome = await settled(adapter, attempt)
  if (outcome.kind !== 'confirmed') throw new Error(outcome.kind)
  expect(outcome.fee).toBeLessThanOrEqual(draft.maxFee)
  return outcome.fee
}

export async function signed(
  adapter: ChainAdapter,
  key: TestKey,
  draft: Draft,
  sequence?: bigint | null,
): Promise<SentAttempt> {
  const next = await adapter.nextSequence?.(key.account.address)
  if (next?.ok === false) throw new Error(next.message)
  const result = await adapter.signable(draft, key.account, sequence ?? next?.sequence ?? null)
  if (!result.ok) throw new Error(result.message)
  return { ...result.signable.finish(key.sign(result.signable.bytes)), from: key.account.address }
}

/** The outcome once it is another than waiting; asks again at every block. */
export async function settled(adapter: ChainAdapter, attempt: SentAttempt): Promise<Outcome> {
  const ask = async () => {
    const answer = await adapter.outcomes([attempt])
    if (!answer.ok) throw new Error(answer.message)
    return answer.outcomes[0]!
  }
  const now = await ask()
  if (now.kind !== 'waiting') return now
  return await new Promise((resolve, reject) => {
    const stop = adapter.onBlock(() => {
      ask().then((outcome) => {
        if (outcome.kind === 'waiting') return
        stop()
        resolve(outcome)
      }, reject)
    })
  })
}
