import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareDataDir } from '@waiaas/daemon/testing'
import { WAIaaSAdminClient, WAIaaSOwnerClient } from '@waiaas/sdk'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inherited, type RunningWallet, runCli, startWallet, WAIAAS } from './testing/run-cli.ts'

const PASSWORD = 'correct horse battery staple'
const folder = mkdtempSync(join(tmpdir(), 'waiaas-policy-change-'))
const keyFile = join(folder, 'owner.key')
const key = generatePrivateKey()
const owner = privateKeyToAccount(key)
let wallet: RunningWallet
let env: Record<string, string>
let admin: WAIaaSAdminClient
let policyId: string

beforeAll(async () => {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 })
  writeFileSync(keyFile, `${key}\n`, { mode: 0o600 })
  env = {
    WAIAAS_DATA_DIR: join(folder, 'wallet'),
    WAIAAS_MASTER_PASSWORD_FILE: passwordFile,
    WAIAAS_DAEMON_PORT: '0',
    // Nobody pays here: a node is named, and never asked.
    WAIAAS_RPC_EVM_LOCAL: 'http://127.0.0.1:9',
  }
  await prepareDataDir(env.WAIAAS_DATA_DIR!, PASSWORD)
  wallet = await startWallet(env)
  admin = new WAIaaSAdminClient({ baseUrl: wallet.url })
  await admin.login(PASSWORD)
  const agent = await admin.createAgent({ name: 'payer', chains: ['evm'], ownerAddress: owner.address })
  const added = await runCli(
    ['policy', 'add', 'SPENDING_LIMIT', '--agent', 'payer', '--rules', '{"instant_max":"10"}'],
    env,
  )
  policyId = /Added policy (\S+)\./.exec(added.out)?.[1] ?? added.err
  const signing = new WAIaaSOwnerClient({
    baseUrl: wallet.url,
    sign: ({ message }) => owner.signMessage({ message }),
  })
  expect(await signing.verify(agent.id)).toMatchObject({ ownerState: 'LOCKED' })
})
afterAll(async () => {
  await wallet?.end('SIGTERM')
  rmSync(folder, { recursive: true })
})

const limit = async () => {
  const { out } = await runCli(['policy', 'list', '--agent', 'payer'], env)
  return new RegExp(`^${policyId} .*\n  (.*)$`, 'm').exec(out)?.[1]
}
const update = (rules: string) => ['policy', 'update', policyId, '--rules', rules]

test('tightening needs no owner, loosening takes the key in a file', async () => {
  expect(await runCli(update('{"instant_max":"5"}'), env)).toMatchObject({ code: 0, err: '' })
  const wrong = join(folder, 'wrong.key')
  writeFileSync(wrong, generatePrivateKey())
  const refused = await runCli([...update('{"instant_max":"7"}'), '--key-file', wrong], env)
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("not the owner's")])
  expect(await limit()).toBe('{"instant_max":"5"}')
  const changed = await runCli([...update('{"instant_max":"7"}'), '--key-file', keyFile], env)
  expect(changed).toMatchObject({ code: 0, out: expect.stringMatching(/^Changed policy /) })
  expect(changed.err).toContain('instant_max: 7 base units')
  expect(await limit()).toBe('{"instant_max":"7"}')
})

/** Runs the command, and pastes what `answer` makes of what it shows. */
async function pasting(args: string[], answer: (shown: string) => Promise<string | undefined>): Promise<number> {
  const child = spawn(process.execPath, [WAIAAS, ...args], {
    env: { ...inherited, ...env },
  })
  let shown = ''
  child.stderr.on('data', (chunk) => {
    shown += chunk
    if (!shown.includes('Paste the signature:')) return
    answer(shown).then((line) => child.stdin.end(`${line}\n`))
  })
  const [code] = (await once(child, 'close')) as [number]
  return code
}

test('a signature over the shown message can be pasted', async () => {
  const code = await pasting(update('{"instant_max":"8"}'), async (shown) =>
    owner.signTypedData(JSON.parse(/^\{.*\}$/m.exec(shown)![0])),
  )
  expect([code, await limit()]).toEqual([0, '{"instant_max":"8"}'])
})

test('so can what the signing page gives, which asks for a message of its own', async () => {
  const code = await pasting(update('{"instant_max":"9"}'), async (shown) => {
    const link = new URL(/http:\S+\/approve\/policy#\S+/.exec(shown)![0])
    const { resourceId, change } = JSON.parse(Buffer.from(link.hash.slice(1), 'base64url').toString('utf8'))
    const asked = await fetch(`${wallet.url}/v1/owner/challenges`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ action: 'policy_change', resourceId, change }),
    })
    const { message, ownerAddress: address } = (await asked.json()) as { message: string; ownerAddress: string }
    const signature = await owner.signTypedData(JSON.parse(message))
    return Buffer.from(JSON.stringify({ address, message, signature })).toString('base64url')
  })
  expect([code, await limit()]).toEqual([0, '{"instant_max":"9"}'])
})

test('faults of the command line are told before anybody is asked', async () => {
  const errors = await Promise.all([
    runCli(update('{instant_max}'), env),
    runCli(['policy', 'update', policyId, '--enable', '--disable'], env),
    runCli(['policy', 'add', 'SPENDING_LIMIT', '--agent', 'nobody', '--rules', '{}'], env),
    runCli(['policy', 'remove', '01890000-0000-7000-8000-000000000000'], env),
  ])
  expect(errors.map(({ code }) => code)).toEqual([1, 1, 1, 1])
  expect(errors.map(({ err }) => err).join('')).toMatch(/not valid JSON.*exclude.*no agent nobody.*no policy/s)
})

test('a policy is removed with the signature where that loosens', async () => {
  const rules = '{"allowed_addresses":[]}'
  const added = await runCli(['policy', 'add', 'WHITELIST', '--agent', 'payer', '--rules', rules], env)
  const id = /Added policy (\S+)\./.exec(added.out)![1]!
  expect((await runCli(['policy', 'remove', id, '--key-file', keyFile], env)).out).toBe(`Removed policy ${id}.\n`)
})
