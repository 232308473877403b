import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { noKeyring } from './auth.fixture.ts'
import { systemKeyring } from './key.ts'
import { keyLogin } from './login.ts'
import { createCredentialStore } from './store.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'openpista-store-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const mode = (name: string) => statSync(join(home, name)).mode & 0o777
const file = (name = 'credentials.toml') => readFileSync(join(home, name), 'utf8')

test('a login is kept encrypted, in files that only the owner can read', async () => {
  const store = createCredentialStore(home, noKeyring)
  await store.save('together', keyLogin('sk-very-secret', 'https://example.com/v1?a="b"'))
  expect(file()).not.toContain('sk-very-secret')
  expect([mode('credentials.toml'), mode('credentials.key')]).toEqual([0o600, 0o600])
  expect(readdirSync(home).toSorted()).toEqual(['credentials.key', 'credentials.toml'])
  const again = createCredentialStore(home, noKeyring)
  expect(await again.read('together')).toEqual(keyLogin('sk-very-secret', 'https://example.com/v1?a="b"'))
  expect(again.list()).toEqual([
    { provider: 'together', kind: 'key', endpoint: 'https://example.com/v1?a="b"', expiresAt: null },
  ])
})

test('a login is taken out alone', async () => {
  const store = createCredentialStore(home, noKeyring)
  await store.save('together', keyLogin('a', null))
  await store.save('openrouter', keyLogin('b', null))
  expect(store.remove('together')).toBe(true)
  expect(store.remove('together')).toBe(false)
  expect(await store.read('together')).toBeUndefined()
  expect((await store.read('openrouter'))?.secrets.token).toBe('b')
})

test('a secret that was changed or moved to another provider is refused', async () => {
  const store = createCredentialStore(home, noKeyring)
  await store.save('together', keyLogin('a', null))
  writeFileSync(join(home, 'credentials.toml'), file().replace('"together"', '"openai"'), { mode: 0o600 })
  await expect(store.read('openai')).rejects.toMatchObject({ code: 'CREDENTIALS_UNREADABLE' })
})

test('a lost key says to sign in again, and signing in makes a new one', async () => {
  const store = createCredentialStore(home, noKeyring)
  await store.save('together', keyLogin('a', null))
  rmSync(join(home, 'credentials.key'))
  await expect(store.read('together')).rejects.toMatchObject({ hint: expect.stringContaining('auth login') })
  await store.save('together', keyLogin('b', null))
  expect((await store.read('together'))?.secrets.token).toBe('b')
})

test('a file that others may read is refused', async () => {
  const store = createCredentialStore(home, noKeyring)
  await store.save('together', keyLogin('a', null))
  chmodSync(join(home, 'credentials.toml'), 0o644)
  expect(() => store.list()).toThrow(expect.objectContaining({ code: 'PERMISSIONS_TOO_OPEN' }))
})

test('with a keyring the key lies there and in no file', async () => {
  const bin = join(home, 'bin')
  mkdirSync(bin)
  const tool = `#!/bin/sh\nif [ "$1" = store ]; then cat > '${bin}/kept'; else cat '${bin}/kept'; fi\n`
  writeFileSync(join(bin, 'secret-tool'), tool, { mode: 0o755 })
  const keyring = systemKeyring({ PATH: `${bin}:${process.env.PATH}` })
  const store = createCredentialStore(home, keyring)
  await store.save('together', keyLogin('a', null))
  expect(store.keyPlace()).toBe('keyring')
  expect(readdirSync(home).toSorted()).toEqual(['bin', 'credentials.toml'])
  expect((await createCredentialStore(home, keyring).read('together'))?.secrets.token).toBe('a')
  await expect(createCredentialStore(home, noKeyring).read('together')).rejects.toMatchObject({
    code: 'CREDENTIALS_UNREADABLE',
  })
})

test('a keyring that does not answer is none', async () => {
  const bin = join(home, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'secret-tool'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  const store = createCredentialStore(home, systemKeyring({ PATH: `${bin}:${process.env.PATH}` }))
  await store.save('together', keyLogin('a', null))
  expect(store.keyPlace()).toBe('file')
})
