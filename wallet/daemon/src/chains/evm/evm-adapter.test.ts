import { startEvmNode } from '@waiaas/devnet'
import { parseTransaction, toHex } from 'viem/utils'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Signable } from '../chain-adapter.ts'
import { testAdapters } from '../test-adapters.fixture.ts'
import { newEvmKey } from '../test-keys.fixture.ts'

const node = await startEvmNode({})
const adapter = testAdapters([{ network: 'evm-local', rpcUrls: [node.rpcUrl] }])[0]!
const key = newEvmKey()
const { account } = key

beforeAll(() => node.control.fund(account.address, 10n ** 18n))
afterAll(async () => {
  await adapter.close()
  await node.stop()
})

async function rpc(method: string, ...params: unknown[]): Promise<void> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  await fetch(node.rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
}

/** Puts code at a new address and drafts a payment to it. */
async function payContract(code: string) {
  const to = newEvmKey().account.address
  await rpc('anvil_setCode', to, code)
  return { to, result: await adapter.draft({ type: 'TRANSFER', to, amount: '1' }, account) }
}

async function draftPayment() {
  const to = newEvmKey().account.address
  const result = await adapter.draft({ type: 'TRANSFER', to, amount: '1' }, account)
  if (!result.ok) throw new Error(result.message)
  return result.draft
}

test('a payment to a contract is also a call', async () => {
  const { to, result } = await payContract('0x00')
  const effects = [
    expect.objectContaining({ kind: 'spend', amount: 1n, to }),
    { kind: 'call', target: to, selector: '0x' },
  ]
  expect(result).toMatchObject({ ok: true, draft: { effects } })
})

test('a payment that would be reverted is refused with the contract’s reason', async () => {
  // Returns the ABI encoding of Error("closed") as revert data.
  const words = [
    '08c379a0',
    '20'.padStart(64, '0'),
    '6'.padStart(64, '0'),
    Buffer.from('closed').toString('hex').padEnd(64, '0'),
  ]
  const data = words.join('')
  const size = (data.length / 2).toString(16).padStart(2, '0')
  const { result } = await payContract(`0x60${size}600c60003960${size}6000fd${data}`)
  expect(result).toEqual({ ok: false, code: 'SIMULATION_FAILED', message: 'The transaction would fail: closed' })
})

test('a payment that would run out of code is refused', async () => {
  const { result } = await payContract('0xfe')
  expect(result).toMatchObject({ ok: false, code: 'SIMULATION_FAILED' })
})

test('nobody pays to the zero address', async () => {
  const request = { type: 'TRANSFER', to: `0x${'0'.repeat(40)}`, amount: '1' } as const
  expect(await adapter.draft(request, account)).toMatchObject({ ok: false, code: 'INVALID_ADDRESS' })
})

test('a dearer network is paid up to the ceiling, and no further', async () => {
  const draft = await draftPayment()
  const ceiling = (draft.maxFee * 4n) / 5n / 21_000n
  const signable = () => adapter.signable(draft, account, 0n)
  const nextBlockAt = async (baseFee: bigint) => {
    await rpc('anvil_setNextBlockBaseFeePerGas', toHex(baseFee))
    await node.control.mine(1)
  }
  await nextBlockAt(ceiling - 1n)
  await expect.poll(async () => feeCapOf(await signable())).toBe(ceiling)
  await nextBlockAt(ceiling + 1n)
  const message = `The network asks for ${ceiling + 1n} wei per gas, and the fee that was allowed pays for ${ceiling}.`
  await expect.poll(signable).toEqual({ ok: false, code: 'CHAIN_ERROR', message, tooDear: true })
})

test('a version leaves room for what closes it, and what closes it for a node that caps fees', async () => {
  const draft = await draftPayment()
  const plan = draft.plan as { gas: string; maxFeePerGas: string }
  const highest = BigInt(plan.maxFeePerGas)
  const sign = ({ bytes, finish }: Signable) => ({ ...finish(key.sign(bytes)), from: account.address })
  const first = await adapter.signable(draft, account, 0n)
  if (!first.ok) throw new Error(first.message)
  const versions = [sign(first.signable)]
  const wants = { more: true } as const
  for (;;) {
    const next = await adapter.replacement!({ versions, by: 'itself', maxFee: draft.maxFee, wants })
    if (next.kind !== 'signable') break
    versions.push(sign(next.signable))
  }
  const fees = versions.map(({ raw }) => parseTransaction(toHex(raw) as `0x02${string}`).maxFeePerGas!)
  expect(fees.length).toBeGreaterThan(1)
  expect(fees.at(-1)).toBeLessThanOrEqual(highest)
  const closing = { versions, by: 'nothing', maxFee: draft.maxFee } as const
  expect(await adapter.replacement!({ ...closing, wants })).toMatchObject({ kind: 'signable' })
  // Far above what the closer costs: it is no reason to pay that much.
  const capped = await adapter.replacement!({ ...closing, wants: { mostFee: 10n ** 18n } })
  expect(capped).toMatchObject({ kind: 'signable' })
})

function feeCapOf(result: Awaited<ReturnType<typeof adapter.signable>>): bigint | undefined {
  if (!result.ok) throw new Error(result.message)
  return parseTransaction(toHex(result.signable.bytes) as `0x02${string}`).maxFeePerGas
}
