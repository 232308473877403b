import type { TransactionRequest } from '@waiaas/core'
import { expect, test } from 'vitest'
import type { ConformanceChain, TestKey } from './chain-adapter.conformance.ts'
import { draftOf, funded, included, paid, send, signed, stored } from './conformance-steps.fixture.ts'

/** The cases that every chain adapter passes with a token of its chain. */
export function tokenCases(chain: () => ConformanceChain): void {
  test('moves exactly the tokens, and what else it moves was told before', async () => {
    const { adapter, token, newKey } = chain()
    const key = await holder(chain(), 1_000n)
    const to = newKey().account.address
    const request = { type: 'TOKEN_TRANSFER', to, token: { address: token.address }, amount: '400' } as const
    const draft = await draftOf(chain(), request, key)
    expect(draft.effects.at(-1)).toMatchObject({ kind: 'spend', asset: { address: token.address }, amount: 400n, to })
    const before = await adapter.balance(key.account.address)
    const fee = await paid(adapter, key, draft)
    const after = await adapter.balance(key.account.address)
    if (!before.ok || !after.ok) throw new Error('no balance')
    const coins = draft.effects.map((each) => (each.kind === 'spend' && !each.asset.address ? each.amount : 0n))
    expect(before.amount - after.amount).toBe(coins.reduce((sum, amount) => sum + amount, fee))
    // What is left is exactly what can still be sent.
    expect(await adapter.draft({ ...request, amount: '601' }, key.account)).toMatchObject({
      code: 'INSUFFICIENT_TOKEN_BALANCE',
    })
    expect(await adapter.draft({ ...request, amount: '600' }, key.account)).toMatchObject({ ok: true })
  })

  test('tells what a token is, and how much of it accounts have', async () => {
    const { adapter, stranded, token, newKey } = chain()
    const { address } = (await holder(chain(), 1_234n)).account
    const nobody = newKey().account.address
    const told = await adapter.token({ address: token.address })
    expect(told).toMatchObject({ ok: true, token: { address: token.address, decimals: 6 } })
    expect(await adapter.token({ address: token.address, decimals: 7 })).toMatchObject({ code: 'VALIDATION_FAILED' })
    expect(await adapter.token({ address: nobody })).toMatchObject({ code: 'TOKEN_NOT_FOUND' })
    const held = { address: token.address, decimals: 6 }
    expect(await adapter.holdings(address, [token.address, nobody])).toMatchObject({
      ok: true,
      holdings: [{ ...held, amount: 1_234n }],
    })
    expect(await adapter.holdings(nobody, [token.address])).toMatchObject({ holdings: [{ ...held, amount: 0n }] })
    expect(await adapter.holdings(address, [])).toEqual({ ok: true, holdings: [] })
    expect(await stranded.token({ address: token.address })).toMatchObject({ ok: false, code: 'CHAIN_ERROR' })
    expect(await stranded.holdings(address, [token.address])).toMatchObject({ ok: false })
  })

  test('a call that moves tokens is drafted as the same spend', async () => {
    const { adapter, token, tokenCall } = chain()
    const key = await holder(chain(), 1_000n)
    const to = (await holder(chain(), 1n)).account.address
    const draft = await draftOf(chain(), await tokenCall(key.account.address, to, 7n), key)
    const asset = expect.objectContaining({ address: token.address, decimals: 6 })
    expect(draft.effects).toEqual([{ kind: 'spend', asset, amount: 7n, to }])
    await paid(adapter, key, draft)
    const change = { account: to, asset, before: 1n, after: 8n }
    expect(draft.changes).toEqual(
      expect.arrayContaining([{ account: key.account.address, asset, before: 1_000n, after: 993n }]),
    )
    expect(await holdings(chain(), to, key)).toBe(change.after)
  })

  test('an approval is in force once it is in a block, and zero takes it back', async () => {
    const { adapter, token, newKey } = chain()
    const key = await holder(chain(), 1_000n)
    const spender = newKey().account.address
    const request = { type: 'APPROVE', spender, token: { address: token.address } } as const
    const grant = { kind: 'grant', asset: { address: token.address }, spender }
    const draft = await draftOf(chain(), { ...request, amount: '5' }, key)
    expect(draft.effects).toMatchObject([{ ...grant, amount: 5n }])
    await paid(adapter, key, draft)
    const other = await adapter.draft({ ...request, amount: '6' }, key.account)
    expect(other).toMatchObject({ code: 'VALIDATION_FAILED', message: expect.stringContaining('already') })
    const back = await draftOf(chain(), { ...request, amount: '0' }, key)
    expect(back.effects).toMatchObject([{ ...grant, amount: 0n }])
    await paid(adapter, key, back)
    expect(await adapter.draft({ ...request, amount: '6' }, key.account)).toMatchObject({ ok: true })
  })

  test('refuses tokens that are none, and what is not theirs', async () => {
    const { adapter, token, newKey, foreignAddress } = chain()
    const key = await holder(chain(), 10n)
    const refusal = async (fields: object) => {
      const request = {
        type: 'TOKEN_TRANSFER',
        to: newKey().account.address,
        token: { address: token.address },
      } as const
      const result = await adapter.draft({ ...request, amount: '1', ...fields }, key.account)
      return result.ok ? 'drafted' : result.code
    }
    expect(await refusal({ token: { address: newKey().account.address } })).toBe('TOKEN_NOT_FOUND')
    expect(await refusal({ token: { address: foreignAddress } })).toBe('INVALID_ADDRESS')
    expect(await refusal({ to: foreignAddress })).toBe('INVALID_ADDRESS')
    expect(await refusal({ token: { address: token.address, decimals: 7 } })).toBe('VALIDATION_FAILED')
    expect(await refusal({ amount: '11' })).toBe('INSUFFICIENT_TOKEN_BALANCE')
    expect(await refusal({ amount: '0' })).toBe('VALIDATION_FAILED')
    expect(await refusal({ amount: String(2n ** 63n) })).toBe('INSUFFICIENT_TOKEN_BALANCE')
    expect(await refusal({ amount: String(2n ** 256n - 1n) })).toMatch(/INSUFFICIENT_TOKEN_BALANCE|VALIDATION_FAILED/)
    expect(await refusal({})).toBe('drafted')
  })

  test('a node that does not answer is a value for tokens too', async () => {
    const { adapter, stranded, token, newKey, control, tokenCall, outside } = chain()
    const key = await holder(chain(), 10n)
    const to = newKey().account.address
    const requests: TransactionRequest[] = [
      { type: 'TOKEN_TRANSFER', to, token: { address: token.address }, amount: '1' },
      { type: 'APPROVE', spender: to, token: { address: token.address }, amount: '1' },
      await tokenCall(key.account.address, to, 1n),
    ]
    const silent = { ok: false, code: 'CHAIN_ERROR' }
    for (const request of requests) expect(await stranded.draft(request, key.account)).toMatchObject(silent)
    expect(await stranded.draftOutside(await outside(key.account.address, to, 1n), key.account)).toMatchObject(silent)
    await control.misbehave({ method: '*', times: 'always', action: { kind: 'refuse', status: 503 } })
    for (const request of requests) expect(await adapter.draft(request, key.account)).toMatchObject(silent)
    await control.behave()
  })
}

/** The cases that every chain adapter passes with transactions that were made elsewhere. */
export function outsideCases(chain: () => ConformanceChain): void {
  test('a transaction that was made elsewhere is judged, signed and not changed', async () => {
    const { adapter, newKey, outside, amount } = chain()
    const key = await funded(chain())
    const to = newKey().account.address
    const transaction = await outside(key.account.address, to, amount)
    const result = await adapter.draftOutside(transaction, key.account)
    if (!result.ok) throw new Error(result.message)
    const asset = { network: adapter.network.name, ...adapter.network.native }
    expect(result.draft.effects).toEqual([{ kind: 'spend', asset, amount, to }])
    expect(result.draft.maxFee).toBeGreaterThan(0n)
    const first = await signed(adapter, key, stored(result.draft))
    const second = await signed(adapter, key, stored(result.draft))
    expect(first.raw).toEqual(second.raw)
    expect(await send(adapter, first)).toEqual({ kind: 'accepted' })
    expect((await included(adapter, first)).result.succeeded).toBe(true)
    expect(await adapter.balance(to)).toEqual({ ok: true, amount })
  })

  test('what is no transaction is refused', async () => {
    const { adapter, newKey } = chain()
    for (const text of ['', '0x', 'AAAA', '0x02c0', 'nothing', '0xzz']) {
      expect(await adapter.draftOutside(text, newKey().account)).toMatchObject({
        ok: false,
        code: 'INVALID_TRANSACTION',
      })
    }
  })
}

/** A funded key that has tokens. */
async function holder(chain: ConformanceChain, tokens: bigint): Promise<TestKey> {
  const key = await funded(chain)
  await chain.token.give(key.account.address, tokens)
  return key
}

/** What an account has of the token, seen by a payment of one unit to it. */
async function holdings(chain: ConformanceChain, owner: string, payer: TestKey): Promise<bigint> {
  const request = { type: 'TOKEN_TRANSFER', to: owner, token: { address: chain.token.address }, amount: '1' } as const
  const { changes = [] } = await draftOf(chain, request, payer)
  return changes.find(({ account }) => account === owner)!.before
}
