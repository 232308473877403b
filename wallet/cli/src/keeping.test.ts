import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { prepareDataDir } from '@waiaas/daemon/testing'
import { WAIaaSAdminClient } from '@waiaas/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli, startWallet } from './testing/run-cli.ts'

const PASSWORD = 'correct horse battery staple'
const folder = mkdtempSync(join(tmpdir(), 'waiaas-keeping-'))
const dataDir = join(folder, 'wallet')
const env = {
  WAIAAS_DATA_DIR: dataDir,
  WAIAAS_MASTER_PASSWORD_FILE: passwordFile('first', PASSWORD),
  WAIAAS_DAEMON_PORT: '0',
  WAIAAS_RPC_EVM_LOCAL: 'http://127.0.0.1:9',
}
const backup = join(folder, 'wallet.backup')
let addresses: string[]

function passwordFile(name: string, password: string): string {
  const path = join(folder, name)
  writeFileSync(path, `${password}\n`, { mode: 0o600 })
  return path
}

function at(folderName: string, more: Record<string, string> = {}) {
  return { ...env, WAIAAS_DATA_DIR: join(folder, folderName), ...more }
}

/** The same wallet, serving no network. */
function withoutNodes({ WAIAAS_RPC_EVM_LOCAL: _, ...rest }: ReturnType<typeof at>) {
  return rest
}

/** A copy of the stopped wallet. */
function copy(name: string): string {
  execFileSync('cp', ['-a', dataDir, join(folder, name)])
  return join(folder, name)
}

function changeDatabase(dataDir: string, statement: string): void {
  const database = new DatabaseSync(join(dataDir, 'data', 'waiaas.db'))
  database.exec(statement)
  database.close()
}

async function createAgents(url: string, names: readonly string[]): Promise<string[]> {
  const admin = new WAIaaSAdminClient({ baseUrl: url })
  await admin.login(PASSWORD)
  const found: string[] = []
  for (const name of names) {
    const { wallets } = await admin.createAgent({ name })
    found.push(...wallets.map(({ address }) => address))
  }
  return found
}

beforeAll(async () => {
  await prepareDataDir(dataDir, PASSWORD)
  const wallet = await startWallet(env)
  try {
    addresses = await createAgents(wallet.url, ['alice', 'bob'])
    const made = await runCli(['backup', backup], env)
    expect(made).toMatchObject({ code: 0, err: '' })
    for (const address of addresses) expect(made.out).toContain(address)
  } finally {
    expect(await wallet.end('SIGTERM')).toBe(0)
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

test('a backup made while the daemon ran is private, and becomes the same wallet again', async () => {
  expect(statSync(backup).mode & 0o777).toBe(0o600)
  expect(await runCli(['backup', backup], env)).toMatchObject({ code: 1, err: expect.stringContaining('exists') })
  const own = at('restored')
  expect(await runCli(['restore', backup], own)).toMatchObject({ code: 0, err: '' })
  const examined = await runCli(['doctor', '--backup', backup], withoutNodes(own))
  expect(examined).toMatchObject({ code: 0, err: '' })
  expect(examined.out.match(/^ok /gm)).toHaveLength(8)
  const wallet = await startWallet(own)
  try {
    const agents = await runCli(['agent', 'list'], own)
    for (const address of addresses) expect(agents.out).toContain(address)
    // Nothing is signed before the operator has compared what waits with the chain.
    const held = await runCli(['account', 'list'], own)
    expect(held.out).toContain('restored from a backup')
    expect((await runCli(['account', 'release', '--all'], own)).out).toContain('is released')
    expect((await runCli(['account', 'list'], own)).out).toContain('No account is held.')
  } finally {
    expect(await wallet.end('SIGTERM')).toBe(0)
  }
  const again = await runCli(['restore', backup], own)
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining('not empty') })
})

test('a backup opens with its own passphrase alone, where it has one', async () => {
  const file = join(folder, 'own.backup')
  const passphrase = passwordFile('passphrase', 'a passphrase of its own')
  expect((await runCli(['backup', file, '--passphrase-file', passphrase], env)).code).toBe(0)
  const refused = await runCli(['restore', file], at('own'))
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('passphrase does not open') })
  expect(readdirSync(folder)).not.toContain('own')
  expect((await runCli(['restore', file, '--passphrase-file', passphrase], at('own'))).code).toBe(0)
  expect((await runCli(['doctor'], withoutNodes(at('own')))).code).toBe(0)
})

test('a foreign, cut or changed file is no backup, whichever bit was changed', async () => {
  const whole = readFileSync(backup)
  const broken = join(folder, 'broken.backup')
  const attempt = async (content: Uint8Array) => {
    writeFileSync(broken, content)
    const { code, err } = await runCli(['restore', broken], at('broken'))
    expect(readdirSync(folder)).not.toContain('broken')
    return `${code} ${err}`
  }
  expect(await attempt(Buffer.from('a letter to a friend'))).toMatch(/^1 .*not a backup/)
  expect(await attempt(whole.subarray(0, whole.length / 2))).toMatch(/^1 .*damaged/)
  for (const place of [20, 100, Math.floor(whole.length / 2), whole.length - 40, whole.length - 1]) {
    const changed = Buffer.from(whole)
    changed[place]! ^= 1
    expect(await attempt(changed)).toMatch(/^1 .*damaged/)
  }
})

test('the doctor names each fault and what to do about it', async () => {
  const wrong = at('wallet', { WAIAAS_MASTER_PASSWORD_FILE: passwordFile('wrong', 'not the password') })
  const locked = await runCli(['doctor'], wrong)
  expect(locked.code).toBe(1)
  expect(locked.out).toMatch(/^FAULT keystore: This is not the master password/m)
  expect(locked.out).toMatch(/^FAULT nodes of evm-local: The node did not answer as it should.*\n {6}Start the node/m)
  const swapped = copy('swapped')
  changeDatabase(swapped, "UPDATE wallets SET address = '0x1' WHERE chain = 'evm' AND rowid = 1")
  const addresses = await runCli(['doctor'], at('swapped'))
  expect(addresses.code).toBe(1)
  expect(addresses.out).toMatch(/^FAULT addresses: The key of 0x1 belongs to 0x[0-9a-fA-F]{40}/m)
  const torn = copy('torn')
  const path = join(torn, 'data', 'waiaas.db')
  const content = readFileSync(path)
  content.fill(0xff, 8192 * 2, 8192 * 4)
  writeFileSync(path, content)
  expect((await runCli(['doctor'], at('torn'))).out).toMatch(/^FAULT database/m)
  const keyless = copy('keyless')
  const key = readdirSync(join(keyless, 'keystore')).find((name) => /^[0-9a-f]{8}-/.test(name))!
  rmSync(join(keyless, 'keystore', key))
  expect((await runCli(['doctor'], at('keyless'))).out).toMatch(/^FAULT addresses: The keystore has no key for/m)
  const bit = join(copy('bit'), 'keystore', key)
  const sealed = readFileSync(bit, 'utf8')
  const flip = (_: string, head: string, digit: string) => `${head}${(Number.parseInt(digit, 16) ^ 1).toString(16)}`
  writeFileSync(bit, sealed.replace(/("authTag": ")([0-9a-f])/, flip))
  expect((await runCli(['doctor'], at('bit'))).out).toMatch(/^FAULT keystore: .* is damaged or was changed/m)
})

test('the master password changes, only while nothing runs, and everything works on', async () => {
  copy('changed')
  const next = passwordFile('next', 'another master password')
  const before = at('changed')
  const after = at('changed', { WAIAAS_MASTER_PASSWORD_FILE: next })
  const command = ['set-master', '--new-password-file', next]
  const running = await startWallet(before)
  expect(await runCli(command, before)).toMatchObject({ code: 1, err: expect.stringContaining('waiaas stop') })
  await running.end('SIGTERM')
  const refused = await runCli(command, after)
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('not the master password') })
  expect(await runCli(command, before)).toMatchObject({ code: 0, err: '' })
  expect(await runCli(['start'], before)).toMatchObject({ code: 1 })
  const wallet = await startWallet(after)
  await wallet.end('SIGTERM')
  const examined = await runCli(
    ['doctor', '--backup', backup, '--passphrase-file', env.WAIAAS_MASTER_PASSWORD_FILE],
    after,
  )
  expect(examined.out).toMatch(/^FAULT backup: This is not the master password/m)
  expect(examined.out.match(/^ok /gm)).toHaveLength(7)
  expect((await runCli(['audit', 'export'], after)).out).toContain('MASTER_PASSWORD_CHANGED')
})

test('the audit log is signed, and an older or rewritten database is found out', async () => {
  copy('audit')
  const own = at('audit')
  const older = readFileSync(join(folder, 'audit', 'data', 'waiaas.db'))
  const wallet = await startWallet(own)
  await createAgents(
    wallet.url,
    Array.from({ length: 120 }, (_, number) => `agent ${number}`),
  )
  await wallet.end('SIGTERM')
  const log = (await runCli(['audit', 'export'], own)).out.trim().split('\n')
  const signed = log.map((line) => JSON.parse(line)).filter(({ type }) => type === 'AUDIT_CHECKPOINT')
  expect(signed.map(({ data }) => JSON.parse(data).seq)).toContain(100)
  const types = log.slice(0, -1).map((line) => JSON.parse(line).type)
  expect(JSON.parse(log.at(-1)!)).toMatchObject({ end: { entries: types.length } })
  expect(types.at(-1), 'nothing can be cut off unseen').toBe('AUDIT_CHECKPOINT')
  expect(types.slice(-3, -1)).toEqual(['KEYSTORE_LOCKED', 'DAEMON_STOPPED'])
  expect(types).toEqual(expect.arrayContaining(['KEYSTORE_UNLOCKED', 'DAEMON_STARTED']))
  const verified = await runCli(['audit', 'verify'], own)
  expect(verified).toMatchObject({ code: 0, out: expect.stringContaining(`${signed.length} signed checkpoints`) })

  const file = join(folder, 'forged.jsonl')
  const first = signed[0]
  const forge = (change: object) =>
    writeFileSync(
      file,
      log
        .map((line) => (JSON.parse(line).seq === first.seq ? JSON.stringify({ ...first, ...change }) : line))
        .join('\n'),
    )
  forge({ actor: 'nobody' })
  expect((await runCli(['audit', 'verify', file], own)).err).toContain(`Entry ${first.seq} `)

  writeFileSync(join(folder, 'audit', 'data', 'waiaas.db'), older)
  for (const rest of ['-wal', '-shm']) rmSync(join(folder, 'audit', 'data', `waiaas.db${rest}`), { force: true })
  expect(await runCli(['audit', 'verify'], own)).toMatchObject({
    code: 1,
    err: expect.stringContaining('and it is missing: the log was cut, or the database is an older one'),
  })
  expect(await runCli(['start'], own)).toMatchObject({ code: 1, err: expect.stringContaining('waiaas restore') })
})

test('a change that the audit log cannot take does not happen', async () => {
  changeDatabase(
    copy('full'),
    "CREATE TRIGGER full BEFORE INSERT ON events WHEN NEW.type = 'AGENT_CREATED' BEGIN SELECT raise(ABORT, 'disk full'); END",
  )
  const wallet = await startWallet(at('full'))
  try {
    await expect(createAgents(wallet.url, ['carol'])).rejects.toThrow()
    expect((await runCli(['agent', 'list'], at('full'))).out).not.toContain('carol')
  } finally {
    await wallet.end('SIGTERM')
  }
})
