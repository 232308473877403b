import { evmPersonalities } from '@waiaas/devnet'
import { serializeTransaction } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { setCode } from '../chains/evm/contracts.fixture.ts'
import { type EvmChain, type EvmPayer, startEvmChain } from './testing/evm-chain.ts'

const TO = '0x00000000000000000000000000000000000000AA'
const ORACLE = '0x420000000000000000000000000000000000000F'
/** Returns the first argument of whatever it is asked: one wei for each byte. */
const ONE_WEI_A_BYTE = '0x60043560005260206000f3'

/** The same, times 10^13: much more than the gas of a payment costs. */
const TEN_THOUSAND_GWEI_A_BYTE = '0x6004356509184e72a0000260005260206000f3'

let chain: EvmChain
let payer: EvmPayer

beforeAll(async () => {
  chain = await startEvmChain('base-sepolia', evmPersonalities.opGeth)
  await setCode(chain.evm.rpcUrl, ORACLE, ONE_WEI_A_BYTE)
  payer = await chain.payer({ SPENDING_LIMIT: { instant_max: `${10n ** 18n}` } })
})
afterAll(() => chain?.close())

const accessList = Array.from({ length: 8 }, (_, index) => ({
  address: `0x${String(index).padStart(40, '0')}` as const,
  storageKeys: [`0x${'ff'.repeat(32)}`, `0x${'01'.repeat(32)}`] as const,
}))

test.each([
  ['of type 2', { type: 'eip1559', maxFeePerGas: 10n ** 9n, maxPriorityFeePerGas: 1n }],
  ['with an access list', { type: 'eip1559', maxFeePerGas: 10n ** 9n, maxPriorityFeePerGas: 1n, accessList }],
  ['of type 1 with an access list', { type: 'eip2930', gasPrice: 10n ** 9n, accessList }],
  ['of type 0 with a high nonce', { type: 'legacy', gasPrice: 10n ** 9n, nonce: 2 ** 40 }],
])('the data of a transaction %s is paid for to its last byte', async (_, change) => {
  const usual = { chainId: 84532, nonce: 0, gas: 200_000n, to: TO, value: 5n }
  const transaction = serializeTransaction({ ...usual, ...change } as never)
  const { status, body } = await chain.ask(payer, 'sign', { transaction })
  expect(status).toBe(201)
  const bytes = BigInt((body.signedTransaction as string).length / 2 - 1)
  const asked = (BigInt(body.maxFee as string) - 200_000n * 10n ** 9n) / 2n
  expect(asked).toBeGreaterThanOrEqual(bytes)
  expect(asked).toBeLessThanOrEqual(bytes + 2n)
})

test('the data of a payment that is built here is paid for too', async () => {
  const { body } = await chain.ask(payer, 'simulate', { type: 'TRANSFER', to: TO, amount: '5' })
  // The signed payment has 111 bytes or more; what it costs beside the price of gas is odd to no multiple of 21,000.
  const dataFee = BigInt(body.maxFee as string) % 21_000n
  expect(dataFee).toBeGreaterThanOrEqual(2n * 111n)
  expect(dataFee).toBeLessThanOrEqual(2n * 200n)
})

// A node of the OP Stack wants the account to have the fee for the data beside the gas, of all that waits: op-geth#558.
test('what waits, the data of all of it included, is covered by the account before more is signed', async () => {
  const rich = await chain.payer({ SPENDING_LIMIT: { instant_max: `${10n ** 19n}` } })
  await setCode(chain.evm.rpcUrl, ORACLE, TEN_THOUSAND_GWEI_A_BYTE)
  await chain.evm.control.pauseMining()
  try {
    const first = await chain.ask(rich, 'send', { type: 'TRANSFER', to: TO, amount: `${10n ** 17n}` })
    await expect
      .poll(() => chain.read(rich, first.body.id))
      .toMatchObject({ status: 'SUBMITTED', outcomeUnknown: false })
    const { maxFee } = await chain.read(rich, first.body.id)
    const dataFee = 10n ** 13n * 111n
    expect(BigInt(maxFee as string)).toBeGreaterThan(2n * dataFee)
    // Enough beside what the gas of the first may cost, and not beside what its data may.
    const left = 10n ** 19n - 10n ** 17n - BigInt(maxFee as string) - dataFee
    const second = await chain.ask(rich, 'send', { type: 'TRANSFER', to: TO, amount: `${left}` })
    const end = { status: 'FAILED', error: { code: 'INSUFFICIENT_BALANCE' } }
    await expect.poll(() => chain.read(rich, second.body.id)).toMatchObject(end)
  } finally {
    await chain.evm.control.resumeMining()
    await setCode(chain.evm.rpcUrl, ORACLE, ONE_WEI_A_BYTE)
  }
})
