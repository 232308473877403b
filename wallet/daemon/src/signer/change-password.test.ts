import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { changePassword } from './change-password.ts'
import { cheapKdfParams } from './cheap-kdf.fixture.ts'
import { initKeystore, openKeystore } from './keystore.ts'
import { settleKeystore } from './settle-keystore.ts'

const root = mkdtempSync(join(tmpdir(), 'change-password-'))
const original = join(root, 'original')
const message = Buffer.from('what is signed')
const oldPassword = () => Buffer.from('the old password')
const newPassword = () => Buffer.from('the new password')
type Made = { keys: string[]; signatures: Uint8Array[]; secret: Uint8Array }
let made: Made

beforeAll(async () => {
  await initKeystore(original, oldPassword(), cheapKdfParams())
  const keystore = await openKeystore(original, oldPassword())
  const keys = (['evm', 'solana'] as const).map((chain) => keystore.createKey(chain).keyId)
  keystore.signCheckpoint({ seq: 7, hash: 'ab'.repeat(32), at: 1 })
  made = { keys, signatures: keys.map((key) => keystore.sign(key, message)), secret: keystore.secret('session') }
  keystore.halt()
  keystore.close()
})
afterAll(() => rmSync(root, { recursive: true }))

function copy(name: string): string {
  const folder = join(root, name, 'keystore')
  cpSync(original, folder, { recursive: true })
  for (const path of [folder, join(folder, 'secrets')]) chmodSync(path, 0o700)
  return folder
}

/** Opens with the password and uses everything that is sealed. */
async function expectWhole(folder: string, password: Buffer): Promise<void> {
  const keystore = await openKeystore(folder, password)
  expect(keystore.halted()).toBe(true)
  keystore.resume()
  expect(made.keys.map((key) => keystore.sign(key, message))).toEqual(made.signatures)
  expect(keystore.secret('session')).toEqual(made.secret)
  expect(keystore.deriveAll().map(({ keyId }) => keyId)).toEqual([...made.keys].sort())
  expect(keystore.lastCheckpoint()).toMatchObject({ seq: 7, checkpoints: 1 })
  keystore.close()
}

test('the new password opens everything, the old one nothing, and nothing of the old sealing is left', async () => {
  const folder = copy('done')
  const given = [oldPassword(), newPassword()] as const
  await changePassword({ folder, oldPassword: given[0], newPassword: given[1], onStep: () => {} })
  expect(given.every((password) => password.every((byte) => byte === 0))).toBe(true)
  await expect(openKeystore(folder, oldPassword())).rejects.toMatchObject({ code: 'INVALID_MASTER_PASSWORD' })
  const salts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json') && name !== 'audit.json')
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).crypto.kdfparams.salt)
  expect(new Set(salts).size).toBe(1)
  expect(readFileSync(join(original, 'keystore.json'), 'utf8')).not.toContain(salts[0])
  expect(readdirSync(join(root, 'done'))).toEqual(['keystore'])
  await expectWhole(folder, newPassword())
})

test('a wrong or a short password changes nothing', async () => {
  const folder = copy('refused')
  const attempt = (old: string, next: string) =>
    changePassword({ folder, oldPassword: Buffer.from(old), newPassword: Buffer.from(next), onStep: () => {} })
  await expect(attempt('not the password', 'a new password')).rejects.toMatchObject({ code: 'INVALID_MASTER_PASSWORD' })
  await expect(attempt('the old password', 'short')).rejects.toMatchObject({ code: 'PASSWORD_TOO_SHORT' })
  await expectWhole(folder, oldPassword())
})

test('killed after any step, the keystore opens whole with the old password or the new one', async () => {
  const opened: string[] = []
  for (let step = 1; ; step++) {
    const folder = copy(`killed-${step}`)
    const script = join(import.meta.dirname, 'change-password.fixture.ts')
    const args = [script, folder, 'the old password', 'the new password', String(step)]
    const { signal, status } = spawnSync(process.execPath, args)
    if (signal === null) {
      expect(status).toBe(0)
      break
    }
    settleKeystore(folder)
    const isOld = await openKeystore(folder, oldPassword()).then(
      (keystore) => {
        keystore.close()
        return true
      },
      (error) => {
        expect(error.code).toBe('INVALID_MASTER_PASSWORD')
        return false
      },
    )
    opened.push(isOld ? 'old' : 'new')
    await expectWhole(folder, isOld ? oldPassword() : newPassword())
    expect(readdirSync(join(root, `killed-${step}`))).toEqual(['keystore'])
  }
  expect(opened.join(' ')).toMatch(/^(old ){4,}new new new$/)
})
