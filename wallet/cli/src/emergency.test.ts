import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EvmNode, startEvmNode } from '@waiaas/devnet'
import { WAIaaSClient } from '@waiaas/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningWallet, runCli, startWallet } from './testing/run-cli.ts'

const PAYEE = '0x00000000000000000000000000000000000000AA'
const folder = mkdtempSync(join(tmpdir(), 'waiaas-emergency-'))
let env: Record<string, string>
let chain: EvmNode
let wallet: RunningWallet
let client: WAIaaSClient

beforeAll(async () => {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, 'correct horse battery staple', { mode: 0o600 })
  chain = await startEvmNode({})
  env = {
    WAIAAS_DATA_DIR: join(folder, 'wallet'),
    WAIAAS_MASTER_PASSWORD_FILE: passwordFile,
    WAIAAS_DAEMON_PORT: '0',
    WAIAAS_RPC_EVM_LOCAL: chain.rpcUrl,
  }
  await runCli(['init'], env)
  wallet = await startWallet(env)
  const made = await runCli(['agent', 'create', 'alice'], env)
  await chain.control.fund(/0x[0-9a-fA-F]{40}/.exec(made.out)![0], 10n ** 18n)
  const token = (await runCli(['session', 'create', 'alice'], env)).out.trim()
  client = new WAIaaSClient({ baseUrl: wallet.url, sessionToken: token })
}, 120_000)
afterAll(async () => {
  await wallet?.end('SIGTERM')
  await chain?.stop()
  rmSync(folder, { recursive: true })
})

const run = (...args: string[]) => runCli(args, env)

test('a payment that is out and not in a block is taken back; the chain saw no payment', async () => {
  await chain.control.pauseMining()
  const { id } = await client.send({ to: PAYEE, humanAmount: '0.001' })
  await expect.poll(async () => (await client.getTransaction(id)).status, { timeout: 30_000 }).toBe('SUBMITTED')
  expect(await run('cancel', id)).toMatchObject({ code: 0, err: '' })
  await chain.control.resumeMining()
  await expect.poll(async () => (await client.getTransaction(id)).status, { timeout: 60_000 }).toBe('CANCELLED')
  expect(await balanceOf(PAYEE)).toBe(0n)
  expect((await client.send({ to: PAYEE, humanAmount: '0.001' }, { wait: 30 })).status).toBe('CONFIRMED')
  expect(await balanceOf(PAYEE)).toBe(10n ** 15n)
}, 180_000)

test('what is paid cannot be taken back, and what is unknown is told in words', async () => {
  const paid = await client.send({ to: PAYEE, humanAmount: '0.001' }, { wait: 30 })
  const refused = await run('cancel', paid.id)
  expect(refused.code).toBe(1)
  expect(refused.err).toMatch(/CONFIRMED|already|final/i)
  expect(await run('cancel', 'nothing')).toMatchObject({ code: 1, err: expect.stringMatching(/not an id/) })
}, 120_000)

test('one command stops everything, and another begins the way back', async () => {
  expect((await run('kill-switch', '--status')).out).toMatch(/^NORMAL/)
  expect((await run('kill-switch')).out).toMatch(/^ACTIVATED[\s\S]*by admin[\s\S]*waiaas recover/)
  await expect(client.send({ to: PAYEE, humanAmount: '0.001' })).rejects.toMatchObject({ status: 503 })
  expect((await run('recover')).out).toMatch(/^RECOVERING[\s\S]*free again {2}\d{4}-/)
  expect((await run('kill-switch', '--status')).out).toMatch(/^RECOVERING/)
}, 120_000)

async function balanceOf(address: string): Promise<bigint> {
  const response = await fetch(chain.rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getBalance', params: [address, 'latest'] }),
  })
  return BigInt(((await response.json()) as { result: string }).result)
}
