import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EvmChain, type EvmPayer, startEvmChain } from './testing/evm-chain.ts'
import { post } from './testing/start-http.ts'

let chain: EvmChain
let payer: EvmPayer

beforeAll(async () => {
  chain = await startEvmChain()
  payer = await chain.payer({ SPENDING_LIMIT: { instant_max: '1' } })
})
afterAll(() => chain?.close())

type Parameter = { name?: string; type: string; components?: Parameter[] }
const named = (name: string, ...types: (string | Parameter)[]) => ({
  type: 'function',
  name,
  inputs: types.map((type) => (typeof type === 'string' ? { name: '', type } : type)),
})
const hex = (text: string) => `0x${Buffer.from(text).toString('hex')}`

async function encode(abi: unknown[], functionName: string, args: unknown[]) {
  const headers = { Authorization: `Bearer ${payer.token}` }
  const answer = await chain.http.fetch('/v1/utils/encode-calldata', post({ abi, functionName, args }, headers))
  const body = (await answer.json()) as { calldata?: string; code?: string; message?: string }
  return { status: answer.status, ...body }
}

const words = (...parts: string[]) =>
  parts.map((part) => (part.startsWith('>') ? part.slice(1).padEnd(64, '0') : part.padStart(64, '0'))).join('')

/** The examples of the ABI specification (docs.soliditylang.org/en/latest/abi-spec.html), which it writes with `uint`. */
describe('the examples of the specification', () => {
  test.each<[string, (string | Parameter)[], unknown[], string]>([
    ['baz', ['uint32', 'bool'], ['69', true], `0xcdcd77c0${words('45', '1')}`],
    ['bar', ['bytes3[2]'], [[hex('abc'), hex('def')]], `0xfce353f6${words('>616263', '>646566')}`],
    [
      'sam',
      ['bytes', 'bool', 'uint[]'],
      [hex('dave'), true, ['1', 2, '3']],
      `0xa5643bf2${words('60', '1', 'a0', '4', '>64617665', '3', '1', '2', '3')}`,
    ],
    [
      'f',
      ['uint', 'uint32[]', 'bytes10', 'bytes'],
      [0x123, [0x456, 0x789], hex('1234567890'), hex('Hello, world!')],
      `0x8be65246${words('123', '80', '>31323334353637383930', 'e0', '2', '456', '789', 'd', '>48656c6c6f2c20776f726c6421')}`,
    ],
    [
      'g',
      ['uint[][]', 'string[]'],
      [
        [[1, 2], [3]],
        ['one', 'two', 'three'],
      ],
      `0x2289b18c${words('40', '140', '2', '40', 'a0', '2', '1', '2', '1', '3', '3', '60', 'a0', 'e0')}${words('3', '>6f6e65', '3', '>74776f', '5', '>7468726565')}`,
    ],
  ])('%s', async (name, types, args, calldata) => {
    expect(await encode([named(name, ...types)], name, args)).toMatchObject({ status: 200, calldata })
  })
})

describe('a type', () => {
  test.each<[string, string | Parameter, string | Parameter, unknown]>([
    ['uint', 'uint', 'uint256', '7'],
    ['int', 'int', 'int256', '-7'],
    ['in a list of fixed length', 'uint[2]', 'uint256[2]', [1, 2]],
    ['in lists of lists', 'int[][3]', 'int256[][3]', [[1], [], ['-2']]],
    [
      'in tuples of tuples',
      { type: 'tuple[]', components: [{ name: 'a', type: 'tuple', components: [{ name: 'b', type: 'uint[]' }] }] },
      { type: 'tuple[]', components: [{ name: 'a', type: 'tuple', components: [{ name: 'b', type: 'uint256[]' }] }] },
      [{ a: { b: ['1'] } }, [[['2']]]],
    ],
  ])('%s without a size has 256 bits', async (_, alias, full, value) => {
    const [short, long] = [
      await encode([named('h', alias)], 'h', [value]),
      await encode([named('h', full)], 'h', [value]),
    ]
    expect(short).toMatchObject({ status: 200, calldata: long.calldata })
    expect(short.calldata).toMatch(/^0x[0-9a-f]+$/)
  })

  test.each([
    'uint7',
    'uint264',
    'int08',
    'bytes0',
    'bytes33',
    'fixed128x18',
    'function',
    'mapping',
    'uint256[',
    'bool8',
    '',
  ])('%s is refused', async (type) => {
    expect(await encode([named('h', type)], 'h', ['0x'])).toMatchObject({ status: 400, code: 'ABI_ENCODING_FAILED' })
  })
})

const pair: Parameter = {
  type: 'tuple',
  components: [
    { name: 'a', type: 'uint8' },
    { name: 'b', type: 'bool' },
  ],
}

test.each<[string | Parameter, unknown]>([
  ['bytes', 'hello'],
  ['bytes', '0x123'],
  ['bytes', '0xzz'],
  ['bytes', 5],
  ['bytes4', '0xzzzzzzzz'],
  ['bytes4', '0x123456'],
  ['bytes4', '0x1234567890'],
  ['string', 5],
  ['string', null],
  ['string', '\ud800'],
  ['bool', 'true'],
  ['bool', 1],
  ['bool', null],
  ['uint8', 256],
  ['uint8', -1],
  ['int8', 128],
  ['int8', '-129'],
  ['uint256', (2n ** 256n).toString()],
  ['int256', (2n ** 255n).toString()],
  ['uint256', 1.5],
  ['uint256', '1e3'],
  ['uint256', ''],
  ['uint256', true],
  ['uint256', [1]],
  ['uint256', 2 ** 53],
  ['address', '0x70997970c51812dc3A010C7d01b50e0d17dc79C8'],
  ['address', '0x7099'],
  ['address', null],
  ['uint256[2]', [1]],
  ['uint256[2]', [1, 2, 3]],
  ['uint256[]', 'no list'],
  ['uint8[][2]', [[1], [256]]],
  [pair, { a: 1 }],
  [pair, { a: 1, b: true, c: 2 }],
  [pair, [1]],
  [pair, [1, true, 2]],
  [pair, 'no tuple'],
  [{ ...pair, type: 'tuple[1]' }, [{ a: 1, b: 'true' }]],
  [{ type: 'tuple' }, []],
])('%j does not take %j', async (type, value) => {
  const { status, code, message } = await encode([named('h', type)], 'h', [value])
  expect([status, code]).toEqual([400, 'ABI_ENCODING_FAILED'])
  expect(message).not.toMatch(/unknown reason/)
})

test.each<[string | Parameter, unknown, string]>([
  ['int8', '-128', `${'f'.repeat(62)}80`],
  ['int256', (-(2n ** 255n)).toString(), `8${'0'.repeat(63)}`],
  ['uint8', 255, words('ff')],
  ['bytes4', '0xABcdef01', words('>abcdef01')],
  ['address', '0x70997970C51812dc3A010C7d01b50e0d17dc79C8', words('70997970c51812dc3a010c7d01b50e0d17dc79c8')],
  ['address', '0x70997970c51812dc3a010c7d01b50e0d17dc79c8', words('70997970c51812dc3a010c7d01b50e0d17dc79c8')],
  [pair, { b: true, a: '1' }, words('1', '1')],
  ['string', 'é', words('20', '2', '>c3a9')],
  ['bytes', '0x', words('20', '0')],
])('%j takes %j', async (type, value, expected) => {
  const { status, calldata } = await encode([named('h', type)], 'h', [value])
  expect([status, calldata?.toLowerCase().slice(10)]).toEqual([200, expected])
})

test('functions of one name are told apart by their arguments, or by their signature', async () => {
  const abi = [named('pick', 'address'), named('pick', 'uint'), named('pick', 'uint8'), named('pick', 'uint', 'uint')]
  expect((await encode(abi, 'pick', ['300'])).calldata).toBe(
    (await encode([named('pick', 'uint256')], 'pick', ['300'])).calldata,
  )
  expect(await encode(abi, 'pick', ['5'])).toMatchObject({
    status: 400,
    message: expect.stringContaining('pick(uint8)'),
  })
  expect((await encode(abi, 'pick(uint8)', ['5'])).status).toBe(200)
  expect((await encode(abi, 'pick', ['300', '1'])).status).toBe(200)
  expect((await encode([abi[0], abi[0]], 'pick', [payer.address])).status).toBe(200)
})

test('a function that nobody can call from outside is in nobody’s way', async () => {
  const abi = [named('odd', 'function'), named('good', 'uint8'), { type: 'function', name: 'bad name', inputs: [] }]
  expect((await encode(abi, 'good', [1])).status).toBe(200)
  expect(await encode(abi, 'odd', ['0x'])).toMatchObject({
    status: 400,
    message: expect.stringContaining('no type function'),
  })
})

test('an item without a type is a function, one of another type is none', async () => {
  expect((await encode([{ name: 'go', inputs: [] }], 'go', [])).status).toBe(200)
  expect((await encode([{ type: 'event', name: 'go', inputs: [] }], 'go', [])).status).toBe(400)
  expect((await encode([{ type: 'function' }], 'go', [])).status).toBe(400)
})
