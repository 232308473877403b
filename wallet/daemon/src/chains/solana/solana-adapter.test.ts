import { startSolanaNode } from '@waiaas/devnet'
import { afterAll, expect, test } from 'vitest'
import { testAdapters } from '../test-adapters.fixture.ts'
import { newSolanaKey } from '../test-keys.fixture.ts'

const node = await startSolanaNode({ slotMs: 50 })
const adapter = testAdapters([{ network: 'solana-local', rpcUrls: [node.rpcUrl] }])[0]!
const RENT = 890_880n
const FEE = 5_000n

afterAll(async () => {
  await adapter.close()
  await node.stop()
})

async function draft(funds: bigint, amount: bigint, memo?: string) {
  const { account } = newSolanaKey()
  await node.control.fund(account.address, funds)
  const to = newSolanaKey().account.address
  return await adapter.draft({ type: 'TRANSFER', to, amount: String(amount), ...(memo ? { memo } : {}) }, account)
}

test('a new recipient gets at least the rent-exempt minimum', async () => {
  expect(await draft(10n ** 9n, RENT)).toMatchObject({ ok: true })
  expect(await draft(10n ** 9n, RENT - 1n)).toMatchObject({
    ok: false,
    code: 'SIMULATION_FAILED',
    message: expect.stringContaining('send at least 0.00089088 SOL'),
  })
})

test('a wallet is emptied exactly, or keeps the rent-exempt minimum', async () => {
  const funds = 10n ** 9n
  expect(await draft(funds, funds - FEE)).toMatchObject({ ok: true, draft: { maxFee: FEE } })
  expect(await draft(funds, funds - FEE - RENT)).toMatchObject({ ok: true })
  const stranded = { ok: false, code: 'INSUFFICIENT_BALANCE', message: expect.stringContaining('rent-exempt minimum') }
  expect(await draft(funds, funds - FEE - 1n)).toMatchObject(stranded)
  expect(await draft(funds, funds - FEE - RENT + 1n)).toMatchObject(stranded)
})

test('the longest memo fits, and is no effect', async () => {
  const result = await draft(10n ** 9n, RENT, '€'.repeat(256))
  expect(result).toMatchObject({ ok: true, draft: { effects: [{ kind: 'spend', amount: RENT }] } })
})
