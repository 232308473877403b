import { newId } from '@openpista/common'
import { checksumAddress } from '@waiaas/core'
import { deployBox } from '@waiaas/devnet'
import { serializeTransaction } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { calldata } from '../chains/evm/contracts.fixture.ts'
import { type EvmChain, type EvmPayer, startEvmChain } from './testing/evm-chain.ts'
import { ask } from './testing/local-chains.ts'
import { payer as payerOf, startPaying } from './testing/real-engine.ts'

const TO = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
const SPENDER = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'
const ETH = 10n ** 18n

let chain: EvmChain
let payer: EvmPayer
let box: `0x${string}`

beforeAll(async () => {
  chain = await startEvmChain()
  box = checksumAddress(await deployBox({ rpcUrl: chain.evm.rpcUrl })) as `0x${string}`
  const contracts = [{ address: box }]
  payer = await chain.payer({ SPENDING_LIMIT: { instant_max: `${ETH}` }, CONTRACT_WHITELIST: { contracts } })
})
afterAll(() => chain?.close())

const lower = (text: string) => text.toLowerCase()
const upper = (text: string) => `0x${text.slice(2).toUpperCase()}`

type Body = Record<string, unknown>
const store = calldata('store(uint256)', 0xabcdefn)
const pairs: [string, 'send' | 'sign', () => [Body, Body]][] = [
  [
    'a recipient',
    'send',
    () => [
      { to: TO, amount: '5' },
      { to: lower(TO), amount: '5' },
    ],
  ],
  [
    'a recipient in capitals',
    'send',
    () => [
      { to: TO, amount: '6' },
      { to: upper(TO), amount: '6' },
    ],
  ],
  [
    'an amount',
    'send',
    () => [
      { to: TO, humanAmount: '0.01' },
      { to: TO, humanAmount: '0.0100' },
    ],
  ],
  [
    'a network',
    'send',
    () => [
      { to: TO, amount: '7' },
      { to: TO, amount: '7', network: 'eip155:31337' },
    ],
  ],
  [
    'a contract and what it is called with',
    'send',
    () => [
      { type: 'CONTRACT_CALL', to: box, calldata: store },
      { type: 'CONTRACT_CALL', to: lower(box), calldata: upper(store) },
    ],
  ],
  [
    'a transaction made elsewhere',
    'sign',
    () => {
      const fields = {
        type: 'eip1559',
        chainId: 31337,
        gas: 60_000n,
        maxFeePerGas: 4n * 10n ** 9n,
        nonce: 999,
      } as const
      const transaction = serializeTransaction({ ...fields, to: TO, value: 5n })
      return [{ transaction }, { transaction: upper(transaction) }]
    },
  ],
]

describe.each(pairs)('%s that is written in another way', (_, path, bodies) => {
  test('is the same request', async () => {
    const [first, second] = bodies()
    const key = newId()
    const [once, again] = [await chain.ask(payer, path, first, key), await chain.ask(payer, path, second, key)]
    expect([once.status, again.status]).toEqual([once.status, once.status])
    expect(once.status).toBeLessThan(300)
    expect(again.body.id).toBe(once.body.id)
  })
})

test('a token and a spender are, too, and what is refused is refused for both', async () => {
  const approve = (spender: string, token: string) => ({
    type: 'APPROVE',
    spender,
    token: { address: token },
    amount: '1',
  })
  const key = newId()
  const first = await chain.ask(payer, 'send', approve(SPENDER, box), key)
  const second = await chain.ask(payer, 'send', approve(lower(SPENDER), lower(box)), key)
  expect([first.status, first.body.code]).toEqual([second.status, second.body.code])
  expect(first.body.code).not.toBe('IDEMPOTENCY_CONFLICT')
})

test('another address under the same key is another request, and a broken checksum is no address', async () => {
  const key = newId()
  await chain.ask(payer, 'send', { to: TO, amount: '5' }, key)
  expect((await chain.ask(payer, 'send', { to: SPENDER, amount: '5' }, key)).body.code).toBe('IDEMPOTENCY_CONFLICT')
  const broken = await chain.ask(payer, 'send', { to: TO.replace('C51812', 'c51812'), amount: '5' })
  expect([broken.status, broken.body.code]).toEqual([400, 'INVALID_ADDRESS'])
})

test('addresses on Solana are told apart by their case', async () => {
  const http = await startPaying()
  const { token } = await payerOf(http)
  const send = async (to: string, key: string) => {
    const answer = await ask(http, token, '/v1/transactions/send', { network: 'solana-local', to, amount: '5' }, key)
    return ((await answer.json()) as { code?: string }).code
  }
  const key = newId()
  expect(await send('b9u6zLtcAjKXVLmRcUifDZbGmjNcsvVjf7kip8muSae', key)).toBeUndefined()
  expect(await send('B9u6zLtcAjKXVLmRcUifDZbGmjNcsvVjf7kip8muSae', key)).toBe('IDEMPOTENCY_CONFLICT')
  await http.close()
})

describe('a memo', () => {
  test.each([
    '\0',
    'a\nb',
    '\u202e321',
    '\u200fa',
    'a\u2066b',
    '\u2028',
    '\ufeff',
    '\u200b',
    '\u{e0041}',
    '\ud800',
    '\u0085',
    '\u00ad',
  ])('%j is refused', async (memo) => {
    const { status, body } = await chain.ask(payer, 'send', { to: TO, amount: '5', memo })
    expect([status, body.code]).toEqual([400, 'VALIDATION_FAILED'])
    expect(JSON.stringify(body)).toContain('control characters')
  })

  test.each([
    'Rent for May',
    'Miete für März – danke',
    '家賃 5月',
    '\u0646\u0627\u0645\u0647\u200c\u0627\u06cc',
    '👩‍👩‍👧 🎁',
    'שכר דירה',
  ])('%j is taken', async (memo) => {
    const { body } = await chain.ask(payer, 'send', { to: TO, amount: '5', memo })
    expect([body.code, body.memo]).toEqual([undefined, memo])
  })
})
