import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { expect, test } from 'vitest'
import { formsOf, searchMemory } from '../testing/search-memory.ts'
import { loadSecp256k1 } from './secp256k1.ts'

const curve = loadSecp256k1()
const hex = (text: string) => Buffer.from(text.padStart(64, '0'), 'hex')
const LARGEST = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140'

test('signs as another implementation of RFC 6979 with low s, bit for bit', () => {
  const cases = [hex('1'), hex(LARGEST), ...Array.from({ length: 100 }, () => randomBytes(32))].map((secret) => {
    return [secret, randomBytes(32)] as const
  })
  for (const [secret, hash] of [...cases, [hex('1'), Buffer.alloc(32)] as const]) {
    const expected = secp256k1.sign(hash, secret, { prehash: false, lowS: true, format: 'recovered' })
    const ours = curve.sign(secret, hash)
    expect(Buffer.from([ours[64]!, ...ours.subarray(0, 64)])).toEqual(Buffer.from(expected))
    expect(Buffer.from(curve.publicKey(secret)!)).toEqual(Buffer.from(secp256k1.getPublicKey(secret, true)))
  }
})

test('what is no secret key has no public key and signs nothing', () => {
  const order = `${LARGEST.slice(0, -1)}1`
  for (const secret of [hex('0'), hex(order), hex('f'.repeat(64)), randomBytes(31), Buffer.alloc(0)]) {
    expect(curve.publicKey(secret)).toBeUndefined()
    expect(() => curve.sign(secret, Buffer.alloc(32))).toThrow(TypeError)
  }
  expect(() => curve.sign(hex('1'), Buffer.alloc(31))).toThrow(TypeError)
})

/** Signs with a key that lies in guarded memory and nowhere else, then says so and waits. */
const CHILD = `
  import sodium from 'sodium-native'
  import { keyTypes } from '${join(import.meta.dirname, 'key-type.ts')}'
  const secret = sodium.sodium_malloc(32)
  sodium.crypto_generichash(secret, Buffer.from(process.argv.at(-1)))
  for (let number = 0; number < 500; number++) keyTypes.evm.sign(secret, Buffer.from([number & 255, number >> 8]))
  keyTypes.evm.derive(secret)
  sodium.sodium_mprotect_noaccess(secret)
  console.log('signed')
  setInterval(() => {}, 1000)
`

test('after 500 signatures the key is nowhere in the memory of the process, in no form', async () => {
  const label = randomBytes(8).toString('hex')
  const secret = Buffer.from(
    execFileSync(process.execPath, ['--input-type=module', '-e', SECRET, label], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    }),
    'hex',
  )
  const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, label], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await once(child.stdout, 'data')
    const needles = new Map([...formsOf('evm', secret), ['reversed', Buffer.from(secret).reverse()]])
    // That the search finds what is there is shown by what must be there.
    expect(searchMemory(child.pid!, new Map([['label', Buffer.from(label)]])).get('label')).toBeGreaterThan(0)
    expect(searchMemory(child.pid!, needles)).toEqual(new Map())
  } finally {
    child.kill()
    await once(child, 'close')
  }
})

const SECRET = `
  import sodium from 'sodium-native'
  const secret = Buffer.alloc(32)
  sodium.crypto_generichash(secret, Buffer.from(process.argv.at(-1)))
  console.log(secret.toString('hex'))
`
