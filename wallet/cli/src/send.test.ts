import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareDataDir } from '@waiaas/daemon/testing'
import { type EvmNode, startEvmNode } from '@waiaas/devnet'
import { WAIaaSAdminClient, WAIaaSClient, WAIaaSError, WAIaaSOwnerClient } from '@waiaas/sdk'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningWallet, startWallet } from './testing/run-cli.ts'

const PASSWORD = 'correct horse battery staple'
const TO = '0x00000000000000000000000000000000000000AA'

const folder = mkdtempSync(join(tmpdir(), 'waiaas-send-'))
const owner = privateKeyToAccount(generatePrivateKey())
let chain: EvmNode
let wallet: RunningWallet
let env: Record<string, string>
let admin: WAIaaSAdminClient
let sessionToken: string
let client: WAIaaSClient

beforeAll(async () => {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 })
  chain = await startEvmNode({})
  env = {
    WAIAAS_DATA_DIR: join(folder, 'wallet'),
    WAIAAS_MASTER_PASSWORD_FILE: passwordFile,
    WAIAAS_DAEMON_PORT: '0',
    WAIAAS_RPC_EVM_LOCAL: chain.rpcUrl,
  }
  await prepareDataDir(env.WAIAAS_DATA_DIR!, PASSWORD)
  wallet = await startWallet(env)
  admin = new WAIaaSAdminClient({ baseUrl: wallet.url })
  await admin.login(PASSWORD)
  const agent = await admin.createAgent({ name: 'payer', ownerAddress: owner.address })
  await chain.control.fund(agent.wallets.find(({ chain: family }) => family === 'evm')!.address, 10n ** 20n)
  sessionToken = (await admin.createSession({ agentId: agent.id })).token
  client = new WAIaaSClient({ baseUrl: wallet.url, sessionToken })
})
afterAll(async () => {
  await wallet?.end('SIGTERM')
  await chain?.stop()
  rmSync(folder, { recursive: true })
})

test('a small payment is confirmed on the chain', async () => {
  const sent = await client.send({ to: TO, humanAmount: '0.001', network: 'evm-local' }, { wait: 30 })
  expect(sent).toMatchObject({ status: 'CONFIRMED', amount: '1000000000000000', hash: expect.stringMatching(/^0x/) })
  expect(await client.getTransaction(sent.id)).toEqual(sent)
  expect((await client.listTransactions({ limit: 1 })).items).toEqual([sent])
})

test('an answer that is lost after the daemon accepted does not pay twice', async () => {
  let lost = 0
  const losing: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    if (lost > 1) return response
    lost += 1
    await response.body?.cancel()
    throw new TypeError('the connection was cut')
  }
  const cut = new WAIaaSClient({ baseUrl: wallet.url, sessionToken, fetch: losing })
  const before = (await client.listTransactions({ limit: 100 })).items.length
  const sent = await cut.send({ to: TO, humanAmount: '0.002', network: 'evm-local' }, { wait: 30 })
  expect(lost).toBe(2)
  expect(sent.status).toBe('CONFIRMED')
  expect((await client.listTransactions({ limit: 100 })).items).toHaveLength(before + 1)
})

test('a large payment waits for its owner, who approves it; another is rejected', async () => {
  const signed = new WAIaaSOwnerClient({
    baseUrl: wallet.url,
    sign: ({ message }) => owner.signTypedData(JSON.parse(message)),
  })
  const large = await client.send({ to: TO, humanAmount: '0.6', network: 'evm-local' })
  expect(large).toMatchObject({
    status: 'QUEUED',
    tier: 'APPROVAL',
    approval: { url: `${wallet.url}/approve/${large.id}` },
  })
  expect(await client.listPendingTransactions()).toMatchObject([{ id: large.id }])
  await signed.approve(large.id)
  const other = await client.send({ to: TO, humanAmount: '0.7', network: 'evm-local' })
  expect(await signed.reject(other.id)).toMatchObject({ status: 'CANCELLED' })
  for await (const event of client.events({ after: 0 })) {
    if (event.type === 'TX_CONFIRMED' && event.transactionId === large.id) break
  }
  await expect(signed.approve(large.id)).rejects.toMatchObject({ code: 'TX_ALREADY_PROCESSED', status: 409 })
  expect(await admin.verifyAudit()).toMatchObject({ ok: true })
})

test('the client refuses what can only be a mistake, and hands on what the daemon says', async () => {
  await expect(client.send({ to: TO, network: 'evm-local' })).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
    status: 0,
  })
  await expect(client.getTransaction('1')).rejects.toMatchObject({ status: 0 })
  const stranger = new WAIaaSClient({ baseUrl: wallet.url, sessionToken: 'wai_sess_no' })
  await expect(stranger.getWallet()).rejects.toMatchObject({
    code: 'INVALID_TOKEN',
    status: 401,
    requestId: expect.any(String),
  })
  const nobody = new WAIaaSClient({ baseUrl: 'http://127.0.0.1:9', sessionToken, retries: 0 })
  await expect(nobody.getWallet()).rejects.toSatisfy(
    (error) => error instanceof WAIaaSError && error.code === 'NETWORK_ERROR',
  )
  await expect(client.send({ to: '0x1', humanAmount: '1', network: 'evm-local' })).rejects.toMatchObject({
    code: 'INVALID_ADDRESS',
  })
})

test('the same key pays once over kill -9 and start', async () => {
  const request = { to: TO, humanAmount: '0.003', network: 'evm-local' }
  const first = await client.send(request, { idempotencyKey: 'order 4711' })
  await wallet.end('SIGKILL')
  wallet = await startWallet(env)
  client = new WAIaaSClient({ baseUrl: wallet.url, sessionToken })
  const again = await client.send(request, { idempotencyKey: 'order 4711', wait: 30 })
  expect(again).toMatchObject({ id: first.id, status: 'CONFIRMED' })
})
