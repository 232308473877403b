import type { EvmNode } from '@waiaas/devnet'
import { WAIaaSClient } from '@waiaas/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Env, type RunningWallet, runCli } from './testing/run-cli.ts'
import { startWalletOnEvm } from './testing/wallet-on-evm.ts'

const PAYEE = '0x00000000000000000000000000000000000000AA'
let env: Env
let chain: EvmNode
let wallet: RunningWallet
let client: WAIaaSClient
let stop: () => Promise<void> = async () => {}

beforeAll(async () => {
  const started = await startWalletOnEvm()
  ;({ env, chain, wallet, stop } = started)
  client = new WAIaaSClient({ baseUrl: wallet.url, sessionToken: started.token })
})
afterAll(() => stop())

const run = (...args: string[]) => runCli(args, env)

test('a payment that is out and not in a block is taken back; the chain saw no payment', async () => {
  await chain.control.pauseMining()
  const { id } = await client.send({ to: PAYEE, humanAmount: '0.001' })
  await expect.poll(async () => (await client.getTransaction(id)).status).toBe('SUBMITTED')
  expect(await run('cancel', id)).toMatchObject({ code: 0, err: '' })
  await chain.control.resumeMining()
  await expect.poll(async () => (await client.getTransaction(id)).status).toBe('CANCELLED')
  expect(await balanceOf(PAYEE)).toBe(0n)
  expect((await client.send({ to: PAYEE, humanAmount: '0.001' }, { wait: 30 })).status).toBe('CONFIRMED')
  expect(await balanceOf(PAYEE)).toBe(10n ** 15n)
})

test('what is paid cannot be taken back, and what is unknown is told in words', async () => {
  const paid = await client.send({ to: PAYEE, humanAmount: '0.001' }, { wait: 30 })
  const refused = await run('cancel', paid.id)
  expect(refused.code).toBe(1)
  expect(refused.err).toMatch(/CONFIRMED|already|final/i)
  expect(await run('cancel', 'nothing')).toMatchObject({ code: 1, err: expect.stringMatching(/not an id/) })
})

test('one command stops everything, says what is still out, and another begins the way back', async () => {
  expect((await run('kill-switch', '--status')).out).toMatch(/^NORMAL[\s\S]*No payment is open/)
  await chain.control.pauseMining()
  const { id } = await client.send({ to: PAYEE, humanAmount: '0.001' })
  await expect.poll(async () => (await client.getTransaction(id)).status).toBe('SUBMITTED')
  const stopped = (await run('kill-switch')).out
  expect(stopped).toMatch(/^ACTIVATED[\s\S]*by admin[\s\S]*waiaas recover[\s\S]*1 payment is still open/)
  await expect(client.send({ to: PAYEE, humanAmount: '0.001' })).rejects.toMatchObject({ status: 503 })
  expect((await run('status')).out).toMatch(/The kill switch is on.* See: waiaas kill-switch --status/)
  expect((await run('recover')).out).toMatch(/^RECOVERING[\s\S]*resumes at {2}\d{4}-/)
  expect((await run('kill-switch', '--status')).out).toMatch(/^RECOVERING/)
})

async function balanceOf(address: string): Promise<bigint> {
  const response = await fetch(chain.rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getBalance', params: [address, 'latest'] }),
  })
  return BigInt(((await response.json()) as { result: string }).result)
}
