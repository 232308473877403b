import { vocabulary } from '@waiaas/devnet'
import { describe, expect, test } from 'vitest'
import { clip } from '../clip.ts'
import { readBroadcastFailure, readEstimateFailure } from './node-errors.ts'

const node = (message: string, code = -32000) => ({ kind: 'error', code, message }) as const

/**
 * Said of a nonce, and not of the bytes: nethermind before 2021 took one transaction of its own accounts under each.
 * https://github.com/NethermindEth/nethermind/blob/1.9.0/src/Nethermind/Nethermind.TxPool/AddTxResult.cs
 */
const ABOUT_THE_NONCE = ['OwnNonceAlreadyUsed']
const FEE_SITUATIONS = ['replacementUnderpriced', 'tipTooLow', 'feeTooLow', 'feeCapBelowBaseFee']
const spoken = vocabulary.map(({ client, situation, code, message }) => ({
  client,
  situation,
  message,
  code: code ?? -32000,
}))
const heard = ({ message, code }: { message: string; code: number }) => readBroadcastFailure(node(message, code))

describe('the words of every client', () => {
  test.each(spoken.filter(({ situation }) => situation === 'alreadyKnown'))('$client has them: $message', (each) => {
    const expected = ABOUT_THE_NONCE.includes(each.message) ? 'not accepted' : 'accepted'
    expect(heard(each)).toMatchObject({ kind: expected })
  })

  test.each(spoken.filter(({ situation }) => FEE_SITUATIONS.includes(situation)))(
    '$client wants more: $message',
    (each) => {
      const named = /(?:minimum needed |too low \d+ < )(\d+)/.exec(each.message)?.[1]
      const wants = { more: true, ...(named !== undefined && { leastTip: BigInt(named) }) }
      expect(heard(each)).toEqual({ kind: 'not accepted', message: each.message, wants })
    },
  )

  test.each(spoken.filter(({ situation }) => situation === 'feeAboveCap'))('$client caps fees: $message', (each) => {
    const wants = /configured cap/.test(each.message) ? { mostFee: 10n ** 18n } : undefined
    expect(heard(each)).toEqual({ kind: 'not accepted', message: each.message, ...(wants && { wants }) })
  })

  // Some word a full pool as a fee that is too low, for it is: who pays more gets in.
  test.each(spoken.filter(({ situation }) => situation === 'poolFull'))('$client has no room: $message', (each) => {
    const wants = /underpriced|fee/i.test(each.message.replace('baseFee', '')) ? { more: true } : undefined
    expect(heard(each)).toEqual({ kind: 'not accepted', message: each.message, ...(wants && { wants }) })
  })

  const others = spoken.filter(
    ({ situation }) => ![...FEE_SITUATIONS, 'alreadyKnown', 'feeAboveCap', 'poolFull'].includes(situation),
  )
  test('everything else is just words', () => {
    const read = others.map((each) => [each.message, heard(each)])
    expect(read).toEqual(others.map(({ message }) => [message, { kind: 'not accepted', message: clip(message) }]))
    expect(others.length).toBeGreaterThan(100)
  })
})

test.each([
  'unknown transaction type',
  'Unknown transaction',
  'rlp: unknown transaction type 0x4',
  'not a known transaction type',
  'known transaction type is not allowed here',
  'a transaction with the same nonce is already in the pool',
  'tx with nonce 7 already in mempool',
  'transaction with this nonce already known',
  'parent not already known',
])('does not take "%s" for having the bytes', (message) => {
  expect(readBroadcastFailure(node(message))).toEqual({ kind: 'not accepted', message })
})

test.each([
  [
    'transaction underpriced: tip needed 3000000000, tip permitted 1000000000',
    { more: true, leastTip: 3_000_000_000n },
  ],
  ['max fee per gas less than block base fee: address 0xa2, maxFeePerGas: 1, baseFee: 13', { more: true }],
  ['The transaction gasPrice is less than the minimum allowable value(364111000000<364122000000.0000)', { more: true }],
  ['tx fee (1.05 ether) exceeds the configured cap (0.5 ether)', { mostFee: 5n * 10n ** 17n }],
  ['tx fee (2 ether) exceeds the configured cap (1 ether)', { mostFee: 10n ** 18n }],
  ['minimum needed', undefined],
  ['daily request count exceeded', undefined],
  ['internal error', undefined],
])('reads the fee wanted in "%s"', (message, wants) => {
  expect(readBroadcastFailure(node(message))).toEqual({ kind: 'not accepted', message, ...(wants && { wants }) })
})

test('silence says nothing about the bytes', () => {
  const cut = { kind: 'unreachable', message: 'cut' } as const
  expect(readBroadcastFailure(cut)).toEqual({ kind: 'not accepted', message: 'cut', unheard: true })
})

test.each([
  [
    { ...node('execution reverted', 3), data: '0x4e487b71'.padEnd(72, '0').concat('11') },
    'SIMULATION_FAILED',
    'panic 0x11',
  ],
  [{ ...node('execution reverted', 3), data: '0xdeadbeef' }, 'SIMULATION_FAILED', 'custom error 0xdeadbeef'],
  [node('execution reverted'), 'SIMULATION_FAILED', 'execution reverted'],
  [node('insufficient funds for transfer'), 'CHAIN_ERROR', 'insufficient funds'],
  [node('gas required exceeds allowance (50000000)'), 'SIMULATION_FAILED', 'all the gas'],
  [node('out of gas: gas required exceeds allowance: 550000000', -32003), 'SIMULATION_FAILED', 'all the gas'],
  [node('Cannot estimate gas, gas spent exceeded transaction and block gas limit'), 'SIMULATION_FAILED', 'all the gas'],
  [node('execution reverted: insufficient balance', 3), 'SIMULATION_FAILED', 'insufficient balance'],
  [node('VM execution error.', -32015), 'SIMULATION_FAILED', 'VM execution error'],
  [node('rate limit\u0000 reached', 429), 'CHAIN_ERROR', 'rate limit  reached'],
] as const)('reads the failed estimate %j', (failure, code, message) => {
  expect(readEstimateFailure(failure)).toEqual({ ok: false, code, message: expect.stringContaining(message) })
})
