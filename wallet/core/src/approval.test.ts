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

const changes: [string, Partial<ApprovalContent>][] = [
  ['transaction', { transactionId: '01926e6a-0000-7000-8000-000000000009' }],
  ['agent', { agentId: '01926e6a-0000-7000-8000-000000000009' }],
  ['network', { network: 'base-mainnet' }],
  ['sender', { from: '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb' }],
  ['amount', { effects: [{ ...spend, amount: spend.amount + 1n }] }],
  ['recipient', { effects: [{ ...spend, to: '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb' }] }],
  ['token', { effects: [{ ...spend, asset: { ...eth, address: '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb' } }] }],
  ['decimals', { effects: [{ ...spend, asset: { ...eth, decimals: 6 } }] }],
  ['number of effects', { effects: [spend, spend] }],
  ['absence of effects', { effects: [] }],
  ['fee ceiling', { maxFee: content.maxFee + 1n }],
  ['policy version', { policyVersion: 4 }],
  ['expiry', { expiresAt: content.expiresAt + 1 }],
  ['nonce', { nonce: 'm' }],
]

test.each(changes)('another %s is another digest', (_what, change) => {
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

test('a token is told by its address, and a grant without limit as one', () => {
  const token = '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb'
  const grant = { kind: 'grant', asset: { ...eth, address: token }, spender: spend.to } as const
  expect(describeEffect({ ...grant, amount: 10n ** 18n })).toBe(
    `Let ${spend.to} take 1 ETH (1000000000000000000 base units) of token ${token}`,
  )
  expect(describeEffect({ ...grant, amount: (1n << 256n) - 1n })).toContain(`take without limit: `)
  const most = { ...grant, amount: (1n << 64n) - 1n }
  expect(describeEffect(most)).not.toContain('without limit')
  expect(describeEffect({ ...most, asset: { ...most.asset, network: 'solana-local' } })).toContain('without limit')
})
