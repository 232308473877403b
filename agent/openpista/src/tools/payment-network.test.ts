import { expect, test } from 'vitest'
import { networkFor } from './payment-network.ts'

const key = { id: 'i', address: 'a', publicKey: 'p' }
const wallet = (evm: string[], defaultNetwork: string) => ({
  defaultNetwork,
  wallets: [
    { ...key, chain: 'evm' as const, networks: evm },
    { ...key, chain: 'solana' as const, networks: ['solana-local'] },
  ],
})
const ethereum = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
const solana = 'So11111111111111111111111111111111111111112'

test('the wallet’s own network is taken where the address fits it', () => {
  expect(networkFor(solana, wallet(['evm-local'], 'solana-local'))).toEqual({ network: 'solana-local' })
  expect(networkFor(ethereum, wallet(['base-mainnet', 'evm-local'], 'evm-local'))).toEqual({ network: 'evm-local' })
})

test('an address of the other chain goes to its only network', () => {
  expect(networkFor(ethereum, wallet(['evm-local'], 'solana-local'))).toEqual({ network: 'evm-local' })
})

test('where several networks would do, nothing is guessed', () => {
  const { choose } = networkFor(ethereum, wallet(['base-mainnet', 'polygon-mainnet'], 'solana-local'))
  expect(choose).toContain('base-mainnet, polygon-mainnet')
})

test('what is no address of any chain is left to the wallet to refuse', () => {
  expect(networkFor('bob', wallet(['evm-local'], 'solana-local'))).toEqual({})
})
