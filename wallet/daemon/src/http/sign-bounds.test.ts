import { fromHex } from 'ox/Rlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EvmChain, type EvmPayer, startEvmChain } from './testing/evm-chain.ts'

const TO = '0x00000000000000000000000000000000000000aa'
const GWEI = 10n ** 9n
const U64 = 1n << 64n
const U256 = 1n << 256n

let chain: EvmChain
let payer: EvmPayer

beforeAll(async () => {
  chain = await startEvmChain()
  const anyFee = { approval_above_percent: 1_000_000, deny_above_percent: 1_000_000, ignored_up_to: '10' }
  payer = await chain.payer({ SPENDING_LIMIT: { instant_max: `${U256 - 1n}` }, FEE_LIMIT: anyFee })
})
afterAll(() => chain?.close())

type Hex = `0x${string}`
type Nested = Hex | Nested[]
const number = (value: bigint): Hex => {
  if (value === 0n) return '0x'
  const digits = value.toString(16)
  return `0x${digits.length % 2 === 0 ? '' : '0'}${digits}`
}

type Fields = {
  nonce: bigint
  tip: bigint
  fee: bigint
  gas: bigint
  to: Hex
  value: bigint
  data: Hex
  access: Nested[]
}
const usual: Fields = { nonce: 0n, tip: 1n, fee: GWEI, gas: 100_000n, to: TO, value: 1n, data: '0x', access: [] }

/** Bytes as no library that checks anything makes them. */
const type2 = (change: Partial<Fields>): Hex => {
  const { nonce, tip, fee, gas, to, value, data, access } = { ...usual, ...change }
  const fields = [number(31337n), ...[nonce, tip, fee, gas].map(number), to, number(value), data, access]
  return `0x02${fromHex(fields as never).slice(2)}`
}
const type1 = (change: Partial<Fields>): Hex => {
  const { nonce, fee, gas, to, value, data, access } = { ...usual, ...change }
  return `0x01${fromHex([number(31337n), ...[nonce, fee, gas].map(number), to, number(value), data, access] as never).slice(2)}`
}
const type0 = (change: Partial<Fields>): Hex => {
  const { nonce, fee, gas, to, value, data } = { ...usual, ...change }
  return fromHex([...[nonce, fee, gas].map(number), to, number(value), data, number(31337n), '0x', '0x'] as never)
}

const sign = (transaction: Hex) => chain.ask(payer, 'sign', { transaction })

test('the bytes of these tests are signed where nothing is wrong with them', async () => {
  const access: Nested[] = [[TO, [`0x${'00'.repeat(32)}`]]]
  for (const raw of [type2({ access }), type1({ access, nonce: 1n }), type0({ nonce: 2n })]) {
    expect((await sign(raw)).status).toBe(201)
  }
  expect((await sign(type2({ nonce: U64 - 2n }))).status).toBe(201)
})

const odd: [string, Partial<Fields>, RegExp][] = [
  ['the nonce 2^64 - 1', { nonce: U64 - 1n }, /nonce/],
  ['a nonce beyond 64 bits', { nonce: U64 * 4n }, /nonce/],
  ['a value beyond 256 bits', { value: U256 }, /value|serialized/],
  ['gas beyond 64 bits', { gas: U64 }, /gas/],
  ['a price beyond 256 bits', { fee: U256 }, /fee|serialized/],
  ['value and fee beyond 256 bits together', { value: U256 - 1n }, /together/],
  ['a fee beyond 256 bits in all', { fee: U256 - 1n }, /together/],
  ['no fee', { fee: 0n, tip: 0n }, /fee/],
  ['less gas than a payment takes', { gas: 20_999n }, /gas/],
  ['less gas than its data takes', { gas: 21_015n, data: '0xff' }, /gas/],
]

test.each(odd)('with %s is refused, in every format', async (_, change, why) => {
  for (const raw of [type2(change), type1(change), type0(change)]) {
    const { status, body } = await sign(raw)
    expect([raw.slice(0, 4), status, body.code]).toEqual([raw.slice(0, 4), 400, 'INVALID_TRANSACTION'])
    expect(body.message).toMatch(why)
  }
})

test.each<[string, Hex]>([
  ['a tip above the fee', type2({ tip: GWEI + 1n })],
  ['a tip beyond 256 bits', type2({ tip: U256 })],
  ['a storage key of 31 bytes', type2({ access: [[TO, [`0x${'11'.repeat(31)}`]]] })],
  ['a storage key of 33 bytes', type1({ access: [[TO, [`0x${'11'.repeat(33)}`]]] })],
  ['an access list of addresses that are too short', type2({ access: [['0x11', []]] })],
  ['an access list that takes more gas than there is', type2({ access: [[TO, []]], gas: 23_399n })],
  ['a recipient of 19 bytes', type2({ to: `0x${'11'.repeat(19)}` })],
  ['a contract that takes more gas to make than there is', type2({ to: '0x', gas: 53_000n, data: '0x00', value: 0n })],
])('with %s is refused', async (_, raw) => {
  const { status, body } = await sign(raw)
  expect([status, body.code]).toEqual([400, 'INVALID_TRANSACTION'])
})
