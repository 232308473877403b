import { expect, test } from 'vitest'
import { isFinal, singleRequest, statuses, TransactionRequest, transitions } from './index.ts'

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
  expect(into('EXECUTING')).toEqual(['PENDING', 'QUEUED', 'SUBMITTED'])
  expect(into('QUEUED')).toEqual(['PENDING', 'QUEUED', 'EXECUTING'])
})

const to = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'

test('a request without a type is a TRANSFER; a network may be named or given as CAIP-2', () => {
  expect(TransactionRequest.parse({ to, amount: '1' })).toEqual({ type: 'TRANSFER', to, amount: '1' })
  expect(TransactionRequest.parse({ to, amount: '1', network: 'eip155:8453' }).network).toBe('base-mainnet')
})

const token = { address: to }
const call = { type: 'CONTRACT_CALL', to, calldata: '0x12345678' }
const instruction = { programId: to, instructionData: 'AQ==', accounts: [] }
const batch = (...instructions: unknown[]) => ({ type: 'BATCH', instructions })

test.each([
  [{ type: 'TOKEN_TRANSFER', to, token, amount: '1' }],
  [{ type: 'TOKEN_TRANSFER', to, token: { ...token, decimals: 6, symbol: 'USDC' }, humanAmount: '1.5' }],
  [{ type: 'APPROVE', spender: to, token, amount: String(2n ** 256n - 1n) }],
  [call],
  [{ ...call, value: '1', abi: [{ type: 'function' }] }],
  [{ type: 'CONTRACT_CALL', ...instruction }],
  [batch({ to, amount: '1' }, { to, token, amount: '1' }, { spender: to, token, amount: '1' }, instruction)],
])('%j is taken as it is', (body) => {
  expect(TransactionRequest.parse(body)).toEqual(body)
})

test('the kind of an instruction in a batch is told by its fields', () => {
  const fields = [{ to, amount: '1' }, { to, token, amount: '1' }, { spender: to, token, amount: '1' }, instruction]
  const parsed = TransactionRequest.parse(batch(...fields, { to, calldata: '0x' }))
  if (parsed.type !== 'BATCH') throw new Error(parsed.type)
  const kinds = ['TRANSFER', 'TOKEN_TRANSFER', 'APPROVE', 'CONTRACT_CALL', 'CONTRACT_CALL']
  expect(parsed.instructions.map((each) => singleRequest(each).type)).toEqual(kinds)
})

test('a fault deep inside is named with its place', () => {
  const result = TransactionRequest.safeParse(batch({ to, amount: '1' }, { to, token, amount: '-1' }))
  expect(result.error?.issues[0]?.path.slice(0, 2)).toEqual(['instructions', 1])
})

test.each([
  [{ type: 'SWAP', to, amount: '1' }],
  [{ type: 'TOKEN_TRANSFER', to, amount: '1' }],
  [{ type: 'TOKEN_TRANSFER', to, token: to, amount: '1' }],
  [{ type: 'TOKEN_TRANSFER', to, token: { ...token, decimals: -1 }, amount: '1' }],
  [{ type: 'TOKEN_TRANSFER', to, token, amount: '1', humanAmount: '1' }],
  [{ type: 'APPROVE', spender: to, token, amount: String(2n ** 256n) }],
  [{ ...call, ...instruction }],
  [{ ...call, calldata: '0x123' }],
  [{ ...call, calldata: '12345678' }],
  [{ type: 'CONTRACT_CALL', to }],
  [{ type: 'CONTRACT_CALL', value: '1', ...instruction }],
  [{ type: 'CONTRACT_CALL', programId: to, accounts: [] }],
  [{ type: 'TRANSFER', to, token, amount: '1' }],
  [batch({ to, amount: '1' })],
  [batch(...Array(21).fill({ to, amount: '1' }))],
  [batch({ to, amount: '1' }, { type: 'TRANSFER', to, amount: '1' })],
  [batch({ to, amount: '1' }, { to, amount: '1', network: 'evm-local' })],
  [batch({ to, amount: '1' }, batch({ to, amount: '1' }, { to, amount: '1' }))],
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
