import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { loadSettings } from './config.ts'

const homes: string[] = []
afterEach(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true })
})

function load(toml: string, env: Record<string, string> = {}) {
  const home = mkdtempSync(join(tmpdir(), 'openpista-config-'))
  homes.push(home)
  writeFileSync(join(home, 'config.toml'), toml)
  return { home, settings: loadSettings(undefined, { OPENPISTA_HOME: home, ...env }) }
}

test('without a file everything has its default, below the home folder', () => {
  const { home, settings } = load('')
  expect(settings.config).toMatchObject({
    agent: { provider: 'openai', max_tool_rounds: 10 },
    channels: { cli: { enabled: true }, web: { enabled: true, port: 3210 } },
  })
  expect(settings).toMatchObject({ workspace: join(home, 'workspace'), database: join(home, 'memory.db') })
})

test.each([
  ['openpista_MODEL', 'a-model', (s: ReturnType<typeof loadSettings>) => s.config.agent.model],
  ['OPENPISTA_MODEL', 'a-model', (s: ReturnType<typeof loadSettings>) => s.config.agent.model],
  ['openpista_API_KEY', '123456', (s: ReturnType<typeof loadSettings>) => s.config.agent.api_key],
  ['openpista_BASE_URL', 'http://x/v1', (s: ReturnType<typeof loadSettings>) => s.config.agent.base_url],
  ['openpista_WEB_TOKEN', 'secret', (s: ReturnType<typeof loadSettings>) => s.config.channels.web.token],
  ['OPENPISTA_WEB_PORT', 4000, (s: ReturnType<typeof loadSettings>) => s.config.channels.web.port],
  ['openpista_WORKSPACE', '/tmp/ws', (s: ReturnType<typeof loadSettings>) => s.workspace],
  ['OPENPISTACRAB_WORKSPACE', '/tmp/ws', (s: ReturnType<typeof loadSettings>) => s.workspace],
  ['OPENPISTA_WALLET_URL', 'http://w', (s: ReturnType<typeof loadSettings>) => s.config.wallet.url],
])('%s wins over the file', (variable, value, read) => {
  expect(read(load('[agent]\nmodel = "other"', { [variable]: String(value) }).settings)).toBe(value)
})

test('a typing error is refused with the nearest key', () => {
  expect(() => load('[channels.web]\nprot = 1')).toThrow(
    "unknown key 'channels.web.prot' (did you mean 'channels.web.port'?)",
  )
})

test('~ stands for the home of any user', () => {
  const { settings } = load('[database]\nurl = "~/x.db"\n[skills]\nworkspace = "~/ws"')
  expect(settings).toMatchObject({ database: join(homedir(), 'x.db'), workspace: join(homedir(), 'ws') })
})
