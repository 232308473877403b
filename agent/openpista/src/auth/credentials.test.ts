import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type AuthBench, authConfig, oauthLogin, person, startAuthBench } from './auth.fixture.ts'
import { keyLogin, loginByBrowser } from './login.ts'

let bench: AuthBench
beforeEach(async () => {
  bench = await startAuthBench()
})
afterEach(async () => await bench.close())

const nothing = { configured: '', environment: '' }

async function signIn(provider: string): Promise<string> {
  const willing = person(async (address) => (await bench.service.approve(address)).pasted)
  const answer = await loginByBrowser(bench.identity(provider), willing, {
    port: 0,
    signal: AbortSignal.timeout(5_000),
  })
  if (!answer.ok) throw new Error(answer.message)
  await bench.store.save(provider, answer.value)
  return answer.value.secrets.token
}

async function token(provider: string, keys = nothing): Promise<string> {
  const result = await bench.credentials.resolve(provider, keys)
  return result.ok ? result.credential.token : `refused: ${result.message} ${result.hint}`
}

test('the configured key goes first, then the login, then the environment', async () => {
  expect(await token('together')).toBe('')
  expect(await token('together', { configured: '', environment: 'env' })).toBe('env')
  await bench.store.save('together', keyLogin('stored', null))
  expect(await token('together', { configured: '', environment: 'env' })).toBe('stored')
  expect(await token('together', { configured: 'configured', environment: 'env' })).toBe('configured')
})

test.each([
  ['openai', 'openai.refresh'],
  ['anthropic', 'anthropic.refresh'],
  ['github-copilot', 'copilot.token'],
] as const)('%s is renewed five minutes before its end, not earlier', async (provider, step) => {
  const first = await signIn(provider)
  const before = bench.service.count(step)
  bench.wait(3600 - 310)
  expect(await token(provider)).toBe(first)
  expect(bench.service.count(step)).toBe(before)
  bench.wait(20)
  const second = await token(provider)
  expect(bench.service.refused).toEqual([])
  expect(second).not.toBe(first)
  expect(bench.service.count(step)).toBe(before + 1)
  expect((await bench.store.read(provider))?.secrets.token).toBe(second)
})

test('twenty requests at once renew a login once and get the same token', async () => {
  await signIn('anthropic')
  bench.wait(3400)
  const all = await Promise.all(Array.from({ length: 20 }, () => token('anthropic')))
  expect(new Set(all).size).toBe(1)
  expect(bench.service.count('anthropic.refresh')).toBe(1)
})

test('a renewal that fails keeps the old token until it ends, then says how to sign in', async () => {
  const first = await signIn('anthropic')
  bench.service.fail('anthropic.refresh', { status: 503, body: {} })
  bench.wait(3400)
  expect(await token('anthropic')).toBe(first)
  expect((await bench.store.read('anthropic'))?.secrets.token).toBe(first)
  bench.wait(400)
  bench.service.fail('anthropic.refresh', { status: 400, body: { error: 'invalid_grant' } })
  expect(await token('anthropic')).toMatch(/has ended.*invalid_grant.*openpista auth login -p anthropic/)
  expect(await token('anthropic')).not.toBe(first)
})

test('a login that has ended gives way to a key in the environment', async () => {
  await bench.store.save('anthropic', oauthLogin(bench.now() - 10, 'gone'))
  expect(await token('anthropic', { configured: '', environment: 'env' })).toBe('env')
  expect(await token('anthropic')).toMatch(/refused: /)
})

test('the renewal of OpenAI exchanges the new id token again', async () => {
  await signIn('openai')
  bench.wait(3400)
  const renewed = await token('openai')
  expect(renewed).toMatch(/^sk-/)
  expect(bench.service.count('openai.exchange')).toBe(2)
})

test('a GitHub token in the environment is exchanged once for a session of Copilot', async () => {
  await signIn('github-copilot')
  const github = (await bench.store.read('github-copilot'))!.secrets.refreshToken!
  bench.store.remove('github-copilot')
  const before = bench.service.count('copilot.token')
  const keys = { configured: '', environment: github }
  const [first, second] = [await token('github-copilot', keys), await token('github-copilot', keys)]
  expect(first).toMatch(/^tid=/)
  expect(second).toBe(first)
  expect(bench.service.count('copilot.token')).toBe(before + 1)
  expect(await token('github-copilot', { configured: '', environment: 'tid=9' })).toBe('tid=9')
})

test('killed between renewal and writing, the store is whole and the end is said in words', async () => {
  const first = await signIn('anthropic')
  const path = join(bench.home, 'credentials.toml')
  const before = readFileSync(path, 'utf8')
  const release = bench.service.hold('anthropic.refresh')
  const child = spawn(process.execPath, ['--input-type=module', '-e', RENEW], {
    env: { HOME_DIR: bench.home, CONFIG: JSON.stringify(authConfig(bench.service)), SRC: import.meta.dirname },
    stdio: 'inherit',
  })
  await expect.poll(() => bench.service.count('anthropic.refresh')).toBe(1)
  child.kill('SIGKILL')
  await once(child, 'exit')
  release()
  expect(readFileSync(path, 'utf8')).toBe(before)
  bench.wait(3400)
  expect(await token('anthropic')).toBe(first)
  bench.wait(400)
  expect(await token('anthropic')).toMatch(/Refresh token not found.*openpista auth login -p anthropic/)
})

/** Another process whose clock stands shortly before the login's end. */
const RENEW = `
const { SRC, HOME_DIR, CONFIG } = process.env
const { createIdentities } = await import(SRC + '/identities.ts')
const { createCredentialStore } = await import(SRC + '/store.ts')
const { createCredentials } = await import(SRC + '/credentials.ts')
const now = () => Math.floor(Date.now() / 1000) + 3400
const keyring = { lookup: async () => undefined, store: async () => false }
const store = createCredentialStore(HOME_DIR, keyring)
const identities = createIdentities({ config: JSON.parse(CONFIG), clientId: '', now })
await createCredentials({ store, identities, now }).resolve('anthropic', { configured: '', environment: '' })
`
