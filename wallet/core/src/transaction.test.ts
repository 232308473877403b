import { expect, test } from 'vitest'
import { isFinal, statuses, TransactionRequest, transitions } from './index.ts'

test('every status can be reached from PENDING and leads to an end', () => {
  const reached = new Set(['PENDING'])
  for (let before = 0; before < reached.size; ) {
    before = reached.size
    for (const status of statuses) if (reached.has(status)) for (const next of transitions[status]) reached.add(next)
  }
  expect([...reached].sort()).toEqual([...statuses].sort())
  expect(statuses.filter(isFinal)).toEqual(['CONFIRMED', 'FAILED', 'CANCELLED', 'EXPIRED'])
})

test('nothing is signed or sent from a status that was not allowed first', () => {
  const into = (target: string) => statuses.filter((status) => transitions[status].includes(target as never))
  expect(into('SIGNED')).toEqual(['EXECUTING'])
  expect(into('EXECUTING')).toEqual(['PENDING', 'QUEUED', 'SIGNED', 'SUBMITTED'])
  expect(into('QUEUED')).toEqual(['PENDING', 'QUEUED'])
})

const to = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'

test('a request without a type is a TRANSFER; a network may be named or given as CAIP-2', () => {
  expect(TransactionRequest.parse({ to, amount: '1' })).toEqual({ type: 'TRANSFER', to, amount: '1' })
  expect(TransactionRequest.parse({ to, amount: '1', network: 'eip155:8453' }).network).toBe('base-mainnet')
})

test.each([
  [{ to }],
  [{ to, amount: '1', humanAmount: '1' }],
  [{ to, amount: 1 }],
  [{ to, amount: '-1' }],
  [{ to, amount: '1', decimals: 6 }],
  [{ to, amount: '1', network: 'mainnet' }],
  [{ to, amount: '1', memo: 'x'.repeat(257) }],
  [{ to: '', amount: '1' }],
  [null],
  [[]],
])('%j is refused', (body) => {
  expect(TransactionRequest.safeParse(body).success).toBe(false)
})
