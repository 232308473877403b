import { deployErc20, type EvmNode } from '@waiaas/devnet'
import { WAIaaSClient } from '@waiaas/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Env, type RunningWallet, runCli } from './testing/run-cli.ts'
import { startWalletOnEvm } from './testing/wallet-on-evm.ts'

const PAYEE = '0x00000000000000000000000000000000000000AA'
let env: Env
let chain: EvmNode
let wallet: RunningWallet
let token: string
let stop: () => Promise<void> = async () => {}

beforeAll(async () => {
  ;({ env, chain, wallet, token, stop } = await startWalletOnEvm())
})
afterAll(() => stop())

const run = (...args: string[]) => runCli(args, env)
const faults = (words: RegExp) => ({ code: 1, err: expect.stringMatching(words) })

test('a payment is tried before, and explained after', async () => {
  const tried = await run('simulate', 'alice', '--to', PAYEE, '--amount', '0.001')
  expect(tried).toMatchObject({ code: 0, err: '' })
  expect(tried.out).toMatch(/Does {6}send 0\.001 ETH to 0x0{38}AA[\s\S]*Verdict {3}NOTIFY[\s\S]*trace [0-9a-f]{64}/)

  const client = new WAIaaSClient({ baseUrl: wallet.url, sessionToken: token })
  const sent = await client.send({ to: PAYEE, humanAmount: '0.001' }, { wait: 30 })
  const traced = await run('trace', sent.id)
  expect(traced.out).toMatch(/CONFIRMED[\s\S]*NOTIFY {3}COUNTERPARTY[\s\S]*the same when asked again/)
  const hash = /trace ([0-9a-f]{64})/.exec(tried.out)![1]
  expect(traced.out).toContain(hash)

  expect(await run('simulate', 'alice', '--to', PAYEE)).toMatchObject(faults(/exactly one of --amount/))
  expect(await run('simulate', 'alice', '--to', 'nobody', '--amount', '1')).toMatchObject(
    faults(/not an address on evm/),
  )
  expect(await run('simulate', 'bob', '--to', PAYEE, '--amount', '1')).toMatchObject(
    faults(/no agent bob[\s\S]*agent list/),
  )
  expect(await run('trace', 'nothing')).toMatchObject(faults(/not an id/))
})

test('tokens are listed by what their chain says', async () => {
  const address = await deployErc20({
    rpcUrl: chain.rpcUrl,
    name: 'Dollar',
    symbol: 'US\u001b[2JDX',
    decimals: 6,
    supply: 1n,
    owner: PAYEE,
  })
  expect((await run('token', 'list')).out).toContain('waiaas token add')
  const added = await run('token', 'add', 'evm-local', address)
  expect(added).toMatchObject({ code: 0, out: expect.stringContaining('6 decimals') })
  expect((await run('token', 'list', '--network', 'evm-local')).out).not.toContain('\u001b')
  expect(await run('token', 'add', 'evm-local', PAYEE)).toMatchObject(faults(/no token on evm-local/))
  expect(await run('token', 'add', 'nowhere', PAYEE)).toMatchObject(faults(/unknown network/))
  expect(await run('token', 'remove', 'evm-local', address)).toMatchObject({ code: 0 })
  expect(await run('token', 'remove', 'evm-local', address)).toMatchObject(faults(/is not listed/))
})

test('agents and sessions are kept by hand', async () => {
  expect((await run('agent', 'suspend', 'alice')).out).toBe('Agent alice is SUSPENDED.\n')
  const suspended = new WAIaaSClient({ baseUrl: wallet.url, sessionToken: token })
  await expect(suspended.send({ to: PAYEE, humanAmount: '0.001' })).rejects.toMatchObject({ code: 'AGENT_SUSPENDED' })
  expect((await run('agent', 'resume', 'alice')).out).toBe('Agent alice is ACTIVE.\n')
  expect(await run('agent', 'withdraw', 'alice')).toMatchObject(faults(/No owner/))
  expect(await run('agent', 'terminate', 'alice')).toMatchObject(faults(/still money[\s\S]*withdraw/))
  expect((await run('agent', 'add-wallet', 'alice', '--chain', 'solana')).out.trim().split('\n')).toHaveLength(2)
  expect((await run('agent', 'rename', 'alice', 'carol')).code).toBe(0)

  expect(await run('session', 'create', 'carol', '--ttl', '5')).toMatchObject(faults(/^waiaas: --ttl: Too small/))
  const listed = await run('session', 'list', 'carol')
  const [id] = /^[0-9a-f-]{36}(?= {2}ACTIVE)/m.exec(listed.out)!
  expect((await run('session', 'revoke', id)).out).toContain('REVOKED')
  await expect(suspended.getWallet()).rejects.toMatchObject({ code: 'SESSION_REVOKED' })
})
