import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareDataDir } from '@waiaas/daemon/testing'
import { type EvmNode, startEvmNode } from '@waiaas/devnet'
import { WAIaaSAdminClient, WAIaaSClient, WAIaaSOwnerClient } from '@waiaas/sdk'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inherited, type RunningWallet, runCli, startWallet, WAIAAS } from './testing/run-cli.ts'

const PASSWORD = 'correct horse battery staple'
const TO = '0x00000000000000000000000000000000000000AA'

const folder = mkdtempSync(join(tmpdir(), 'waiaas-approve-'))
const keyFile = join(folder, 'owner.key')
const key = generatePrivateKey()
const owner = privateKeyToAccount(key)
let chain: EvmNode
let wallet: RunningWallet
let env: Record<string, string>
let admin: WAIaaSAdminClient
let client: WAIaaSClient
let agentId: string
let sessionId: string

beforeAll(async () => {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 })
  writeFileSync(keyFile, `${key}\n`, { mode: 0o600 })
  chain = await startEvmNode({})
  env = {
    WAIAAS_DATA_DIR: join(folder, 'wallet'),
    WAIAAS_MASTER_PASSWORD_FILE: passwordFile,
    WAIAAS_DAEMON_PORT: '0',
    WAIAAS_RPC_EVM_LOCAL: chain.rpcUrl,
    WAIAAS_SECURITY_RECOVERY_WAIT_SECONDS: '1',
  }
  await prepareDataDir(env.WAIAAS_DATA_DIR!, PASSWORD)
  wallet = await startWallet(env)
  admin = new WAIaaSAdminClient({ baseUrl: wallet.url })
  await admin.login(PASSWORD)
  const agent = await admin.createAgent({ name: 'payer', ownerAddress: owner.address })
  agentId = agent.id
  await chain.control.fund(agent.wallets.find(({ chain: family }) => family === 'evm')!.address, 10n ** 20n)
  const session = await admin.createSession({ agentId })
  sessionId = session.id
  client = new WAIaaSClient({ baseUrl: wallet.url, sessionToken: session.token })
})
afterAll(async () => {
  await wallet?.end('SIGTERM')
  await chain?.stop()
  rmSync(folder, { recursive: true })
})

const large = (humanAmount: string) => client.send({ to: TO, humanAmount, network: 'evm-local' })

test('the key in a file approves what is shown, and another key does not', async () => {
  const sent = await large('0.6')
  const wrong = join(folder, 'wrong.key')
  writeFileSync(wrong, generatePrivateKey())
  const refused = await runCli(['approve', sent.id, '--key-file', wrong], env)
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("not the owner's")])
  const approved = await runCli(['approve', sent.id, '--key-file', keyFile], env)
  expect(approved).toMatchObject({ code: 0, out: expect.stringMatching(/^Approved\. The transaction is /) })
  expect(approved.err).toContain(`send 0.6 ETH to ${TO}`)
  for await (const event of client.events({ after: 0 })) {
    if (event.type === 'TX_CONFIRMED' && event.transactionId === sent.id) break
  }
  expect((await client.getTransaction(sent.id)).status).toBe('CONFIRMED')
  expect((await runCli(['approve', sent.id, '--key-file', keyFile], env)).err).toContain('CONFIRMED')
})

test('a signature that is pasted rejects', async () => {
  const sent = await large('0.7')
  const child = spawn(process.execPath, [WAIAAS, 'approve', sent.id, '--reject'], {
    env: { ...inherited, ...env },
  })
  let shown = ''
  child.stderr.on('data', (chunk) => {
    shown += chunk
    const message = /^\{.*\}$/m.exec(shown)
    if (message === null || child.stdin.writableEnded) return
    owner.signTypedData(JSON.parse(message[0])).then((signature) => child.stdin.end(`${signature}\n`))
  })
  const [code] = await once(child, 'close')
  expect([code, (await client.getTransaction(sent.id)).status]).toEqual([0, 'CANCELLED'])
})

test('the kill switch holds over kill -9, and goes off with operator and owner', async () => {
  const waiting = await large('0.8')
  const signing = (url: string) =>
    new WAIaaSOwnerClient({ baseUrl: url, sign: ({ message }) => owner.signMessage({ message }) })
  expect(await signing(wallet.url).activateKillSwitch(agentId)).toMatchObject({ state: 'ACTIVATED' })
  await expect(client.getWallet()).rejects.toMatchObject({ code: 'SYSTEM_LOCKED', status: 503 })
  await wallet.end('SIGKILL')
  wallet = await startWallet(env)
  admin = new WAIaaSAdminClient({ baseUrl: wallet.url })
  await admin.login(PASSWORD)
  await expect(admin.listAgents()).rejects.toMatchObject({ code: 'SYSTEM_LOCKED' })
  await expect(admin.recover()).rejects.toMatchObject({ code: 'OWNER_SIGNATURE_REQUIRED' })
  await admin.recover(await signing(wallet.url).proveRecovery(agentId))
  await recovered()
  expect((await admin.getTransaction(waiting.id)).status).toBe('CANCELLED')
  const session = await admin.createSession({ agentId })
  client = new WAIaaSClient({ baseUrl: wallet.url, sessionToken: session.token })
  expect(await client.send({ to: TO, humanAmount: '0.001', network: 'evm-local' }, { wait: 30 })).toMatchObject({
    status: 'CONFIRMED',
  })
  await expect(client.renewSession(sessionId)).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  await expect(client.renewSession(session.id)).rejects.toMatchObject({ code: 'RENEWAL_TOO_EARLY' })
})

/** Asks until the waiting time is over. */
async function recovered(): Promise<void> {
  while ((await admin.getKillSwitchStatus()).state !== 'NORMAL') await new Promise((resolve) => setTimeout(resolve, 50))
}

test('what the agent has goes home to its owner', async () => {
  const before = await chainBalance()
  const { items, skipped } = await admin.withdraw(agentId)
  expect(items).toMatchObject([{ network: 'evm-local', to: owner.address }])
  expect(skipped).toEqual([])
  for await (const event of admin.events({ after: 0 })) {
    if (event.type === 'TX_CONFIRMED' && event.transactionId === items[0]!.id) break
  }
  expect((await chainBalance()) - before).toBeGreaterThan(99n * 10n ** 18n)
  expect(await admin.terminateAgent(agentId)).toMatchObject({ status: 'TERMINATED' })
})

async function chainBalance(): Promise<bigint> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getBalance', params: [owner.address, 'latest'] })
  const answer = await fetch(chain.rpcUrl, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
  return BigInt(((await answer.json()) as { result: string }).result)
}
