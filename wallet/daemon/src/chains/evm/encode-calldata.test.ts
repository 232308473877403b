import { decodeFunctionData, parseAbi } from 'viem/utils'
import { expect, test } from 'vitest'
import { encodeCalldata } from './encode-calldata.ts'

const to = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
const abi = parseAbi([
  'function transfer(address to, uint256 value) returns (bool)',
  'function many((address to, int64 delta)[] items, uint8[2] pair, string note)',
  'function pick(uint256 one)',
  'function pick(address one)',
  'function nothing()',
  'event Moved(address to)',
])

test('digits are exact numbers, in lists and tuples too', () => {
  const value = (2n ** 256n - 1n).toString()
  const simple = encodeCalldata(abi, 'transfer', [to, value])
  if (!simple.ok) throw new Error(simple.message)
  expect(simple.selector).toBe('0xa9059cbb')
  expect(decodeFunctionData({ abi, data: simple.calldata }).args).toEqual([to, 2n ** 256n - 1n])
  const nested = encodeCalldata(abi, 'many', [[{ to, delta: '-5' }, [to, 7]], ['1', 2], 'hi'])
  if (!nested.ok) throw new Error(nested.message)
  const items = [
    { to, delta: -5n },
    { to, delta: 7n },
  ]
  expect(decodeFunctionData({ abi, data: nested.calldata }).args).toEqual([items, [1, 2], 'hi'])
  expect(encodeCalldata(abi, 'nothing', [])).toEqual({ ok: true, calldata: '0x448f30a3', selector: '0x448f30a3' })
})

test.each([
  ['missing', []],
  ['Moved', [to]],
  ['transfer', [to]],
  ['transfer', [to, '1', '2']],
  ['transfer', ['not an address', '1']],
  ['transfer', [to, '-1']],
  ['transfer', [to, (2n ** 256n).toString()]],
  ['transfer', [to, 1.5]],
  ['transfer', [to, 2 ** 60]],
  ['many', ['no list', ['1', '2'], 'x']],
  ['many', [[{}], ['1', '2'], 'x']],
])('%s with %j is refused', (name, args) => {
  expect(encodeCalldata(abi, name, args)).toMatchObject({ ok: false, code: 'ABI_ENCODING_FAILED' })
})

test('an ABI that is none is refused', () => {
  expect(encodeCalldata([{ type: 'function' }], 'f', [])).toMatchObject({ ok: false, code: 'ABI_ENCODING_FAILED' })
  expect(encodeCalldata([null], 'f', [])).toMatchObject({ ok: false, code: 'ABI_ENCODING_FAILED' })
})
