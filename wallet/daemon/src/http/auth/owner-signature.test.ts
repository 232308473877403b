import { secp256k1 } from '@noble/curves/secp256k1.js'
import { formatSignIn, type SignIn } from '@waiaas/core'
import { describe, expect, test } from 'vitest'
import { type OwnerProof, verifyOwnerSignature } from './owner-signature.ts'

const N = secp256k1.Point.Fn.ORDER
const P = secp256k1.Point.Fp.ORDER

// EIP-712, the example `Mail` and its signature (assets/eip-712/Example.js of the standard).
const mail: OwnerProof = {
  scheme: 'eip712',
  ownerAddress: '0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826',
  signature:
    '0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c',
  message: JSON.stringify({
    types: {
      EIP712Domain: [
        { name: 'name', type: 'string' },
        { name: 'version', type: 'string' },
        { name: 'chainId', type: 'uint256' },
        { name: 'verifyingContract', type: 'address' },
      ],
      Person: [
        { name: 'name', type: 'string' },
        { name: 'wallet', type: 'address' },
      ],
      Mail: [
        { name: 'from', type: 'Person' },
        { name: 'to', type: 'Person' },
        { name: 'contents', type: 'string' },
      ],
    },
    primaryType: 'Mail',
    domain: {
      name: 'Ether Mail',
      version: '1',
      chainId: 1,
      verifyingContract: '0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC',
    },
    message: {
      from: { name: 'Cow', wallet: '0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826' },
      to: { name: 'Bob', wallet: '0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB' },
      contents: 'Hello, Bob!',
    },
  }),
}

// github.com/spruceid/siwe, test/verification_positive.json.
const login = {
  family: 'evm',
  domain: 'login.xyz',
  statement: 'Sign-In With Ethereum Example Statement',
  uri: 'https://login.xyz',
  version: '1',
  chainId: '1',
} as const
const signIns: [string, SignIn, string][] = [
  [
    'example message',
    {
      ...login,
      address: '0x9D85ca56217D2bb651b00f15e694EB7E713637D4',
      nonce: 'bTyXgcQxn2htgkjJn',
      issuedAt: '2022-01-27T17:09:38.578Z',
      expirationTime: '2100-01-07T14:31:43.952Z',
    },
    '0xdc35c7f8ba2720df052e0092556456127f00f7707eaa8e3bbff7e56774e7f2e05a093cfc9e02964c33d86e8e066e221b7d153d27e5a2e97ccd5ca7d3f2ce06cb1b',
  ],
  [
    'expired message',
    {
      ...login,
      address: '0x2ecA0068307e706741445764A3D6A4402aC2A5a9',
      nonce: 'lx2nx4so',
      issuedAt: '2022-01-05T14:27:30.883Z',
      expirationTime: '2021-01-05T00:00:00Z',
    },
    '0x7337bc2826c7678cd6bc84f5b3b236efc969b0451f9feca2328b1d3401b030c113f19bdba359ba3f52762c66e9147311fa95fe598a1a4ec9bb383a7b4e3874241b',
  ],
]
const endless: [string, SignIn, string][] = [
  [
    'not yet valid',
    {
      ...login,
      address: '0xE6D3Aa1F561A215E5eb1f02Ba8705385F03fCaFB',
      nonce: 'lx2nx4so',
      issuedAt: '2022-01-05T14:27:30.883Z',
      notBefore: '2100-01-07T14:31:43.952Z',
    },
    '0xc2539ace78f13c7eb8c0852d38d269a6f97bebd9f7872097d2e3137b541f8bf50176062a46eeea83086bd2721423fb5755a932ff6ccc046ed482d14e4576042f1c',
  ],
  [
    'recovery byte starting at 0',
    {
      ...login,
      domain: 'www.tally.xyz',
      uri: 'https://tally.xyz',
      address: '0xc95EB884FE852e241D409234bfC7045CB9E31BD7',
      statement: 'Sign in with Ethereum to Tally',
      nonce: '15050747',
      issuedAt: '2022-06-30T14:08:51.382Z',
    },
    '0x8c46b6eb8505939892d8e9b075f89f8277321b17b993151f37810cdda38cce6f4a85909d2b53e6a14629c74c0ac38bf4becde78ee5b2529812bf6cceaf7b2a2501',
  ],
]
const proofOf = (signIn: SignIn, signature: string): OwnerProof => {
  return { scheme: 'siwe', message: formatSignIn(signIn), ownerAddress: signIn.address, signature }
}
const verify = (proof: OwnerProof) => verifyOwnerSignature(proof, undefined)

test.each(signIns)('takes the published sign-in: %s', async (_, signIn, signature) => {
  expect(await verify(proofOf(signIn, signature))).toBe(true)
  expect(await verify(proofOf({ ...signIn, nonce: 'another0' }, signature))).toBe(false)
  expect(await verify({ ...proofOf(signIn, signature), ownerAddress: mail.ownerAddress })).toBe(false)
})

test.each(endless)('takes no sign-in without an end, as published: %s', async (_, signIn, signature) => {
  expect(await verify(proofOf(signIn, signature))).toBe(false)
})

test('takes the typed data of the standard, and nothing that differs in one field', async () => {
  expect(await verify(mail)).toBe(true)
  for (const [from, to] of [
    ['Hello, Bob!', 'Hello, Bob?'],
    ['"chainId":1', '"chainId":2'],
    ['"version":"1"', '"version":"2"'],
    ['Ether Mail', 'Ether Nail'],
    ['bBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB', 'CD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826'],
  ] as const) {
    const message = mail.message.replace(from, to)
    expect(message).not.toBe(mail.message)
    expect(await verify({ ...mail, message })).toBe(false)
  }
})

const [, published, good] = signIns[0]!
const word = (value: bigint) => value.toString(16).padStart(64, '0')

describe.each([
  ['typed data', mail],
  ['a sign-in', proofOf(published, good)],
])('of the signatures over %s', (_, proof) => {
  const [r, s] = [BigInt(proof.signature.slice(0, 66)), BigInt(`0x${proof.signature.slice(66, 130)}`)]
  const v = Number.parseInt(proof.signature.slice(130), 16)
  const signed = (parts: { r?: bigint; s?: bigint; v?: number }) => {
    const tail = (parts.v ?? v).toString(16).padStart(2, '0')
    return verify({ ...proof, signature: `0x${word(parts.r ?? r)}${word(parts.s ?? s)}${tail}` })
  }
  const flipped = 55 - v

  test('the recovery id may begin at 27 or at 0', async () => {
    expect([await signed({}), await signed({ v: v - 27 })]).toEqual([true, true])
  })

  test.each<[string, Parameters<typeof signed>[0]]>([
    ['the high s, which EIP-2 forbids', { s: N - s, v: flipped }],
    ['the high s with the same recovery id', { s: N - s }],
    ['the other recovery id', { v: flipped }],
    ['r zero', { r: 0n }],
    ['s zero', { s: 0n }],
    ['r and s zero', { r: 0n, s: 0n }],
    ['r the order', { r: N }],
    ['s the order', { s: N }],
    ['r above the order', { r: r + N < 2n ** 256n ? r + N : 2n ** 256n - 1n }],
    ['r the prime', { r: P }],
    ['r with no point', { r: 5n }],
    ['all bits set', { r: 2n ** 256n - 1n, s: 2n ** 256n - 1n }],
    ['recovery id 2', { v: 2 }],
    ['recovery id 26', { v: 26 }],
    ['recovery id 29', { v: 29 }],
    ['the recovery id of EIP-155', { v: 37 }],
    ['recovery id 255', { v: 255 }],
  ])('not with %s', async (_name, parts) => {
    expect(await signed(parts)).toBe(false)
  })

  test.each([
    ['cut to 64 bytes, as in EIP-2098', proof.signature.slice(0, 130)],
    ['with a byte more', `${proof.signature}00`],
    ['without 0x', proof.signature.slice(2)],
    ['empty', '0x'],
    ['no hex', `${proof.signature.slice(0, -1)}g`],
  ])('not when it is %s', async (_name, signature) => {
    expect(await verify({ ...proof, signature })).toBe(false)
  })
})
