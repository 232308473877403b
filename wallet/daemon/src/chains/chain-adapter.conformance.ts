import type { TransactionRequest } from '@waiaas/core'
import type { Control } from '@waiaas/devnet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Account, ChainAdapter, SentAttempt } from './chain-adapter.ts'
import { outsideCases, tokenCases } from './chain-tokens.conformance.ts'
import {
  drafted,
  funded,
  included,
  outcomeNow,
  outcomeThat,
  placeOf,
  send,
  signed,
} from './conformance-steps.fixture.ts'

/** A key for tests, kept in memory. */
export type TestKey = { account: Account; sign: (bytes: Uint8Array) => Uint8Array }

/** A running local chain on which the member under test pays. */
export type PaymentChain = {
  control: Control
  /** The member under test, connected to the chain. */
  adapter: ChainAdapter
  newKey: () => TestKey
  /** What a wallet gets to spend, and an amount that is small next to it. */
  funds: bigint
  amount: bigint
  /** JSON-RPC method that takes signed bytes. */
  sendMethod: string
  /** Brings about that these bytes, which are out but in no block, can never take effect. */
  kill: (attempt: SentAttempt, pay: PayAgain) => Promise<void>
  /** Why the node cannot prove that bytes are dead, where it cannot. */
  provesNoDeath?: string
  stop: () => Promise<void>
}

/** The same, and what the other cases need to know about its family. */
export type ConformanceChain = PaymentChain & {
  /** The same member, told that the node serves another network. */
  misled: ChainAdapter
  /** The same member, with nobody listening. */
  stranded: ChainAdapter
  /** A token of the chain, with six decimals, that a wallet can be given. */
  token: { address: string; give: (owner: string, amount: bigint) => Promise<void> }
  /** A call of a contract that moves `amount` of the token from the wallet to `to`. */
  tokenCall: (from: string, to: string, amount: bigint) => Promise<TransactionRequest>
  /** An unsigned transaction that pays `amount` of the native coin, as another program makes it. */
  outside: (from: string, to: string, amount: bigint) => Promise<string>
  foreignAddress: string
  malformedAddress: string
}

/** Pays from the same account with the same sequence number, and waits until it is in a block. */
type PayAgain = () => Promise<void>

/** The cases that every chain adapter passes, against a real local chain. */
export function chainAdapterCases(name: string, start: () => Promise<ConformanceChain>): void {
  describe(name, () => {
    let chain: ConformanceChain
    beforeAll(async () => {
      chain = await start()
    })
    afterAll(() => chain.stop())

    connectionCases(() => chain)
    draftCases(() => chain)
    paymentCases(() => chain)
    tokenCases(() => chain)
    outsideCases(() => chain)
    outcomeCases(() => chain)
  })
}

/** The cases about payments and what became of them, for a node that behaves as one client or gateway does. */
export function chainPaymentCases(name: string, start: () => Promise<PaymentChain>): void {
  describe(name, () => {
    let chain: PaymentChain
    beforeAll(async () => {
      chain = await start()
    }, 60_000)
    afterAll(() => chain.stop())

    paymentCases(() => chain)
    outcomeCases(() => chain)
  })
}

function connectionCases(chain: () => ConformanceChain): void {
  test('connects to its own network only', async () => {
    const { adapter, misled, stranded } = chain()
    expect(await adapter.connect()).toEqual({ ok: true })
    expect(await misled.connect()).toMatchObject({ ok: false, message: expect.stringContaining(misled.network.name) })
    expect(await stranded.connect()).toMatchObject({ ok: false })
  })

  test('what is foreseen of a payment without the node is what its draft does', async () => {
    const { adapter, stranded, newKey, amount, foreignAddress } = chain()
    const { key, draft, to } = await drafted(chain())
    const request = { type: 'TRANSFER', to, amount: `${amount}` } as const
    expect(stranded.foresee(request, key.account)).toMatchObject({ effects: draft.effects, amount: draft.amount })
    expect(adapter.foresee({ ...request, to: key.account.address }, key.account)).toBeUndefined()
    expect(adapter.foresee({ ...request, to: foreignAddress }, newKey().account)).toBeUndefined()
  })

  test('a node that does not answer is a value, not an exception', async () => {
    const { adapter, stranded, newKey } = chain()
    const { key, draft } = await drafted(chain())
    const attempt = await signed(adapter, key, draft)
    const request = { type: 'TRANSFER', to: newKey().account.address, amount: '1' } as const
    expect(await stranded.balance(key.account.address)).toMatchObject({ ok: false })
    expect(await stranded.draft(request, key.account)).toMatchObject({ ok: false, code: 'CHAIN_ERROR' })
    expect(await stranded.signable(draft, key.account, attempt.sequence)).toMatchObject({ code: 'CHAIN_ERROR' })
    expect(await send(stranded, attempt)).toMatchObject({ kind: 'not accepted' })
    expect(await stranded.outcomes([placeOf(attempt)])).toMatchObject({ ok: false })
    expect(await stranded.traces([attempt.hash])).toMatchObject({ ok: false })
    if (stranded.sequence) expect(await stranded.sequence(key.account.address)).toMatchObject({ ok: false })
  })

  test('an overloaded node is a value, and its address is not told', async () => {
    const { adapter, control, newKey } = chain()
    const key = newKey()
    await control.misbehave({ method: '*', times: 'always', action: { kind: 'refuse', status: 503 } })
    const balance = await adapter.balance(key.account.address)
    await control.behave()
    expect(balance).toMatchObject({ ok: false, message: expect.not.stringContaining('127.0.0.1') })
  })

  test('a question whose answer was lost once is asked again', async () => {
    const { adapter, control, newKey } = chain()
    await control.misbehave({ method: '*', action: { kind: 'loseAnswer' } })
    expect(await adapter.balance(newKey().account.address)).toEqual({ ok: true, amount: 0n })
    await control.behave()
  })
}

function draftCases(chain: () => ConformanceChain): void {
  test('derives the effects that were asked for', async () => {
    const { adapter, amount } = chain()
    const { draft, to } = await drafted(chain())
    const asset = { network: adapter.network.name, ...adapter.network.native }
    expect(draft.effects).toEqual([{ kind: 'spend', asset, amount, to }])
    expect(draft).toMatchObject({ amount, to, asset: adapter.network.native })
    expect(draft.maxFee).toBeGreaterThan(0n)
  })

  test('takes human units', async () => {
    const { adapter, funds } = chain()
    const key = await funded(chain())
    const request = { type: 'TRANSFER', to: chain().newKey().account.address, humanAmount: '0.5' } as const
    expect(await adapter.draft(request, key.account)).toMatchObject({ ok: true, draft: { amount: funds / 2n } })
  })

  test('refuses what cannot be paid, and says why', async () => {
    const { adapter, newKey, funds, amount, foreignAddress, malformedAddress } = chain()
    const key = await funded(chain())
    const to = newKey().account.address
    const refusal = async (request: { to?: string; amount?: string; humanAmount?: string }) => {
      const result = await adapter.draft({ type: 'TRANSFER', to, ...request }, key.account)
      return result.ok ? 'drafted' : [result.code, result.message]
    }
    const short = ['INSUFFICIENT_BALANCE', expect.stringContaining('balance')]
    expect(await refusal({ amount: String(funds + 1n) })).toEqual(short)
    expect(await refusal({ amount: String(funds) })).toEqual(short)
    const valid = String(amount)
    const otherChain = ['INVALID_ADDRESS', expect.stringContaining('another chain')]
    expect(await refusal({ to: foreignAddress, amount: valid })).toEqual(otherChain)
    expect(await refusal({ to: malformedAddress, amount: valid })).toEqual(['INVALID_ADDRESS', expect.any(String)])
    expect(await refusal({ amount: '0' })).toEqual(['VALIDATION_FAILED', expect.stringContaining('zero')])
    expect(await refusal({ humanAmount: '0.0' })).toEqual(['VALIDATION_FAILED', expect.stringContaining('zero')])
    const tooFine = ['VALIDATION_FAILED', expect.stringContaining('decimals')]
    expect(await refusal({ humanAmount: `0.${'0'.repeat(adapter.network.native.decimals)}1` })).toEqual(tooFine)
    expect(await refusal({})).toEqual(['VALIDATION_FAILED', expect.any(String)])
    expect(await refusal({ amount: valid, humanAmount: '1' })).toEqual(['VALIDATION_FAILED', expect.any(String)])
    const huge = ['VALIDATION_FAILED', expect.stringContaining('above')]
    expect(await refusal({ humanAmount: '9'.repeat(60) })).toEqual(huge)
  })
}

function paymentCases(chain: () => PaymentChain): void {
  test('moves exactly the amount, for a fee under the ceiling', async () => {
    const { adapter, funds, amount } = chain()
    const { key, to, draft } = await drafted(chain())
    const attempt = await signed(adapter, key, draft)
    expect(await send(adapter, attempt)).toEqual({ kind: 'accepted' })
    const { block, result } = await included(adapter, attempt)
    expect(block.number).toBeGreaterThan(0n)
    expect(result.succeeded).toBe(true)
    expect(result.fee).toBeLessThanOrEqual(draft.maxFee)
    expect(await adapter.balance(to)).toEqual({ ok: true, amount })
    expect(await adapter.balance(key.account.address)).toEqual({ ok: true, amount: funds - amount - result.fee })
  })

  test('the same bytes pay once, however often they are sent', async () => {
    const { adapter, amount } = chain()
    const { key, to, draft } = await drafted(chain())
    const attempt = await signed(adapter, key, draft)
    expect(await send(adapter, attempt)).toEqual({ kind: 'accepted' })
    await send(adapter, attempt)
    expect((await included(adapter, attempt)).result.succeeded).toBe(true)
    await send(adapter, attempt)
    expect((await included(adapter, attempt)).result.succeeded).toBe(true)
    expect(await adapter.balance(to)).toEqual({ ok: true, amount })
  })

  test('equal payments are different transactions', async () => {
    const { adapter, amount } = chain()
    const { key, to, draft } = await drafted(chain())
    const first = await signed(adapter, key, draft)
    await send(adapter, first)
    const second = await signed(adapter, key, draft)
    await send(adapter, second)
    expect(second.hash).not.toBe(first.hash)
    for (const attempt of [first, second]) expect((await included(adapter, attempt)).result.succeeded).toBe(true)
    expect(await adapter.balance(to)).toEqual({ ok: true, amount: 2n * amount })
  })

  test('bytes that were changed are not accepted', async () => {
    const { adapter } = chain()
    const { key, draft } = await drafted(chain())
    const attempt = await signed(adapter, key, draft)
    const cut = { ...attempt, raw: attempt.raw.subarray(0, attempt.raw.length - 5) }
    expect(await send(adapter, cut)).toMatchObject({ kind: 'not accepted', message: expect.stringMatching(/./) })
  })

  test('bytes that may not leave are not sent', async () => {
    const { adapter, amount, control, sendMethod } = chain()
    const { key, to, draft } = await drafted(chain())
    const attempt = await signed(adapter, key, draft)
    const never = { mayLeave: () => false, startAt: 0 }
    expect(await adapter.broadcast(attempt, never)).toMatchObject({ kind: 'not accepted' })
    // Asked again for every try: refused once, the next node or the next call asks anew.
    await control.misbehave({ method: sendMethod, action: { kind: 'refuse', status: 503 } })
    let asked = 0
    await adapter.broadcast(attempt, { mayLeave: () => ++asked === 1, startAt: 0 })
    await control.behave()
    expect(await adapter.balance(to)).toEqual({ ok: true, amount: 0n })
    expect(await send(adapter, attempt)).toEqual({ kind: 'accepted' })
    await included(adapter, attempt)
    expect(await adapter.balance(to)).toEqual({ ok: true, amount })
  })
}

function outcomeCases(chain: () => PaymentChain): void {
  test('a payment whose answer was lost is found again', async () => {
    const { adapter, control, sendMethod, amount } = chain()
    const { key, to, draft } = await drafted(chain())
    const attempt = await signed(adapter, key, draft)
    await control.misbehave({ method: sendMethod, action: { kind: 'loseAnswer' } })
    expect(await send(adapter, attempt)).toMatchObject({ kind: 'not accepted' })
    expect((await included(adapter, attempt)).result.succeeded).toBe(true)
    expect(await adapter.balance(to)).toEqual({ ok: true, amount })
  })

  test('a payment that never arrived waits, and is paid by the same bytes', async () => {
    const { adapter, control, sendMethod, amount } = chain()
    const { key, to, draft } = await drafted(chain())
    const attempt = await signed(adapter, key, draft)
    await control.misbehave({ method: sendMethod, action: { kind: 'loseRequest' } })
    expect(await send(adapter, attempt)).toMatchObject({ kind: 'not accepted' })
    expect(await outcomeNow(adapter, attempt)).toEqual({ kind: 'waiting' })
    expect(await send(adapter, attempt)).toEqual({ kind: 'accepted' })
    expect((await included(adapter, attempt)).result.succeeded).toBe(true)
    expect(await adapter.balance(to)).toEqual({ ok: true, amount })
  })

  test('tells where many places stand, in their order', async () => {
    const { adapter } = chain()
    const { key, draft } = await drafted(chain())
    const paid = await signed(adapter, key, draft)
    await send(adapter, paid)
    await included(adapter, paid)
    const unsent = await signed(adapter, key, draft)
    const answer = await adapter.outcomes([unsent, paid, unsent].map((each) => placeOf(each)))
    expect(answer).toMatchObject({ outcomes: [{ kind: 'waiting' }, { kind: 'included' }, { kind: 'waiting' }] })
    expect(await adapter.outcomes([])).toEqual({ ok: true, outcomes: [] })
  })

  test('a payment that a reorganisation took back waits again', async () => {
    const { adapter, control } = chain()
    const { key, draft } = await drafted(chain())
    const attempt = await signed(adapter, key, draft)
    await control.pauseMining()
    await send(adapter, attempt)
    await control.mine(3)
    const { block } = await included(adapter, attempt)
    await control.reorganise(3)
    const answer = await adapter.outcomes([{ ...placeOf(attempt), block }])
    expect(answer).toEqual({ ok: true, outcomes: [{ kind: 'waiting' }] })
    await control.resumeMining()
  })

  test('tells of new blocks until it is told to stop', async () => {
    const { adapter, control } = chain()
    let calls = 0
    const first = await new Promise<() => void>((resolve) => {
      const stop = adapter.onBlock(() => {
        calls += 1
        resolve(stop)
      })
    })
    first()
    const before = calls
    const next = new Promise<void>((resolve) => {
      const stop = adapter.onBlock(() => {
        stop()
        resolve()
      })
    })
    await control.mine(1)
    await next
    expect(calls).toBe(before)
  })

  test('tells bytes that wait from bytes that are dead, and finds no trace of these', async ({ skip }) => {
    const { adapter, control, kill, newKey, provesNoDeath } = chain()
    skip(provesNoDeath !== undefined, provesNoDeath)
    const { key, draft } = await drafted(chain())
    await control.pauseMining()
    const attempt = await signed(adapter, key, draft)
    expect(await send(adapter, attempt)).toEqual({ kind: 'accepted' })
    expect(await outcomeNow(adapter, attempt)).toEqual({ kind: 'waiting' })
    await control.expirePending()
    await control.resumeMining()
    let rival: SentAttempt | undefined
    await kill(attempt, async () => {
      const request = { type: 'TRANSFER', to: newKey().account.address, amount: String(draft.amount) } as const
      const other = await adapter.draft(request, key.account)
      if (!other.ok) throw new Error(other.message)
      rival = await signed(adapter, key, other.draft, attempt.sequence)
      await send(adapter, rival)
      await included(adapter, rival)
    })
    const dead = await outcomeThat(adapter, attempt, (each) => each.kind === 'dead' && each.final)
    expect(dead).toMatchObject({ proof: { node: expect.stringContaining('127.0.0.1'), kind: expect.any(String) } })
    expect(await adapter.traces([attempt.hash])).toEqual({ ok: true, found: [] })
    if (rival === undefined) return
    const { hash } = rival
    expect(await adapter.traces([attempt.hash, hash])).toMatchObject({ ok: true, found: [{ hash }] })
    // One of its versions is in a block: then the place is ours.
    const both = await adapter.outcomes([placeOf(attempt, rival)])
    expect(both).toMatchObject({ ok: true, outcomes: [{ kind: 'included', hash }] })
  })
}
