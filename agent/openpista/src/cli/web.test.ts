import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openpista } from './cli.fixture.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'openpista-web-'))
})
afterEach(() => rmSync(home, { recursive: true }))

const web = (...args: string[]) => openpista(home, ['web', ...args])
const config = () => readFileSync(join(home, 'config.toml'), 'utf8')

test('web setup writes what it is told, keeps the rest of the file, and shows it', async () => {
  writeFileSync(join(home, 'config.toml'), '# mine\n[channels.web]\nport = 1 # odd\n')
  const flags = ['--port', '4567', '--cors-origins', 'https://a.example, http://b.example:8080', '--disable']
  expect(await web('setup', ...flags, '--shared-session-id', 'desk')).toMatchObject({ code: 0, err: '' })
  expect(config()).toContain('# mine\n[channels.web]\n')
  expect(config()).toContain('port = 4567 # odd\n')
  const { out } = await web('setup')
  expect(out).toMatch(
    /enabled: false\nport: 4567\n.*https:\/\/a\.example, http:\/\/b\.example:8080\n.*shared session: desk/s,
  )
  expect(await web('setup', '--cors-origins', '', '--enable')).toMatchObject({ code: 0 })
  expect(config()).toContain('cors_origins = []')
  expect(existsSync(join(home, 'gateway-token'))).toBe(false)
})

test('a token lies in a file of its own, for its owner only, and is printed only when it was made', async () => {
  const given = await web('setup', '--token', 'a-token-of-my-own-1')
  expect(given).toMatchObject({ code: 0 })
  expect(given.out).not.toContain('a-token-of-my-own-1')
  const file = join(home, 'gateway-token')
  expect(readFileSync(file, 'utf8')).toBe('a-token-of-my-own-1\n')
  const { out } = await web('setup', '--regenerate-token')
  const token = readFileSync(file, 'utf8').trim()
  expect(token).not.toBe('a-token-of-my-own-1')
  expect(out).toContain(`shown this once: ${token}\n`)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(existsSync(join(home, 'config.toml'))).toBe(false)
})

test.each([
  [['--port', '0'], 'from 1 to 65535'],
  [['--port', '4e3'], 'from 1 to 65535'],
  [['--enable', '--disable'], 'not both'],
  [['--token', 'a-token-of-my-own-1', '--regenerate-token'], 'not both'],
  [['--token', 'short'], 'at least 16'],
  [['--cors-origins', '*'], 'there is no *'],
  [['--cors-origins', 'https://a.example/path'], 'without a path'],
  [['--static-dir', '/nowhere'], 'no index.html'],
  [['--shared-session-id', 'web:desk'], 'letters, digits'],
])('web setup %j is refused in words, and nothing is written', async (flags, words) => {
  expect(await web('setup', ...flags)).toMatchObject({ code: 1, err: expect.stringContaining(words) })
  expect(existsSync(join(home, 'config.toml'))).toBe(false)
  expect(existsSync(join(home, 'gateway-token'))).toBe(false)
})

test('a token that the configuration names wins, so no other is made', async () => {
  const env = { openpista_WEB_TOKEN: 'from the environment' }
  expect(await openpista(home, ['web', 'setup', '--regenerate-token'], { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining('Take it out first'),
  })
})
