import { expect, test } from 'vitest'
import { checksumAddress, looksAlike, parseAddress } from './index.ts'

// The examples of EIP-55.
const eip55 = [
  '0x52908400098527886E0F7030069857D2E4169EE7',
  '0x8617E340B3D01FA5F11F306F4090FD50E238070D',
  '0xde709f2102306220921060314715629080e2fb77',
  '0x27b1fdb04752bbc536007a920d24acb045561c26',
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
  '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
]

test.each(eip55)('%s is its own checksum form', (address) => {
  expect(checksumAddress(address.toLowerCase())).toBe(address)
  expect(parseAddress('evm', address)).toEqual({ ok: true, address })
  expect(parseAddress('evm', address.toLowerCase())).toEqual({ ok: true, address })
})

test('one letter in the wrong case is refused', () => {
  expect(parseAddress('evm', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed')).toEqual({
    ok: false,
    fault: 'checksum does not match',
  })
})

test.each([
  '',
  '0x',
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe',
  'So11111111111111111111111111111111111111112',
  '0xzz908400098527886E0F7030069857D2E4169EE7',
])('%j is no EVM address', (text) => {
  expect(parseAddress('evm', text)).toEqual({ ok: false, fault: 'not an EVM address' })
})

test('a Solana address is base58 of 32 bytes and keeps its case', () => {
  const address = 'So11111111111111111111111111111111111111112'
  expect(parseAddress('solana', address)).toEqual({ ok: true, address })
  for (const bad of ['', '1', address.slice(1), `${address}1`, address.replace('S', '0'), eip55[0]!, '1'.repeat(200)]) {
    expect(parseAddress('solana', bad)).toEqual({ ok: false, fault: 'not a Solana address' })
  }
})

test('look-alikes share the first and last four characters and are not the same address', () => {
  const known = '0x1234aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa5678'
  expect(looksAlike(known, '0x1234bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb5678')).toBe(true)
  expect(looksAlike(known, known.toUpperCase().replace('0X', '0x'))).toBe(false)
  expect(looksAlike(known, '0x1235bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb5678')).toBe(false)
  expect(
    looksAlike('So11aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1112', 'So11bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb1112'),
  ).toBe(true)
})
