import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeIdentity, startFakeIdentity } from '@openpista/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { authConfig } from '../auth/auth.fixture.ts'
import { openpista } from './cli.fixture.ts'

let home: string
let service: FakeIdentity
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'openpista-cli-'))
  service = await startFakeIdentity()
  const lines = Object.entries(authConfig(service)).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
  writeFileSync(join(home, 'config.toml'), `[auth]\n${lines.join('\n')}\n`)
})
afterEach(async () => {
  await service.close()
  rmSync(home, { recursive: true, force: true })
})

/** Goes to the address once it is printed, and types what the page shows. */
function atTheBrowser() {
  let gone = false
  return (out: string, type: (text: string) => void) => {
    const address = /^https?:\S+\n/m.exec(out)?.[0].trim()
    if (address === undefined || gone) return
    gone = true
    void service.approve(address).then(({ pasted }) => {
      if (pasted !== null) type(`${pasted}\n`)
    })
  }
}

test('a key given by option is kept, shown without its secret, and forgotten', async () => {
  const kept = await openpista(home, ['auth', 'login', '-p', 'together', '--api-key', 'sk-secret'])
  expect(kept).toMatchObject({ code: 0, out: expect.stringContaining('Signed in to Together AI') })
  const status = await openpista(home, ['auth', 'status'])
  expect(status).toMatchObject({ code: 0, out: expect.stringMatching(/together: key\n.*not against a program/s) })
  const entries = readdirSync(home, { recursive: true, withFileTypes: true })
  for (const { name, parentPath } of entries.filter((entry) => entry.isFile())) {
    const file = join(parentPath, name)
    expect(readFileSync(file, 'utf8')).not.toContain('sk-secret')
    if (name.startsWith('credentials')) expect(statSync(file).mode & 0o777).toBe(0o600)
  }
  expect(status.out + status.err + kept.out).not.toContain('sk-secret')
  expect(await openpista(home, ['auth', 'logout', '-p', 'together'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/Signed out/),
  })
  expect((await openpista(home, ['auth', 'status'])).out).toContain('No logins')
})

test('without questions the key comes from the environment, or the command fails in words', async () => {
  const args = ['auth', 'login', '-p', 'google', '--non-interactive']
  expect(await openpista(home, args)).toMatchObject({ code: 1, err: expect.stringContaining('GOOGLE_API_KEY') })
  expect(await openpista(home, args, { env: { GOOGLE_API_KEY: 'k' } })).toMatchObject({ code: 0 })
})

test('a service with an own address for each customer wants it', async () => {
  const args = ['auth', 'login', '-p', 'azure-openai', '--api-key', 'k', '--non-interactive']
  expect(await openpista(home, args)).toMatchObject({ code: 1, err: expect.stringContaining('--endpoint') })
  expect(await openpista(home, [...args, '--endpoint', 'https://me.openai.azure.com'])).toMatchObject({ code: 0 })
})

test('a key can be piped in', async () => {
  expect(await openpista(home, ['auth', 'login', '-p', 'together'], { input: 'piped-key\n' })).toMatchObject({
    code: 0,
  })
})

test.each([
  ['openai', 'openai: key, good until'],
  ['openrouter', 'openrouter: key'],
])('%s signs in through the browser', async (provider, shown) => {
  const args = ['auth', 'login', '-p', provider, '--port', '0']
  expect(await openpista(home, args, { onOutput: atTheBrowser() })).toMatchObject({ code: 0 })
  expect((await openpista(home, ['auth', 'status'])).out).toContain(shown)
})

test("Anthropic's code is pasted, and the risk is said first", async () => {
  const ended = await openpista(home, ['auth', 'login', '-p', 'claude', '--browser'], { onOutput: atTheBrowser() })
  expect(ended).toMatchObject({
    code: 0,
    out: expect.stringMatching(/Warning: Anthropic's terms do not allow.*https?:/s),
  })
})

test("Anthropic's subscription is not signed in to unless that is asked for", async () => {
  const ended = await openpista(home, ['auth', 'login', '-p', 'anthropic'], { input: 'sk-ant-api03-x\n' })
  expect(ended).toMatchObject({ code: 0, out: expect.not.stringContaining('Warning') })
  expect(service.count('authorize')).toBe(0)
  expect((await openpista(home, ['auth', 'status'])).out).toContain('anthropic: key')
})

test('Copilot signs in by a code', async () => {
  const onOutput = (out: string) => service.confirmDevice(/[0-9A-F]{4}-[0-9A-F]{4}/.exec(out)?.[0] ?? '')
  expect(await openpista(home, ['auth', 'login', '-p', 'github-copilot'], { onOutput })).toMatchObject({ code: 0 })
})

test('an unknown service names the known ones; a bad number its option', async () => {
  expect(await openpista(home, ['auth', 'login', '-p', 'opnai'])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/openrouter/),
  })
  const args = ['auth', 'login', '-p', 'openai', '--timeout', 'soon']
  expect(await openpista(home, args)).toMatchObject({ code: 1, err: expect.stringContaining('--timeout') })
})

test('a login that nobody finishes ends in time', async () => {
  const args = ['auth', 'login', '-p', 'openai', '--port', '0', '--timeout', '1']
  expect(await openpista(home, args)).toMatchObject({ code: 1, err: expect.stringContaining('in time') })
})
