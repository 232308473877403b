import { randomBytes } from 'node:crypto'
import { type Route, routes } from '@waiaas/core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import {
  as,
  askOwner,
  balanceOf,
  ETH,
  newOwner,
  newPayee,
  ownerProof,
  pay,
  payer,
  read,
  send,
  sentBy,
  told,
  until,
} from './acts.ts'
import { scenario } from './scenario.ts'
import { type Call, type Headers, PASSWORD, type StartedWallet, startWallet } from './started-wallet.ts'

const WAIT_WITHOUT_OWNER = 86_400

let wallet: StartedWallet
beforeAll(async () => {
  wallet = await startWallet()
})
afterEach(async () => {
  await wallet.evm.control.behave()
  if ((await state()) !== 'NORMAL') await release({})
})
afterAll(() => wallet?.close())

const state = async () => (await wallet.operate('GET', '/v1/admin/kill-switch')).state
const withoutMaster = async (path: string, headers: Headers) =>
  told(await wallet.call(path, { method: 'POST', headers }))
const asMaster = async (method: string, path: string, call: Omit<Call, 'method'> = {}) =>
  told(await wallet.asOperator(method, path, call))
const activate = () => asMaster('POST', '/v1/admin/kill-switch')
const recover = (headers: Headers = {}) => asMaster('POST', '/v1/admin/recover', { headers })

/** Recovers, and lets the waiting time pass. */
async function release(owner: Headers): Promise<void> {
  if ((await state()) === 'ACTIVATED') expect(await recover(owner)).toBe('ok')
  wallet.clock.advance(WAIT_WITHOUT_OWNER)
  while ((await state()) !== 'NORMAL') await new Promise((resolve) => setTimeout(resolve, 50))
}

/** Neither spends nor lets anybody spend. */
const openWhileLocked = [
  ...['health', 'openApi', 'getSkill', 'login', 'logout', 'adminStatus', 'shutdown', 'listAudit', 'verifyAudit'],
  ...['killSwitch', 'getKillSwitch', 'recover', 'challenge'],
]

scenario('SEC-03-01', async () => {
  const { token, agentId, evm } = await payer(wallet)
  const to = newPayee()
  expect(await activate()).toBe('ok')
  expect(
    await Promise.all([
      pay(wallet, token, { to, amount: '1' }),
      read(wallet, token),
      read(wallet, token, '/v1/transactions'),
    ]),
  ).toEqual(Array(3).fill('503 SYSTEM_LOCKED'))
  for (const [name, route] of Object.entries<Route>(routes)) {
    if (openWhileLocked.includes(name)) continue
    const path = route.path.replaceAll(/:\w+/g, agentId)
    expect([name, await asMaster(route.method.toUpperCase(), path)]).toEqual([name, '503 SYSTEM_LOCKED'])
  }
  for (const path of ['/health', '/v1/admin/status', '/v1/admin/kill-switch', '/v1/admin/audit']) {
    expect([path, (await wallet.asOperator('GET', path)).status]).toEqual([path, 200])
  }
  expect([await balanceOf(wallet, to), await sentBy(wallet, evm)]).toEqual([0n, 0])
})

scenario('SEC-03-02', async () => {
  const guess = (password: string) => withoutMaster('/v1/admin/recover', { 'X-Master-Password': password })
  const answers: string[] = []
  for (let count = 0; count < 6; count++) answers.push(await guess(`guess number ${count}`))
  answers.push(await guess(PASSWORD))
  answers.push(told(await wallet.call('/v1/admin/login', { body: { password: PASSWORD } })))
  expect(answers).toEqual([...Array(6).fill('401 INVALID_MASTER_PASSWORD'), '409 KILL_SWITCH_NOT_ACTIVE', 'ok'])
})

scenario('SEC-03-03', async () => {
  const owner = newOwner()
  const { agentId } = await payer(wallet, { agent: { ownerAddress: owner.address } })
  const first = await askOwner(wallet, 'kill_switch', agentId)
  const stop = ownerProof(first, await owner.sign(first.message))
  expect(await withoutMaster('/v1/admin/kill-switch', stop)).toBe('ok')
  const asked = await askOwner(wallet, 'recover', agentId)
  const forged = ownerProof(asked, await newOwner().sign(asked.message))
  const foreign = { ...forged, 'X-Owner-Address': newOwner().address }
  expect([
    await recover(forged),
    await recover(foreign),
    await recover(stop),
    await withoutMaster('/v1/admin/recover', stop),
    await recover(),
    await state(),
  ]).toEqual([
    '401 INVALID_SIGNATURE',
    '401 INVALID_SIGNATURE',
    '401 INVALID_NONCE',
    '401 INVALID_TOKEN',
    '401 OWNER_SIGNATURE_REQUIRED',
    'ACTIVATED',
  ])
  await release(ownerProof(asked, await owner.sign(asked.message)))
  await wallet.evm.control.behave()
  // So that the recoveries of other scenarios need no owner.
  wallet.sql(`UPDATE agents SET owner_verified_at = NULL WHERE id = '${agentId}'`)
})

scenario('SEC-03-04', async () => {
  const { agentId, token } = await payer(wallet)
  // One of these fits into the balance. No block comes, so the others fail beside it, before they are signed.
  await wallet.evm.control.pauseMining()
  const sent = await Promise.all(
    [1, 2, 3, 4].map(async (wei) => {
      const headers = { ...as(token), 'Idempotency-Key': randomBytes(16).toString('hex') }
      const body = { network: 'evm-local', to: newPayee(), amount: `${600n * ETH + BigInt(wei)}` }
      const { id } = (await wallet.call('/v1/transactions/send', { headers, body })).body as { id: string }
      return (await until(wallet, id, 'SUBMITTED', 'FAILED')).status
    }),
  )
  const status = async () => (await wallet.operate('GET', `/v1/agents/${agentId}`)).status
  while ((await status()) !== 'SUSPENDED') await new Promise((resolve) => setTimeout(resolve, 50))
  await wallet.evm.control.resumeMining()
  const to = newPayee()
  expect([...sent.toSorted(), await pay(wallet, token, { to, amount: '4' })]).toEqual([
    ...Array(3).fill('FAILED'),
    'SUBMITTED',
    '409 AGENT_SUSPENDED',
  ])
  expect(await balanceOf(wallet, to)).toBe(0n)
  expect(await read(wallet, token)).toBe('SUSPENDED')
})

scenario('SEC-03-05', async () => {
  const both = await Promise.all([activate(), activate()])
  expect([...both.sort(), await activate()]).toEqual(['409 KILL_SWITCH_ACTIVE', 'ok', '409 KILL_SWITCH_ACTIVE'])
})

scenario('SEC-03-06', async () => {
  const { token } = await payer(wallet, { session: { ttl: 604_800 } })
  await activate()
  await release({})
  expect([await pay(wallet, token, { amount: '1' }), await read(wallet, token)]).toEqual([
    '401 SESSION_REVOKED',
    '401 SESSION_REVOKED',
  ])
})

scenario('SEC-03-07', async () => {
  const { token, sessionId } = await payer(wallet, { limits: { instant_max: '1', delay_max: '10' } })
  const waiting = await send(wallet, token, { to: newPayee(), amount: '5' })
  const to = newPayee()
  wallet.sql("CREATE TRIGGER broken BEFORE UPDATE ON sessions BEGIN SELECT raise(ABORT, 'broken'); END")
  const failed = await activate()
  const answers = [failed, await pay(wallet, token, { to, amount: '1' })]
  wallet.sql('DROP TRIGGER broken')
  const session = wallet.sql(`SELECT revoked_at FROM sessions WHERE id = '${sessionId}'`)
  const row = wallet.sql(`SELECT status FROM transactions WHERE id = '${waiting.body.id}'`)
  expect([...answers, session, row]).toEqual([
    '500 INTERNAL_ERROR',
    '503 SYSTEM_LOCKED',
    [{ revoked_at: null }],
    [{ status: 'QUEUED' }],
  ])
  expect(await activate()).toBe('ok')
  const after = wallet.sql(`SELECT status FROM transactions WHERE id = '${waiting.body.id}'`)
  expect([after, await balanceOf(wallet, to)]).toEqual([[{ status: 'CANCELLED' }], 0n])
})

scenario('SEC-03-08', async () => {
  const { token } = await payer(wallet)
  await activate()
  expect(await recover()).toBe('ok')
  expect([
    await pay(wallet, token, { amount: '1' }),
    await asMaster('GET', '/v1/agents'),
    told(await wallet.call('/v1/wallet', { headers: as(token) })),
    await recover(),
  ]).toEqual([...Array(3).fill('503 SYSTEM_LOCKED'), '409 RECOVERY_ALREADY_STARTED'])
  wallet.clock.advance(WAIT_WITHOUT_OWNER - 60)
  expect(await asMaster('GET', '/v1/agents')).toBe('503 SYSTEM_LOCKED')
})
