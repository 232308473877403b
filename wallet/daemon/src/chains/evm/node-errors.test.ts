import { expect, test } from 'vitest'
import { readBroadcastFailure, readEstimateFailure } from './node-errors.ts'

const node = (message: string, code = -32000) => ({ kind: 'error', code, message }) as const

test.each([
  ['already known', { kind: 'accepted' }],
  ['AlreadyKnown', { kind: 'accepted' }],
  ['transaction already imported', { kind: 'accepted' }],
  ['nonce too low: next nonce 5, tx nonce 4', { kind: 'unknown' }],
  ['OldNonce, Current nonce: 5, nonce of rejected tx: 4', { kind: 'unknown' }],
  ['insufficient funds for gas * price + value: balance 0', { kind: 'refused', code: 'INSUFFICIENT_BALANCE' }],
  ['replacement transaction underpriced', { kind: 'refused', code: 'CHAIN_ERROR' }],
  ['max fee per gas less than block base fee', { kind: 'refused', code: 'CHAIN_ERROR' }],
  ['invalid sender', { kind: 'refused', code: 'CHAIN_ERROR' }],
  ['Failed to decode transaction', { kind: 'refused', code: 'CHAIN_ERROR' }],
  ['daily request count exceeded', { kind: 'unknown' }],
  ['internal error', { kind: 'unknown' }],
])('reads "%s"', (message, expected) => {
  expect(readBroadcastFailure(node(message))).toMatchObject(expected)
})

test('silence says nothing about the bytes', () => {
  expect(readBroadcastFailure({ kind: 'unreachable', message: 'cut' })).toEqual({ kind: 'unknown', message: 'cut' })
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
