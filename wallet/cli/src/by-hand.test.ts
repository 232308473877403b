import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { EvmNode } from '@waiaas/devnet'
import { WAIaaSClient } from '@waiaas/sdk'
import { serializeTransaction } from 'viem'
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
const closingOf = async (id: string) => (await client.getTransaction(id)).closing

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
  expect(await run('tx', 'continue', id)).toMatchObject(faults(/was not given up[\s\S]*waiaas tx show/))
  const more = `${BigInt((await client.getTransaction(id)).maxFee!) * 5n}`
  const given = await run('tx', 'cancel', id, '--max-fee', more)
  expect(given).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/SUBMITTED, closing/) })
  expect(await client.getTransaction(id)).toMatchObject({ closing: true, maxFee: more })
  expect(await run('tx', 'continue', id)).toMatchObject(faults(/what ends it is out/))
  await chain.control.behave()
  await expect.poll(async () => (await client.getTransaction(id)).status).toBe('CANCELLED')
  expect(await run('tx', 'prove', id, '--rpc', chain.rpcUrl)).toMatchObject(faults(/CANCELLED[\s\S]*waiaas tx show/))
})

test('a fee that cannot be meant is refused before the payment is given up', async () => {
  const id = await refused()
  const { maxFee } = await client.getTransaction(id)
  for (const digits of ['1e18', '0.5', '-1']) {
    const answer = await run('tx', 'cancel', id, `--max-fee=${digits}`)
    expect(answer).toMatchObject(faults(/--max-fee .* is not a whole number of base units[\s\S]*wei/))
  }
  for (const less of ['1', maxFee!]) {
    expect(await run('tx', 'cancel', id, '--max-fee', less)).toMatchObject(faults(/ETH .* already[\s\S]*waiaas tx/))
  }
  const dear = await run('cancel', id, '--max-fee', `${10n ** 17n}`)
  expect(dear).toMatchObject(faults(/up to 0\.1 ETH \(100000000000000000 base units\)[\s\S]*--yes/))
  expect(await closingOf(id)).toBe(false)
  const tooMuch = await run('cancel', id, '--max-fee', `${10n ** 20n}`, '--yes')
  expect(tooMuch).toMatchObject(faults(/is being cancelled, and its fee stays at most 0\.\d+ ETH/))
  expect(await client.getTransaction(id)).toMatchObject({ closing: true, maxFee })
  const allowed = await run('cancel', id, '--max-fee', `${10n ** 17n}`, '--yes')
  expect(allowed).toMatchObject({ code: 0, out: expect.stringMatching(/closing/) })
  await chain.control.behave()
  await expect.poll(async () => (await client.getTransaction(id)).status).toBe('CANCELLED')
})

test('a payment that was not sent is cancelled without a fee, which is said', async () => {
  const { id, status } = await client.send({ to: PAYEE, humanAmount: '0.1' })
  expect(status).toBe('QUEUED')
  const cancelled = await run('tx', 'cancel', id, '--max-fee', '1')
  expect(cancelled).toMatchObject({ code: 0, out: expect.stringMatching(/nothing was paid[\s\S]*--max-fee was not/) })
})

test('the operator sees what payments do, why they are not over, and what can follow', async () => {
  const id = await refused()
  const waiting = await client.send({ to: PAYEE, humanAmount: '0.2' })
  await expect.poll(async () => (await client.getTransaction(id)).notice?.nodeWords).toMatch(/not today/)
  const open = await run('tx', 'list', '--open')
  expect(open).toMatchObject({ code: 0, err: '' })
  expect(open.out).toMatch(new RegExp(`${waiting.id} {2}\\d{4}-.*Z {2}alice {2}evm-local {2}QUEUED`))
  expect(open.out).toMatch(
    new RegExp(`0\\.000000000000001 ETH to ${PAYEE}\n {2}hash 0x[0-9a-f]{64}\n {2}fee at most 0\\.`),
  )
  expect(open.out).toMatch(/NOT_ACCEPTED: [\s\S]*The node said: .*not today[\s\S]*Waits for: /)
  expect(open.out.match(/^[0-9a-f-]{36}/gm)).toEqual([waiting.id, id])
  expect((await run('tx', 'list', '--agent', 'nobody')).err).toMatch(/no agent nobody/)
  expect((await run('tx', 'list', '--limit', 'x')).err).toMatch(/--limit x/)
  const newest = await run('tx', 'list', '--agent', 'alice', '--limit', '1')
  expect(newest.out).toMatch(/older ones: waiaas tx list --limit 2/)
  const listed = JSON.parse((await run('tx', 'list', '--json')).out) as { id: string }[]
  expect(listed.slice(0, 2)).toMatchObject([{ id: waiting.id }, { id, notice: { code: 'NOT_ACCEPTED' } }])

  const shown = await run('tx', 'show', id)
  expect(shown.out).toMatch(/Amount +0\.000000000000001 ETH \(1000 base units\)/)
  expect(shown.out).toMatch(/Status +SUBMITTED\n[\s\S]*Notice +NOT_ACCEPTED[\s\S]*not today/)
  for (const command of ['cancel', 'prove', 'write-off']) expect(shown.out).toContain(`waiaas tx ${command} ${id}`)
  expect(JSON.parse((await run('tx', 'show', id, '--json')).out)).toEqual(await client.getTransaction(id))
  const nothing = '01a22c94-c8e0-72f1-921e-1876b024d36d'
  expect(await run('tx', 'show', nothing)).toMatchObject(faults(/no transaction[\s\S]*waiaas tx list/))

  expect((await run('status')).out).toMatch(/is running[\s\S]*2 payments are open, .*waiaas tx list --open/)
  expect(JSON.parse((await run('status', '--json')).out)).toMatchObject({ openTransactions: 2, heldAccounts: 0 })
  expect((await run('doctor')).out).toMatch(/ok {4}payments: 2 open, see: waiaas tx list --open/)
  expect((await run('kill-switch', '--status')).out).toMatch(/^NORMAL[\s\S]*2 payments are open/)
  await run('tx', 'cancel', waiting.id)
  await run('tx', 'cancel', id)
  await chain.control.behave()
  await expect.poll(async () => (await client.getTransaction(id)).status).toBe('CANCELLED')
  expect((await run('tx', 'list', '--open')).out).toBe('No payment is open.\n')
})

test('a payment is ended without a proof only where that is confirmed', async () => {
  const id = await refused()
  const silent = await run('tx', 'prove', id, '--rpc', 'http://user:secret@127.0.0.1:9/key')
  expect(silent).toMatchObject(faults(/^Asking 127\.0\.0\.1:9 [\s\S]*node[\s\S]*another node with --rpc/))
  expect(silent.err).not.toMatch(/Idempotency|secret/)
  expect(await run('tx', 'prove', id, '--rpc', 'file:///etc/passwd')).toMatchObject(faults(/--rpc must be an http/))
  expect(await run('tx', 'write-off', id)).toMatchObject(faults(/exactly one of --as-paid and --as-unpaid/))
  expect(await run('tx', 'write-off', id, '--as-paid', '--as-unpaid')).toMatchObject(faults(/exactly one/))
  expect(await run('tx', 'write-off', id, '--as-unpaid')).toMatchObject(faults(/--amount[\s\S]*waiaas tx show/))
  const unpaid = (...more: string[]) => run('tx', 'write-off', id, '--as-unpaid', ...more)
  expect(await unpaid('--amount', 'x')).toMatchObject(faults(/--amount x is not a whole number/))
  const wrong = await unpaid('--amount', '5', '--yes')
  expect(wrong).toMatchObject(faults(/not the amount of this payment[\s\S]*waiaas tx show/))
  expect(wrong.err).not.toMatch(/1000|0\.000000000000001/)
  expect(await unpaid('--amount', '1000')).toMatchObject(faults(/It ends as unpaid[\s\S]*confirmed[\s\S]*--yes/))
  expect(await run('tx', 'write-off', id, '--as-paid')).toMatchObject(faults(/It ends as paid[\s\S]*--yes/))
  expect(await unpaid('--amount', '1000', '--yes')).toMatchObject(faults(/not used yet/))
  expect(await run('tx', 'write-off', id, '--as-paid', '--yes')).toMatchObject(faults(/not used yet/))
  await chain.control.behave()
})

test('what was signed for another program to send is ended by the operator alone', async () => {
  const fees = { gas: 21_000n, maxFeePerGas: 3n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n }
  const to = PAYEE.toLowerCase() as `0x${string}`
  const transaction = serializeTransaction({ type: 'eip1559', chainId: 31337, nonce: 900, to, value: 1000n, ...fees })
  const { id } = await client.signTransaction({ network: 'evm-local', transaction })
  expect((await run('tx', 'show', id)).out).toMatch(new RegExp(`waiaas tx write-off ${id} --as-paid`))
  expect(await run('tx', 'cancel', id)).toMatchObject(faults(/can still send it[\s\S]*write it off as paid/))
  const unpaid = await run('tx', 'write-off', id, '--as-unpaid', '--amount', '1000', '--yes')
  expect(unpaid).toMatchObject(faults(/can still send it[\s\S]*write it off as paid/))
  expect(await run('tx', 'write-off', id, '--as-paid')).toMatchObject(faults(/whoever has its bytes[\s\S]*--yes/))
  const ended = await run('tx', 'write-off', id, '--as-paid', '--yes')
  expect(ended).toMatchObject({ code: 0, out: expect.stringMatching(/CONFIRMED[\s\S]*WRITTEN_OFF/) })
})

test('accounts are listed and released, in whatever letter case their address is written', async () => {
  expect(await run('account', 'list')).toMatchObject({ code: 0, out: 'No account is held.\n' })
  expect(await run('account', 'release', 'evm-local', PAYEE)).toMatchObject(faults(/is not held[\s\S]*account list/))
  const address = (await client.getAddress()).address
  const hold = () => {
    const database = new DatabaseSync(join(env.WAIAAS_DATA_DIR!, 'data', 'waiaas.db'), { timeout: 5_000 })
    database.prepare("UPDATE lanes SET held = 'a second daemon' WHERE address = ?").run(address)
    database.close()
  }
  for (const written of [address.toLowerCase(), address]) {
    hold()
    expect((await run('account', 'list')).out).toBe(`evm-local  ${address}\n  a second daemon\n`)
    expect(await run('account', 'release', 'evm-local', written)).toMatchObject({ code: 0, err: '' })
    expect((await run('account', 'list')).out).toBe('No account is held.\n')
  }
  hold()
  expect((await run('status')).out).toMatch(/1 account is held, .*waiaas account list/)
  expect((await run('doctor')).out).toMatch(/ok {4}payments: .*1 account is held/)
  expect((await run('account', 'release', '--all')).out).toBe(`${address} on evm-local is released.\n`)
  for (const none of ['0x12', 'alice', address.toLowerCase().replace(/[a-f]/, (digit) => digit.toUpperCase())]) {
    expect(await run('account', 'release', 'evm-local', none)).toMatchObject(
      faults(/is not a valid address on evm-local/),
    )
  }
  expect(await run('account', 'release', 'moon', PAYEE)).toMatchObject(faults(/^waiaas: <network>: unknown network/))
})
