import { createPublicKey, verify } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { base58 } from '@scure/base'
import { keccak256, recoverAddress, toHex } from 'viem/utils'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cheapKdfParams } from './cheap-kdf.fixture.ts'
import { initKeystore, openKeystore } from './keystore.ts'

const root = mkdtempSync(join(tmpdir(), 'keystore-'))
const password = () => Buffer.from('correct horse battery staple')
const folder = join(root, 'keystore')
const open = () => openKeystore(folder, password())
const message = Buffer.from('what is signed')

beforeAll(async () => {
  await initKeystore(folder, password(), cheapKdfParams())
})
afterAll(() => rmSync(root, { recursive: true }))

test('an EVM key signs so that the chain recovers its address', async () => {
  const keystore = await open()
  const key = keystore.createKey('evm')
  for (let round = 0; round < 8; round++) {
    const bytes = Buffer.from(`payment ${round}`)
    const signature = toHex(keystore.sign(key.keyId, bytes))
    expect(await recoverAddress({ hash: keccak256(bytes), signature })).toBe(key.address)
    const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
    expect(BigInt(`0x${signature.slice(66, 130)}`)).toBeLessThanOrEqual(halfOrder)
  }
  keystore.close()
})

test('a Solana key signs so that its address verifies', async () => {
  const keystore = await open()
  const key = keystore.createKey('solana')
  const signature = keystore.sign(key.keyId, message)
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(base58.decode(key.address)).toString('base64url') }
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
  expect(verify(null, message, publicKey, signature)).toBe(true)
  expect(verify(null, Buffer.from('something else'), publicKey, signature)).toBe(false)
  keystore.close()
})

test('keys and secrets outlive the process', async () => {
  const first = await open()
  const key = first.createKey('evm')
  const signature = first.sign(key.keyId, message)
  const secret = first.secret('session.1')
  first.close()
  const second = await open()
  expect(second.sign(key.keyId, message)).toEqual(signature)
  expect(second.secret('session.1')).toEqual(secret)
  expect(second.secret('session.2')).not.toEqual(secret)
  second.close()
})

test('files and folders are the owner’s alone, and a wider mode is refused', async () => {
  const keystore = await open()
  const { keyId } = keystore.createKey('solana')
  keystore.secret('modes')
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const stat = statSync(join(folder, path))
    expect(stat.mode & 0o777, path).toBe(stat.isDirectory() ? 0o700 : 0o600)
  }
  keystore.close()
  chmodSync(join(folder, `${keyId}.json`), 0o644)
  const reopened = await open()
  expect(() => reopened.sign(keyId, message)).toThrow(expect.objectContaining({ code: 'PERMISSIONS_TOO_OPEN' }))
  reopened.close()
  chmodSync(folder, 0o750)
  await expect(open()).rejects.toMatchObject({ code: 'PERMISSIONS_TOO_OPEN' })
  chmodSync(folder, 0o700)
})

test('tells a wrong password from a damaged keystore', async () => {
  await expect(openKeystore(folder, Buffer.from('wrong horse'))).rejects.toMatchObject({
    code: 'INVALID_MASTER_PASSWORD',
  })
  await expect(openKeystore(join(root, 'nowhere'), password())).rejects.toMatchObject({ code: 'KEYSTORE_NOT_FOUND' })
  const header = join(folder, 'keystore.json')
  const intact = readFileSync(header, 'utf8')
  for (const broken of [flipHex(intact, 'ciphertext'), flipHex(intact, 'salt'), intact.slice(0, 50), '']) {
    writeFileSync(header, broken)
    await expect(open()).rejects.toMatchObject({ code: 'KEYSTORE_DAMAGED' })
  }
  writeFileSync(header, intact)
})

test('wipes the password that it was given', async () => {
  const given = password()
  const keystore = await openKeystore(folder, given)
  expect(given.every((byte) => byte === 0)).toBe(true)
  const checked = Buffer.from('not the password')
  expect(await keystore.checkPassword(checked)).toBe(false)
  expect(checked.every((byte) => byte === 0)).toBe(true)
  expect(await keystore.checkPassword(password())).toBe(true)
  keystore.close()
})

test.each(['ciphertext', 'authTag', 'iv', 'publicKey'])(
  'refuses a key whose %s was changed by one bit',
  async (field) => {
    const keystore = await open()
    const { keyId } = keystore.createKey('evm')
    keystore.close()
    const path = join(folder, `${keyId}.json`)
    writeFileSync(path, flipHex(readFileSync(path, 'utf8'), field))
    const reopened = await open()
    expect(() => reopened.sign(keyId, message)).toThrow(expect.objectContaining({ code: 'KEYSTORE_DAMAGED' }))
    reopened.close()
  },
)

test('refuses a key file put in the place of another', async () => {
  const keystore = await open()
  const [victim, other] = [keystore.createKey('evm'), keystore.createKey('evm')]
  keystore.close()
  const path = join(folder, `${victim.keyId}.json`)
  copyFileSync(join(folder, `${other.keyId}.json`), path)
  const reopened = await open()
  expect(() => reopened.sign(victim.keyId, message)).toThrow(expect.objectContaining({ code: 'KEYSTORE_DAMAGED' }))
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll(other.keyId, victim.keyId))
  expect(() => reopened.sign(victim.keyId, message)).toThrow(expect.objectContaining({ code: 'KEYSTORE_DAMAGED' }))
  reopened.close()
})

test.each([
  '../keystore/keystore',
  'keystore',
  '',
  '/etc/passwd',
  'secrets/modes',
  '00000000-0000-4000-8000-000000000000',
])('knows no key called "%s"', async (keyId) => {
  const keystore = await open()
  expect(() => keystore.sign(keyId, message)).toThrow(expect.objectContaining({ code: 'KEY_NOT_FOUND' }))
  keystore.close()
})

test.each(['../x', '', '.hidden', 'a/b', 'UPPER', 'x'.repeat(65)])('refuses a secret called "%s"', async (name) => {
  const keystore = await open()
  expect(() => keystore.secret(name)).toThrow(expect.objectContaining({ code: 'SECRET_NAME_INVALID' }))
  keystore.close()
})

test('signs and makes nothing while halted, also after a restart', async () => {
  const keystore = await open()
  const { keyId } = keystore.createKey('solana')
  keystore.halt()
  const locked = expect.objectContaining({ code: 'KEYSTORE_LOCKED' })
  expect(() => keystore.sign(keyId, message)).toThrow(locked)
  expect(() => keystore.createKey('evm')).toThrow(locked)
  keystore.close()
  const restarted = await open()
  expect(restarted.halted()).toBe(true)
  expect(() => restarted.sign(keyId, message)).toThrow(locked)
  restarted.resume()
  expect(restarted.halted()).toBe(false)
  expect(restarted.sign(keyId, message)).toHaveLength(64)
  restarted.close()
})

test('makes no keystore over another one, and none with a short password', async () => {
  await expect(initKeystore(folder, password(), cheapKdfParams())).rejects.toMatchObject({ code: 'KEYSTORE_EXISTS' })
  await expect(initKeystore(join(root, 'short'), Buffer.from('1234567'), cheapKdfParams())).rejects.toMatchObject({
    code: 'PASSWORD_TOO_SHORT',
  })
})

test('no file holds what it seals', async () => {
  const keystore = await open()
  const secret = Buffer.from(keystore.secret('sealed'))
  keystore.close()
  const text = readFileSync(join(folder, 'secrets', 'sealed.json'), 'latin1')
  expect(text.includes(secret.toString('hex')) || text.includes(secret.toString('base64'))).toBe(false)
})

/** Changes the lowest bit of the last hex digit of a field. */
function flipHex(text: string, field: string): string {
  return text.replace(new RegExp(`("${field}": "(?:0x)?[0-9a-f]*)([0-9a-f])"`), (_, head: string, digit: string) => {
    return `${head}${(Number.parseInt(digit, 16) ^ 1).toString(16)}"`
  })
}

test('a keystore that was closed signs nothing', async () => {
  const keystore = await open()
  const { keyId } = keystore.createKey('solana')
  keystore.close()
  expect(() => keystore.sign(keyId, message)).toThrow('given back')
})
