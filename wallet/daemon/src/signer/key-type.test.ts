import { base58 } from '@scure/base'
import sodium from 'sodium-native'
import { expect, test } from 'vitest'
import { keyTypes } from './key-type.ts'

const hex = (text: string) => Buffer.from(text, 'hex')

// RFC 8032, section 7.1, tests 1 to 3.
test.each([
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
])('signs the ed25519 vector %s', (seed, publicKey, message, signature) => {
  const pair = Buffer.alloc(64)
  const derived = Buffer.alloc(32)
  sodium.crypto_sign_seed_keypair(derived, pair, hex(seed))
  expect(derived.toString('hex')).toBe(publicKey)
  expect(Buffer.from(keyTypes.solana.sign(pair, hex(message))).toString('hex')).toBe(signature)
  expect(keyTypes.solana.address(derived)).toBe(base58.encode(hex(publicKey)))
})

test('signs the example of EIP-155 with the nonce of RFC 6979', () => {
  const secret = Buffer.alloc(32, 0x46)
  const unsigned = hex('ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080')
  expect(Buffer.from(keyTypes.evm.sign(secret, unsigned)).toString('hex')).toBe(
    '28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa63627667cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d8300',
  )
})

test('gives the address of a published key', () => {
  // The first account of the mnemonic "test test … junk", which every local EVM chain funds.
  const publicKey = hex('038318535b54105d4a7aae60c08fc45f9687181b4fdfc625bd1a753fa7397fed75')
  expect(keyTypes.evm.address(publicKey)).toBe('0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266')
})
