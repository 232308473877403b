import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { WAIaaSAdminClient } from '@waiaas/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { runCli, startWallet } from './testing/run-cli.ts'

const PASSWORD = 'correct horse battery staple'

const folder = mkdtempSync(join(tmpdir(), 'waiaas-cli-'))
const dataDir = join(folder, 'wallet')
const passwordFile = join(folder, 'password')
const env = {
  WAIAAS_DATA_DIR: dataDir,
  WAIAAS_MASTER_PASSWORD_FILE: passwordFile,
  WAIAAS_DAEMON_PORT: '0',
  WAIAAS_RPC_EVM_LOCAL: 'http://127.0.0.1:9',
}

beforeAll(async () => {
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 })
  const made = await runCli(['init'], env)
  expect(made).toMatchObject({ code: 0, err: '' })
})
afterAll(() => rmSync(folder, { recursive: true }))

function modes(path: string): string[] {
  const mode = (statSync(path).mode & 0o777).toString(8)
  const inside = statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => modes(join(path, name))) : []
  return [`${statSync(path).isDirectory() ? 'd' : 'f'}${mode}`, ...inside]
}

test('init makes everything for its owner alone, and never twice', async () => {
  expect(new Set(modes(dataDir))).toEqual(new Set(['d700', 'f600']))
  const { crypto } = JSON.parse(readFileSync(join(dataDir, 'keystore', 'keystore.json'), 'utf8'))
  // What guessing the password costs; test keystores cost less.
  expect(crypto.kdfparams).toMatchObject({ memoryCost: 65_536, timeCost: 3, parallelism: 4 })
  expect(await runCli(['init'], env)).toMatchObject({ code: 1, err: expect.stringContaining('already') })
})

test('init refuses nodes that start would refuse or never use, before it makes anything', async () => {
  const own = { ...env, WAIAAS_DATA_DIR: join(folder, 'refused') }
  const init = (...args: string[]) => runCli(['init', ...args], own)
  const url = 'http://127.0.0.1:9'
  for (const [args, words] of [
    [['--rpc', 'evm-local=foo'], /evm-local: 'foo' must be an http or https address/],
    [['--rpc', 'evm-local=ws://127.0.0.1:9'], /must be an http or https address/],
    [['--rpc', 'evm-local='], /must be an http or https address/],
    [['--rpc', `moon=${url}`], /no network moon[\s\S]*evm-local/],
    [['--rpc', `base-mainnet=${url}`], /environment testnet[\s\S]*--environment mainnet/],
    [['--environment', 'mainnet', '--rpc', `evm-local=${url}`], /environment mainnet/],
    [['--rpc', `evm-local=${url}`, '--rpc', `eip155:31337=${url}`], /twice[\s\S]*commas/],
    [['--rpc', `evm-local=${url}`, '--rpc', `evm-local=${url}`], /twice/],
    [['--rpc', url], /network=url/],
  ] as const) {
    expect([args, await init(...args)]).toMatchObject([args, { code: 1, out: '', err: expect.stringMatching(words) }])
  }
  const short = join(folder, 'short')
  writeFileSync(short, 'short', { mode: 0o600 })
  const refused = await runCli(['init'], { ...own, WAIAAS_MASTER_PASSWORD_FILE: short })
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('at least') })
  expect(existsSync(own.WAIAAS_DATA_DIR)).toBe(false)
})

test('it tells its version', async () => {
  expect(await runCli(['--version'], env)).toMatchObject({ code: 0, out: `${manifest.version}\n` })
})

test('commands before init, and without a password, say what to do', async () => {
  const nowhere = { ...env, WAIAAS_DATA_DIR: join(folder, 'nowhere') }
  for (const command of [['start'], ['status'], ['stop'], ['audit', 'verify'], ['agent', 'list']]) {
    const answer = await runCli(command, nowhere)
    expect([command, answer]).toMatchObject([command, { code: 1, err: expect.stringContaining('waiaas init') }])
  }
  const { WAIAAS_MASTER_PASSWORD_FILE: _, ...without } = env
  const asked = await runCli(['start'], without)
  expect(asked).toMatchObject({ code: 1, err: expect.stringContaining('WAIAAS_MASTER_PASSWORD_FILE') })
})

test('a wrong password starts nothing', async () => {
  const wrong = join(folder, 'wrong')
  writeFileSync(wrong, 'not the password', { mode: 0o600 })
  const answer = await runCli(['start'], { ...env, WAIAAS_MASTER_PASSWORD_FILE: wrong })
  expect(answer).toMatchObject({ code: 1, out: '' })
  expect(answer.err).not.toContain('    at ')
  expect((await runCli(['status'], env)).code).toBe(3)
})

test('a data directory that other users may enter is refused, with the command that changes it', async () => {
  chmodSync(dataDir, 0o755)
  try {
    const hint = `chmod 700 '${dataDir}'`
    expect(await runCli(['start'], env)).toMatchObject({ code: 1, out: '', err: expect.stringContaining(hint) })
  } finally {
    chmodSync(dataDir, 0o700)
  }
})

test('start, look, refuse a second one, use, stop', async () => {
  const wallet = await startWallet(env)
  try {
    const status = await runCli(['status', '--json'], env)
    expect(JSON.parse(status.out)).toMatchObject({ state: 'running', url: wallet.url, pid: wallet.pid })
    const second = await runCli(['start'], env)
    expect(second).toMatchObject({ code: 1, err: expect.stringContaining(`running already on ${wallet.url}`) })
    const agent = await runCli(['agent', 'create', 'alice'], env)
    expect(agent).toMatchObject({ code: 0, out: expect.stringMatching(/evm {2}0x[0-9a-fA-F]{40}/) })
    const session = await runCli(['session', 'create', 'alice'], env)
    expect(session.out).toMatch(/^wai_sess_[\w.-]+\n$/)
    const asAgent = { headers: { Authorization: `Bearer ${session.out.trim()}` } }
    expect((await fetch(`${wallet.url}/v1/wallet`, asAgent)).status).toBe(200)
    expect(new Set(modes(dataDir))).toEqual(new Set(['d700', 'f600']))
    expect(await runCli(['stop'], env)).toMatchObject({ code: 0, out: 'The daemon has stopped.\n' })
    expect(wallet.output()).not.toContain(PASSWORD)
  } finally {
    await wallet.end('SIGTERM')
  }
  expect(await runCli(['status'], env)).toMatchObject({ code: 3, out: 'The daemon is not running.\n' })
  expect(existsSync(join(dataDir, 'daemon.pid'))).toBe(false)
})

test('SIGUSR1 opens a debugger neither in the signer nor in the daemon, and none is open when keys are', async () => {
  const wallet = await startWallet(env)
  try {
    const { pid: daemon } = JSON.parse(readFileSync(join(dataDir, 'run', 'daemon.json'), 'utf8')) as { pid: number }
    for (const pid of [daemon, wallet.pid]) process.kill(pid, 'SIGUSR1')
    expect((await runCli(['status'], env)).code).toBe(0)
    expect(readFileSync(`/proc/${daemon}/cmdline`, 'utf8').split('\0')).toContain('--disable-sigusr1')
  } finally {
    expect(await wallet.end('SIGTERM')).toBe(0)
  }
  expect(wallet.output()).not.toContain('Debugger')
  const open = await runCli(['start'], { ...env, NODE_OPTIONS: '--inspect=127.0.0.1:0' })
  expect(open).toMatchObject({ code: 1, out: '', err: expect.stringContaining('A debugger is open') })
})

test('after kill -9 a start works at once, and sessions live on', async () => {
  const first = await startWallet(env)
  const session = await runCli(['session', 'create', 'alice'], env)
  await first.end('SIGKILL')
  const second = await startWallet(env)
  try {
    const asAgent = { headers: { Authorization: `Bearer ${session.out.trim()}` } }
    expect((await fetch(`${second.url}/v1/wallet`, asAgent)).status).toBe(200)
  } finally {
    expect(await second.end('SIGTERM')).toBe(0)
  }
})

test('the operator stops it over HTTP, and open event streams do not hold it up', async () => {
  const wallet = await startWallet(env)
  const admin = new WAIaaSAdminClient({ baseUrl: wallet.url })
  await admin.login(PASSWORD)
  const stream = admin.events({ after: 0 })
  expect((await stream.next()).value).toMatchObject({ seq: 1 })
  await admin.shutdown()
  expect(await wallet.ended).toBe(0)
  await stream.return()
})

test('the audit log verifies without the daemon, and names the first bad entry of an export', async () => {
  const verified = await runCli(['audit', 'verify'], env)
  expect(verified).toMatchObject({ code: 0, out: expect.stringContaining('intact') })
  const { out } = await runCli(['audit', 'export'], env)
  const lines = out.trim().split('\n')
  expect(lines.map((line) => JSON.parse(line).type)).toEqual(
    expect.arrayContaining(['POLICY_CREATED', 'DAEMON_STARTED', 'AGENT_CREATED', 'SESSION_CREATED', 'DAEMON_STOPPED']),
  )
  const file = join(folder, 'audit.jsonl')
  writeFileSync(file, lines.join('\n'))
  expect((await runCli(['audit', 'verify', file], env)).code).toBe(0)
  writeFileSync(file, lines.map((line, at) => (at === 2 ? line.replace('"at":1', '"at":2') : line)).join('\n'))
  expect(await runCli(['audit', 'verify', file], env)).toMatchObject({
    code: 1,
    err: expect.stringContaining('Entry 3'),
  })
})

test('an export that was cut at its end is told apart from a whole one', async () => {
  const { out } = await runCli(['audit', 'export'], env)
  const lines = out.trim().split('\n')
  const file = join(folder, 'cut.jsonl')
  for (const kept of [lines.slice(0, -1), lines.slice(0, -2), [...lines.slice(0, -2), lines.at(-1)!]]) {
    writeFileSync(file, kept.join('\n'))
    expect(await runCli(['audit', 'verify', file], env)).toMatchObject({ code: 1, err: expect.stringContaining('cut') })
  }
})

test('entries that are cut after kill -9, behind the last checkpoint, are missed at the next start', async () => {
  const wallet = await startWallet(env)
  const database = join(dataDir, 'data', 'waiaas.db')
  expect((await runCli(['agent', 'create', 'cut away'], env)).code).toBe(0)
  const { pid } = JSON.parse(readFileSync(join(dataDir, 'run', 'daemon.json'), 'utf8')) as { pid: number }
  // The signer is told within a moment; nothing else of it can be seen from here.
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  process.kill(pid, 'SIGKILL')
  await wallet.ended
  expect((await runCli(['audit', 'verify'], env)).out).toContain('The signer vouches for all of them.')
  const connection = new DatabaseSync(database)
  connection.exec('DROP TRIGGER events_no_delete; DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)')
  connection.close()
  const missing = { code: 1, err: expect.stringMatching(/signer has seen entry \d+/) }
  expect(await runCli(['audit', 'verify'], env)).toMatchObject(missing)
  expect(await runCli(['start'], env)).toMatchObject({ code: 1, out: '', err: expect.stringContaining('restore') })
})

test('auto-provision keeps the password in one private file, warns until it is gone, and prints it never', async () => {
  const own = { ...env, WAIAAS_DATA_DIR: join(folder, 'auto'), WAIAAS_MASTER_PASSWORD_FILE: '' }
  const made = await runCli(['init', '--auto-provision', '--rpc', 'evm-local=http://127.0.0.1:9'], own)
  const recovery = join(folder, 'auto', 'recovery-password')
  const password = readFileSync(recovery, 'utf8').trim()
  expect(statSync(recovery).mode & 0o777).toBe(0o600)
  expect(made.out + made.err).not.toContain(password)
  const wallet = await startWallet(own)
  expect(await wallet.end('SIGINT')).toBe(0)
  expect(wallet.output()).toContain('WARNING')
  expect(wallet.output()).not.toContain(password)
})

test('a public address is refused without a proxy that ends TLS', async () => {
  const answer = await runCli(['start'], { ...env, WAIAAS_DAEMON_HOSTNAME: '0.0.0.0' })
  expect(answer).toMatchObject({ code: 1, err: expect.stringContaining('trusted_proxy') })
})
