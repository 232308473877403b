import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WAIaaSAdminClient, WAIaaSClient, WAIaaSOwnerClient } from '@waiaas/sdk'
import type { Command } from 'commander'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProgram, runProgram } from './program.ts'
import { type Env, type RunningWallet, runCli, startWallet } from './testing/run-cli.ts'
import { startWalletOnEvm, type WalletOnEvm } from './testing/wallet-on-evm.ts'

/**
 * Every command in every state of the kill switch. `works`: exit code 0. `locked`: refused because the kill switch is
 * on, with the way on. Text: refused, and it says so.
 */
type Outcome = 'works' | 'locked' | RegExp
type Row = { args: (at: Ids) => string[]; normal: Outcome; stopped: Outcome; offline?: true }
type Ids = { transaction: string; session: string; policy: string; folder: string }

const PAYEE = '0x00000000000000000000000000000000000000AA'
/** Asks no running daemon for anything; a process of its own, tried once. */
const offline = (outcome: Outcome, ...args: string[]): Row => ({
  args: () => args,
  normal: outcome,
  stopped: outcome,
  offline: true,
})
const operating = (...args: string[]): Row => ({ args: () => args, normal: 'works', stopped: 'locked' })
const ETH = '{"instant_max":"1"}'

const table: Readonly<Record<string, Row>> = {
  init: offline(/There is a wallet in/, 'init'),
  start: offline(/running already/, 'start'),
  status: offline('works', 'status'),
  'audit verify': offline('works', 'audit', 'verify'),
  'audit export': offline('works', 'audit', 'export'),
  doctor: offline('works', 'doctor'),
  'set-master': offline(/The daemon is running/, 'set-master'),
  backup: {
    args: ({ folder }) => ['backup', join(folder, 'wallet.backup')],
    normal: 'works',
    stopped: 'works',
    offline: true,
  },
  restore: offline(/There is no file/, 'restore', '/nonexistent'),
  'agent list': operating('agent', 'list'),
  'agent create': operating('agent', 'create', 'bob'),
  'agent rename': operating('agent', 'rename', 'bob', 'robert'),
  'agent set-owner': operating('agent', 'set-owner', 'robert', PAYEE),
  'agent remove-owner': operating('agent', 'remove-owner', 'robert'),
  'agent suspend': operating('agent', 'suspend', 'robert'),
  'agent resume': operating('agent', 'resume', 'robert'),
  'agent add-wallet': operating('agent', 'add-wallet', 'robert', '--chain', 'evm'),
  'agent withdraw': { args: () => ['agent', 'withdraw', 'robert'], normal: /No owner|owner/, stopped: 'locked' },
  'session list': operating('session', 'list', 'alice'),
  'session create': operating('session', 'create', 'alice'),
  'session revoke': { args: ({ session }) => ['session', 'revoke', session], normal: 'works', stopped: 'locked' },
  simulate: operating('simulate', 'alice', '--to', PAYEE, '--amount', '0.001'),
  trace: { args: ({ transaction }) => ['trace', transaction], normal: 'works', stopped: 'locked' },
  approve: { args: ({ transaction }) => ['approve', transaction], normal: /no owner|owner/i, stopped: /CANCELLED/ },
  cancel: { args: ({ transaction }) => ['cancel', transaction], normal: 'works', stopped: 'locked' },
  'tx list': operating('tx', 'list', '--open'),
  'tx show': { args: ({ transaction }) => ['tx', 'show', transaction], normal: 'works', stopped: 'locked' },
  'tx cancel': { args: ({ transaction }) => ['tx', 'cancel', transaction], normal: /CANCELLED/, stopped: 'locked' },
  'tx continue': { args: ({ transaction }) => ['tx', 'continue', transaction], normal: /CANCELLED/, stopped: 'locked' },
  'tx prove': {
    args: ({ transaction }) => ['tx', 'prove', transaction, '--rpc', 'http://127.0.0.1:9'],
    normal: /CANCELLED/,
    stopped: 'locked',
  },
  'tx write-off': {
    args: ({ transaction }) => ['tx', 'write-off', transaction, '--as-paid'],
    normal: /CANCELLED/,
    stopped: 'locked',
  },
  'account list': operating('account', 'list'),
  'account release': operating('account', 'release', '--all'),
  'token list': operating('token', 'list'),
  'token add': {
    args: () => ['token', 'add', 'evm-local', PAYEE],
    normal: /no token|not a token|token/i,
    stopped: 'locked',
  },
  'token remove': { args: () => ['token', 'remove', 'evm-local', PAYEE], normal: /not listed/, stopped: 'locked' },
  'policy list': operating('policy', 'list'),
  'policy add': operating('policy', 'add', 'SPENDING_LIMIT', '--agent', 'robert', '--rules', ETH),
  'policy update': {
    args: ({ policy }) => ['policy', 'update', policy, '--priority', '1'],
    normal: 'works',
    stopped: 'locked',
  },
  'policy remove': { args: ({ policy }) => ['policy', 'remove', policy], normal: 'works', stopped: 'locked' },
  'agent terminate': operating('agent', 'terminate', 'robert'),
}

/** Commands whose outcome depends on the owner; the tests below drive them. */
const byOwner = ['kill-switch', 'recover']
/** Ends the daemon, so it comes last. */
const last = ['stop']

let env: Env
let started: WalletOnEvm
let wallet: RunningWallet
let ids: Ids
const key = generatePrivateKey()
const owner = privateKeyToAccount(key)

beforeAll(async () => {
  started = await startWalletOnEvm()
  ;({ env, wallet } = started)
  const folder = join(env.WAIAAS_DATA_DIR!, '..', 'files')
  mkdirSync(folder, { mode: 0o700 })
  writeFileSync(join(folder, 'owner.key'), key, { mode: 0o600 })
  const client = new WAIaaSClient({ baseUrl: wallet.url, sessionToken: started.token })
  const transaction = (await client.send({ to: PAYEE, humanAmount: '0.1', network: 'evm-local' })).id
  ids = { transaction, session: '', policy: '', folder }
  process.env.WAIAAS_MASTER_PASSWORD_FILE = env.WAIAAS_MASTER_PASSWORD_FILE
})
afterAll(async () => {
  delete process.env.WAIAAS_MASTER_PASSWORD_FILE
  await wallet?.end('SIGTERM')
  await started?.stop()
})

const run = (...args: string[]) => runCli(args, env)

/** The same code as a process of the command runs, without its start. */
async function runHere(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { log, error } = console
  const [out, err]: [string[], string[]] = [[], []]
  console.log = (line) => out.push(line)
  console.error = (line) => err.push(line)
  try {
    const code = (await runProgram(['node', 'waiaas', '--data-dir', env.WAIAAS_DATA_DIR!, ...args])) ?? 0
    return { code, out: out.join('\n'), err: err.join('\n') }
  } finally {
    console.log = log
    console.error = error
  }
}

async function drive(rows: readonly (readonly [string, Row])[], state: 'normal' | 'stopped'): Promise<void> {
  for (const [name, row] of rows) {
    const { code, out, err } = await (row.offline === true ? run : runHere)(...row.args(ids))
    const answer = { name, code, err: err.trim() }
    const expected = row[state]
    if (expected === 'works') expect(answer).toMatchObject({ name, code: 0 })
    else if (expected === 'locked') {
      expect(answer).toEqual({
        name,
        code: 1,
        err: expect.stringMatching(/The kill switch is on[\s\S]*waiaas recover/),
      })
    } else expect(answer).toEqual({ name, code: 1, err: expect.stringMatching(expected) })
    expect(err, name).not.toContain('    at ')
    if (name === 'session list') ids.session = /^[0-9a-f-]{36}/.exec(out)?.[0] ?? ids.session
    if (name === 'policy add') ids.policy = /policy ([0-9a-f-]{36})/.exec(out)?.[1] ?? ids.policy
  }
}

const rows = Object.entries(table)
const online = rows.filter(([, row]) => row.offline !== true)

test('the table has every command', () => {
  const leaves = (command: Command, path: string[]): string[] =>
    command.commands.length === 0
      ? [path.join(' ')]
      : command.commands.flatMap((child) => leaves(child, [...path, child.name()]))
  expect([...Object.keys(table), ...byOwner, ...last].sort()).toEqual(leaves(createProgram(), []).sort())
})

test('NORMAL, ACTIVATED and RECOVERING, without an owner who has signed', async () => {
  await drive(online, 'normal')
  expect(await run('recover')).toMatchObject({ code: 1, err: expect.stringMatching(/not on/) })
  expect((await runHere('kill-switch')).out).toMatch(/^ACTIVATED[\s\S]*waiaas recover/)
  await drive(rows, 'stopped')
  expect(await runHere('kill-switch')).toMatchObject({ code: 1, err: expect.stringMatching(/on already/) })
  expect((await run('recover')).out).toMatch(/^RECOVERING/)
  expect((await runHere('kill-switch', '--status')).out).toMatch(/^RECOVERING/)
  await drive(online, 'stopped')
  expect(await run('recover')).toMatchObject({ code: 1, err: expect.stringMatching(/under way/) })
  expect((await runHere('kill-switch')).out, 'a stop during the recovery').toMatch(/^ACTIVATED/)
}, 240_000)

/** Starts the daemon again with no waiting time, and lets the recovery end. */
async function release(...recover: string[]): Promise<void> {
  await wallet.end('SIGTERM')
  const noWait = {
    WAIAAS_SECURITY_RECOVERY_WAIT_SECONDS: '0',
    WAIAAS_SECURITY_RECOVERY_WAIT_WITHOUT_OWNER_SECONDS: '0',
  }
  wallet = await startWallet({ ...env, ...noWait })
  const { out, err } = await run('recover', ...recover)
  expect(out + err).toMatch(/^RECOVERING/)
  await expect.poll(async () => (await runHere('kill-switch', '--status')).out).toMatch(/^NORMAL/)
}

test('GRACE: an owner who has never signed is not needed', async () => {
  await release()
  expect(await runHere('agent', 'set-owner', 'alice', owner.address)).toMatchObject({ code: 0 })
  expect(await runHere('kill-switch')).toMatchObject({ code: 0 })
  await release('--agent', 'alice', '--key-file', join(ids.folder, 'owner.key'))
})

test('LOCKED: the owner signs, found by the daemon or named, and only the right key', async () => {
  await runHere('agent', 'set-owner', 'alice', owner.address)
  const signer = new WAIaaSOwnerClient({
    baseUrl: wallet.url,
    sign: ({ message }) => owner.signMessage({ message }),
  })
  const admin = new WAIaaSAdminClient({ baseUrl: wallet.url })
  await admin.login('correct horse battery staple')
  const agents = await admin.listAgents()
  const alice = agents.find(({ name }) => name === 'alice')!
  await signer.verify(alice.id)
  expect(await runHere('agent', 'remove-owner', 'alice')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/has signed/),
  })
  expect(await runHere('kill-switch')).toMatchObject({ code: 0 })
  const unsigned = await run('recover')
  expect(unsigned).toMatchObject({ code: 1, err: expect.stringContaining(`wallet of ${owner.address}`) })
  expect(unsigned.err).toMatch(/--key-file/)
  expect(unsigned.err, 'a recovery has no page to sign on').not.toMatch(/page/)
  expect(await run('recover', '--agent', 'nobody')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/cannot release this stop[\s\S]*alice/),
  })
  const wrong = join(ids.folder, 'wrong.key')
  writeFileSync(wrong, generatePrivateKey(), { mode: 0o600 })
  expect(await run('recover', '--key-file', wrong)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/not the owner/),
  })
  expect((await runHere('kill-switch', '--status')).out).toMatch(/^ACTIVATED/)
  await release('--agent', alice.id, '--key-file', join(ids.folder, 'owner.key'))
  expect(await runHere('kill-switch')).toMatchObject({ code: 0 })
  await release('--key-file', join(ids.folder, 'owner.key'))
  expect(await runHere('kill-switch')).toMatchObject({ code: 0 })
  expect(await run('recover', '--agent', 'alice', '--key-file', join(ids.folder, 'owner.key'))).toMatchObject({
    code: 0,
  })
  expect(await run('stop')).toMatchObject({ code: 0 })
})
