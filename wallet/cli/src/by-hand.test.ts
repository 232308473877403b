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
  let token: string
  ;({ env, chain, wallet, token, stop } = await startWalletOnEvm())
  client = new WAIaaSClient({ baseUrl: wallet.url, sessionToken: token })
})
afterAll(() => stop())

const run = (...args: string[]) => runCli(args, env)
const faults = (words: RegExp) => ({ code: 1, err: expect.stringMatching(words) })

/** A payment that the node refuses, in words that nobody knows. */
async function refused(): Promise<string> {
  const error = { code: -32000, message: 'not today' }
  await chain.control.misbehave({
    method: 'eth_sendRawTransaction',
    times: 'always',
    action: { kind: 'refuse', error },
  })
  const { id } = await client.send({ to: PAYEE, amount: '1000' })
  await expect.poll(async () => (await client.getTransaction(id)).status).toBe('SUBMITTED')
  return id
}

test('a payment that is out is cancelled, and ends when that is proven', async () => {
  const id = await refused()
  expect(await run('tx', 'continue', id)).toMatchObject(faults(/was not given up/))
  const given = await run('tx', 'cancel', id, '--max-fee', `${10n ** 15n}`)
  expect(given).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/SUBMITTED, closing/) })
  expect(await run('tx', 'cancel', id, '--max-fee', '1')).toMatchObject(faults(/may be 1000000000000000 already/))
  expect(await run('tx', 'continue', id)).toMatchObject(faults(/what ends it is out/))
  await chain.control.behave()
  await expect.poll(async () => (await client.getTransaction(id)).status).toBe('CANCELLED')
  expect(await run('tx', 'prove', id, '--rpc', chain.rpcUrl)).toMatchObject(faults(/CANCELLED/))
})

test('a payment is ended without a proof only in so many words', async () => {
  const id = await refused()
  expect(await run('tx', 'prove', id, '--rpc', 'http://127.0.0.1:9')).toMatchObject(faults(/node/))
  expect(await run('tx', 'prove', id, '--rpc', 'file:///etc/passwd')).toMatchObject({ code: 1 })
  expect(await run('tx', 'write-off', id)).toMatchObject(faults(/exactly one of --as-paid and --as-unpaid/))
  expect(await run('tx', 'write-off', id, '--as-paid', '--as-unpaid')).toMatchObject(faults(/exactly one/))
  expect(await run('tx', 'write-off', id, '--as-unpaid')).toMatchObject(faults(/--amount/))
  expect(await run('tx', 'write-off', id, '--as-unpaid', '--amount', '5')).toMatchObject(faults(/is 1000 base units/))
  expect(await run('tx', 'write-off', id, '--as-unpaid', '--amount', '1000')).toMatchObject(faults(/not used yet/))
  expect(await run('tx', 'write-off', id, '--as-paid')).toMatchObject(faults(/not used yet/))
  await chain.control.behave()
})

test('accounts are listed and released', async () => {
  expect(await run('account', 'list')).toMatchObject({ code: 0, out: 'No account is held.\n' })
  const { out } = await run('account', 'release', 'evm-local', PAYEE)
  expect(out).toBe(`${PAYEE} on evm-local was not held.\n`)
  expect(await run('account', 'release', 'moon', PAYEE)).toMatchObject(faults(/unknown network/))
})
