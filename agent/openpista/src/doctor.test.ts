import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createLogger } from '@openpista/common'
import { afterEach, expect, test } from 'vitest'
import { openpista } from './cli/cli.fixture.ts'
import { examine, type Finding } from './doctor.ts'
import { appendAudit } from './store/audit.ts'
import { openStore } from './store/store.ts'
import { buildOlderDatabase } from './testing/older-database.ts'
import { startFakeWallet } from './wallet/testing/fake-wallet.ts'

const homes: string[] = []
afterEach(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true })
})

const QUIET = `[agent]
ollama_url = ""
[executor]
kind = "host"
[browser]
enabled = false
[channels.web]
port = 0
`

function newHome(toml = QUIET): string {
  const home = mkdtempSync(join(tmpdir(), 'openpista-doctor-'))
  homes.push(home)
  writeFileSync(join(home, 'config.toml'), toml)
  return home
}

async function report(home: string, env: Record<string, string> = {}, file?: string) {
  const found: Record<string, Finding> = {}
  const all = { PATH: process.env.PATH ?? '', OPENPISTA_HOME: home, ...env }
  const parts = { file, env: all, logger: createLogger('test', 'silent'), running: async () => undefined }
  for await (const finding of examine(parts)) found[finding.name] = finding
  return found
}

const failed = (found: Record<string, Finding>) =>
  Object.values(found)
    .filter(({ level }) => level === 'fail')
    .map(({ name }) => name)

test('a home that can start has no failure, and a line for every part', async () => {
  const found = await report(newHome(), { OPENAI_API_KEY: 'sk-very-secret' })
  expect(failed(found)).toEqual([])
  expect(Object.keys(found)).toEqual([
    ...['configuration', 'permissions', 'workspace', 'database', 'port', 'browser', 'start-up'],
    ...['audit log', 'model', 'executor', 'containers', 'wallet'],
  ])
  expect(found.model).toMatchObject({ level: 'ok', detail: expect.stringContaining('openai') })
  expect(JSON.stringify(found)).not.toContain('sk-very-secret')
})

test('the command says it in lines, with 1 for a failure', async () => {
  const home = newHome()
  const good = await openpista(home, ['doctor'])
  expect(good).toMatchObject({ code: 0, out: expect.stringMatching(/^ok {4}configuration .*[\s\S]*can start\.\n$/) })
  chmodSync(home, 0o755)
  const bad = await openpista(home, ['doctor'])
  expect(bad).toMatchObject({ code: 1, out: expect.stringMatching(/^fail {2}permissions .*\n +Run: chmod go= /m) })
})

test('a wrong configuration is the only thing said', async () => {
  const found = await report(newHome('[agent]\nmodle = "x"\n'))
  expect(Object.keys(found)).toEqual(['configuration'])
  expect(found.configuration).toMatchObject({
    level: 'fail',
    detail: expect.stringContaining("did you mean 'agent.model'"),
  })
})

test('a configuration file that was named and is not there fails', async () => {
  const home = newHome()
  expect((await report(home, {}, join(home, 'no.toml'))).configuration).toMatchObject({ level: 'fail' })
})

test.each(['config.toml', 'gateway-token', 'credentials.toml', 'credentials.key', 'memory.db'])(
  'a secret in %s that others can read fails, with the command that mends it',
  async (name) => {
    const home = newHome(`${QUIET}token = "0123456789abcdef"\n`)
    await (await openStore(join(home, 'memory.db'))).close()
    const path = join(home, name)
    writeFileSync(path, readIfThere(path), { mode: 0o600 })
    chmodSync(path, 0o644)
    expect((await report(home)).permissions).toMatchObject({
      level: 'fail',
      detail: expect.stringContaining(path),
      todo: expect.stringContaining(`'${path}'`),
    })
  },
)

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return Buffer.from('')
  }
}

test.each([
  ['noise', (path: string) => writeFileSync(path, 'no database, '.repeat(1000), { mode: 0o600 })],
  ['a folder', (path: string) => mkdirSync(path, { mode: 0o700 })],
  ['a newer schema', (path: string) => addVersion(path)],
])('a database that is %s fails, and what needs it is not checked', async (_name, spoil) => {
  const home = newHome()
  const path = join(home, 'memory.db')
  await spoil(path)
  const found = await report(home)
  expect(failed(found)).toEqual(['database'])
  expect(found['audit log']).toMatchObject({ level: 'warn', detail: expect.stringContaining('not checked') })
})

async function addVersion(path: string) {
  await (await openStore(path)).close()
  sql(path, "INSERT INTO schema_migrations (version, name, applied_at) VALUES (9999, 'x', 0)")
}

function sql(path: string, statement: string) {
  const connection = new DatabaseSync(path)
  connection.exec(statement)
  connection.close()
}

test('a page of the database that was overwritten is found', async () => {
  const home = newHome()
  const path = join(home, 'memory.db')
  await (await openStore(path)).close()
  sql(path, 'PRAGMA wal_checkpoint(TRUNCATE)')
  const bytes = readFileSync(path)
  bytes.fill(0xff, 3 * 4096, 6 * 4096)
  writeFileSync(path, bytes)
  expect(failed(await report(home))).toContain('database')
})

test('an older database is told of and left as it is', async () => {
  const home = newHome()
  const path = join(home, 'memory.db')
  await (await openStore(path)).close()
  sql(path, 'DELETE FROM schema_migrations WHERE version > 1')
  const before = readFileSync(path)
  const found = await report(home)
  expect(found.database).toMatchObject({ level: 'warn', detail: expect.stringContaining('schema 1;') })
  expect(failed(found)).toEqual([])
  expect(readFileSync(path)).toEqual(before)
})

test('a copy from before a migration is told of, and must be private', async () => {
  const home = newHome()
  const path = join(home, 'memory.db')
  await buildOlderDatabase(path, 1)
  await (await openStore(path)).close()
  expect((await report(home)).database).toMatchObject({
    level: 'ok',
    detail: expect.stringContaining(`kept from before a migration: ${path}.v1.bak (1 MB)`),
  })
  chmodSync(`${path}.v1.bak`, 0o644)
  expect((await report(home)).permissions!.detail).toContain(`${path}.v1.bak`)
})

test('an audit entry that was changed is found', async () => {
  const home = newHome()
  const path = join(home, 'memory.db')
  const store = await openStore(path)
  for (const n of [1, 2, 3]) await store.write((tx) => appendAudit(tx, n, { type: 'x', sessionId: null, data: { n } }))
  await store.close()
  expect((await report(home))['audit log']).toMatchObject({ level: 'ok', detail: '3 entries are whole' })
  sql(path, `UPDATE audit SET data = '{"n":7}' WHERE seq = 2`)
  expect((await report(home))['audit log']).toMatchObject({ level: 'fail', detail: 'broken at entry 2' })
  expect(await openpista(home, ['audit', 'verify'])).toMatchObject({ code: 1 })
})

test('a workspace that is missing is made, and one that is a file fails', async () => {
  const missing = await report(newHome())
  expect(missing.workspace).toMatchObject({ level: 'warn', detail: expect.stringContaining('missing') })
  const home = newHome()
  writeFileSync(join(home, 'workspace'), '')
  expect(failed(await report(home))).toEqual(['workspace', 'start-up'])
})

test('a port that another program uses fails', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as { port: number }
  const found = await report(newHome(), { OPENPISTA_WEB_PORT: String(port) })
  other.close()
  expect(found.port).toMatchObject({ level: 'fail', detail: `Port ${port} cannot be used: EADDRINUSE.` })
})

test('what was configured and does not work fails: browser, engine, wallet, sandbox', async () => {
  const home = newHome(`[executor]
kind = "bubblewrap"
[browser]
path = "/no/such/browser"
[channels.web]
port = 0
[wallet]
url = "http://127.0.0.1:9"
token_file = "/no/such/token"
`)
  const found = await report(home, { PATH: '/nowhere' })
  expect(found.browser).toMatchObject({ level: 'fail', detail: expect.stringContaining('/no/such/browser') })
  expect(found['start-up']).toMatchObject({ level: 'fail', detail: expect.stringContaining('bubblewrap') })
  const engine = newHome(
    `${QUIET}[containers]\nsocket = "/no/such.sock"\n[[containers.images]]\nname = "a"\nimage = "a"\n`,
  )
  expect((await report(engine)).containers).toMatchObject({
    level: 'fail',
    detail: expect.stringContaining('/no/such.sock'),
  })
})

test('a wallet is asked, and one that is not there fails', async () => {
  const daemon = await startFakeWallet()
  const home = newHome()
  const token = join(home, 'token')
  daemon.connect(token)
  const env = { OPENPISTA_WALLET_URL: daemon.url, OPENPISTA_WALLET_TOKEN_FILE: token }
  expect((await report(home, env)).wallet).toMatchObject({ level: 'ok', detail: expect.stringContaining('answers') })
  await daemon.close()
  expect((await report(home, env)).wallet).toMatchObject({ level: 'fail' })
  rmSync(token)
  expect((await report(home, env))['start-up']).toMatchObject({ detail: expect.stringContaining('no wallet token') })
})
