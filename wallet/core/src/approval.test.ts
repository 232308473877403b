import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ApprovalContent, approvalDigest, describeEffect } from './index.ts'

const eth = { network: 'evm-local', symbol: 'ETH', decimals: 18 } as const
const spend = {
  kind: 'spend',
  asset: eth,
  amount: 6n * 10n ** 17n,
  to: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
} as const
const content: ApprovalContent = {
  transactionId: '01926e6a-0000-7000-8000-000000000001',
  agentId: '01926e6a-0000-7000-8000-000000000002',
  network: 'evm-local',
  from: '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  effects: [spend],
  maxFee: 21_000n * 10n ** 9n,
  policyVersion: 3,
  expiresAt: 1_800_000_000,
  nonce: 'n',
}

const changes: Partial<ApprovalContent>[] = [
  { transactionId: '01926e6a-0000-7000-8000-000000000009' },
  { agentId: '01926e6a-0000-7000-8000-000000000009' },
  { network: 'base-mainnet' },
  { from: '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb' },
  { effects: [{ ...spend, amount: spend.amount + 1n }] },
  { effects: [{ ...spend, to: '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb' }] },
  { effects: [{ ...spend, asset: { ...eth, address: '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb' } }] },
  { effects: [{ ...spend, asset: { ...eth, decimals: 6 } }] },
  { effects: [spend, spend] },
  { effects: [] },
  { maxFee: content.maxFee + 1n },
  { policyVersion: 4 },
  { expiresAt: content.expiresAt + 1 },
  { nonce: 'm' },
]

test.each(changes)('a change of %j changes the digest', (change) => {
  expect(approvalDigest({ ...content, ...change })).not.toBe(approvalDigest(content))
})

test('two amounts never share a digest', () => {
  const amount = fc.bigInt({ min: 0n, max: (1n << 256n) - 1n })
  fc.assert(
    fc.property(amount, amount, (a, b) => {
      const digest = (value: bigint) => approvalDigest({ ...content, effects: [{ ...spend, amount: value }] })
      expect(digest(a) === digest(b)).toBe(a === b)
    }),
  )
})

test('an effect is told in words with both amounts and the whole recipient', () => {
  expect(describeEffect(spend)).toBe(
    'Send 0.6 ETH (600000000000000000 base units) to 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  )
})
