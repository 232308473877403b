import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Config, loadSettings } from './config.ts'
import { environmentKeys } from './config-keys.ts'

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

/** A value for each key that a variable can give; a text that looks like a number stays as it was written. */
const GIVEN: Record<string, string> = { 'channels.web.port': '4000' }
const variables = Object.entries(environmentKeys(Config)).flatMap(([name, path]) =>
  [...new Set([name, name.toUpperCase()])].map((variable) => ({ variable, path })),
)

test.each(variables)('$variable wins over the file for $path', ({ variable, path }) => {
  const given = GIVEN[path] ?? '00123'
  const { settings } = load(toml(path, GIVEN[path] ?? '"other"'), { [variable]: given })
  expect(
    String(path.split('.').reduce((at: unknown, name) => (at as Record<string, unknown>)[name], settings.config)),
  ).toBe(given)
})

function toml(path: string, value: string): string {
  const [name, ...table] = path.split('.').reverse()
  return `[${table.reverse().join('.')}]\n${name} = ${value}\n`
}

test('the variables that people know are there', () => {
  expect(Object.keys(environmentKeys(Config)).sort()).toEqual([
    'OPENPISTACRAB_WORKSPACE',
    'openpista_API_KEY',
    'openpista_BASE_URL',
    'openpista_MODEL',
    'openpista_OAUTH_CLIENT_ID',
    'openpista_OLLAMA_URL',
    'openpista_PROVIDER',
    'openpista_WALLET_TOKEN_FILE',
    'openpista_WALLET_URL',
    'openpista_WEB_PORT',
    'openpista_WEB_TOKEN',
    'openpista_WORKSPACE',
  ])
})

test.each([
  ['[chanels.web]\nport = 1', "unknown key 'chanels' (did you mean 'channels'?)"],
  ['[agent]\nmodle = "x"', "unknown key 'agent.modle' (did you mean 'agent.model'?)"],
  ['[channels.web]\nprot = 1', "unknown key 'channels.web.prot' (did you mean 'channels.web.port'?)"],
  ['[wallet]\nbase_url = "x"', "unknown key 'wallet.base_url' (did you mean 'agent.base_url'?)"],
  [
    '[[approvals.rules]]\nname = "x"\ndecision = "ask"\ncomand = ["ls"]',
    "unknown key 'approvals.rules.0.comand' (did you mean 'approvals.rules.command'?)",
  ],
  [
    '[[containers.images]]\nname = "x"\nimage = "x"\nmemory = 1',
    "unknown key 'containers.images.0.memory' (did you mean 'containers.images.memory_mb'?)",
  ],
  ['[agent]\nxyzzyxyzzy = 1', "unknown key 'agent.xyzzyxyzzy'"],
])('a typing error at any depth is refused with the nearest key: %j', (text, words) => {
  expect(() => load(text)).toThrow(words)
})

test.each([
  ['[channels.web]\nport = "many"', 'channels.web.port: Invalid input: expected number, received string'],
  ['[agent]\nmodel = 5', 'agent.model: Invalid input: expected string, received number'],
  ['[agent]\nrecord = "yes"', 'agent.record: Invalid input: expected boolean, received string'],
  ['[executor]\nwritable = "/x"', 'executor.writable: Invalid input: expected array, received string'],
  ['agent = 1', 'agent: Invalid input: expected a table, received number'],
  ['[executor]\nkind = "chroot"', 'executor.kind: Invalid option: expected one of "auto"|"host"|"bubblewrap"|"docker"'],
  [
    '[[approvals.rules]]\nname = 1\ndecision = "ask"',
    'approvals.rules.0.name: Invalid input: expected string, received number',
  ],
])('a value of the wrong type names key, found and expected: %j', (text, words) => {
  expect(() => load(text)).toThrow(words)
})

test('a wrong secret is not repeated in the refusal', () => {
  expect(() => load('[agent]\napi_key = ["sk-secret"]')).toThrow(/^(?!.*sk-secret).*agent\.api_key/)
})

test('~ stands for the home of any user', () => {
  const { settings } = load('[database]\nurl = "~/x.db"\n[skills]\nworkspace = "~/ws"')
  expect(settings).toMatchObject({ database: join(homedir(), 'x.db'), workspace: join(homedir(), 'ws') })
})

test('a wrong value of a variable is told as such', () => {
  expect(() => load('', { OPENPISTA_WEB_PORT: 'abc' })).toThrow(
    'OPENPISTA_WEB_PORT in the environment, channels.web.port: Invalid input: expected number',
  )
})

test('a file that was named and is not there, and a home that is a file, are refused', () => {
  const { home } = load('')
  expect(() => loadSettings(join(home, 'none.toml'), { OPENPISTA_HOME: home })).toThrow('There is no file')
  expect(() => loadSettings(undefined, { OPENPISTA_HOME: join(home, 'config.toml') })).toThrow('is no folder')
})
