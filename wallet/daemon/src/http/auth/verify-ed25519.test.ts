import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { verifyEd25519 } from './verify-ed25519.ts'

const hex = (text: string) => Buffer.from(text, 'hex')
const L = 2n ** 252n + 27742317777372353535851937790883648493n

// RFC 8032, section 7.1, tests 1 to 3: key, message, signature.
const rfc8032 = [
  [
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
] as const

describe.each(rfc8032)('the vector of RFC 8032 with key %s', (key, message, signature) => {
  const verify = (bytes: Uint8Array) => verifyEd25519(bytes, hex(message), hex(key))

  test('is good', async () => {
    expect(await verify(hex(signature))).toBe(true)
  })

  test('is bad with any bit changed, for another message, and for another key', async () => {
    for (const bit of [0, 7, 100, 255, 256, 300, 511]) {
      const changed = hex(signature)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(await verify(changed), `bit ${bit}`).toBe(false)
    }
    expect(await verifyEd25519(hex(signature), hex(`${message}00`), hex(key))).toBe(false)
    const other = rfc8032.find(([each]) => each !== key)![0]
    expect(await verifyEd25519(hex(signature), hex(message), hex(other))).toBe(false)
  })

  test('is bad with the same scalar in another encoding, s + L', async () => {
    const bytes = hex(signature)
    const scalar = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`)
    const same = (scalar + L).toString(16).padStart(64, '0')
    expect(await verify(Buffer.concat([bytes.subarray(0, 32), hex(same).reverse()]))).toBe(false)
  })

  test('is bad when it is cut or has more', async () => {
    expect(await verify(hex(signature).subarray(0, 63))).toBe(false)
    expect(await verify(Buffer.concat([hex(signature), hex('00')]))).toBe(false)
    expect(await verifyEd25519(hex(signature), hex(message), hex(key).subarray(0, 31))).toBe(false)
  })
})

// github.com/novifinancial/ed25519-speccheck, cases.json, the cases of "Taming the many EdDSAs" (SSR 2020):
// what is said of it, key, message, signature, whether strict rules take it.
const speccheck: [string, string, string, string, boolean][] = [
  [
    'small-order key and R',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    '8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000',
    false,
  ],
  [
    'small-order key',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
    false,
  ],
  [
    'small-order R',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    'aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e',
    true,
  ],
  [
    'key and R of mixed order',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    '9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009',
    true,
  ],
  [
    'good by the equation with the cofactor only',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09',
    true,
  ],
  [
    'good only where 8h is not reduced before',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    '21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405',
    true,
  ],
  [
    's above L',
    '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623',
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    'e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514',
    false,
  ],
  [
    's far above L',
    '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623',
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    '8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22',
    false,
  ],
  [
    'R in another encoding',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    'fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607',
    false,
  ],
  [
    'R in another encoding, which is hashed as it is',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    '84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09',
    false,
  ],
]

test.each(speccheck)('%s', async (_, key, message, signature, good) => {
  expect(await verifyEd25519(hex(signature), hex(message), hex(key))).toBe(good)
})

// Encodings of y = p and y = p + 1, and of y = -1 with a sign that nothing has.
const twice = ['ed', 'ee'].map((first) => `${first}${'ff'.repeat(30)}7f`)
const keysOfSmallOrder = [...ED25519_TORSION_SUBGROUP, ...twice, `ec${'ff'.repeat(31)}`]

test.each(keysOfSmallOrder)('the key %s, which fits every message, signs none', async (key) => {
  for (const first of ED25519_TORSION_SUBGROUP) {
    const signature = Buffer.concat([hex(first), Buffer.alloc(32)])
    for (const message of ['', '00', 'transfer everything']) {
      expect(await verifyEd25519(signature, Buffer.from(message), hex(key))).toBe(false)
    }
  }
})

test('some of these would be good by looser rules', () => {
  const lax = ED25519_TORSION_SUBGROUP.filter((key) =>
    ed25519.verify(Buffer.concat([hex(key), Buffer.alloc(32)]), Buffer.from('00'), hex(key), { zip215: true }),
  )
  expect(lax).not.toEqual([])
})
