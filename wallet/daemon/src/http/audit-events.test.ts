import { newId } from '@openpista/common'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOwner, askOwner } from './testing/owner.ts'
import { openSession, type Paying, pay, payer, send, startPaying, told } from './testing/real-engine.ts'
import { post } from './testing/start-http.ts'

/**
 * What must be in the log, by the names of the first version, and what it is called here. The start and the end of
 * a daemon, and of its keystore, are tried over the command line.
 */
const required = {
  AGENT_CREATED: 'AGENT_CREATED',
  AGENT_ACTIVATED: 'AGENT_RESUMED',
  AGENT_SUSPENDED: 'AGENT_SUSPENDED',
  AGENT_TERMINATED: 'AGENT_TERMINATED',
  SESSION_ISSUED: 'SESSION_CREATED',
  SESSION_REVOKED: 'SESSION_REVOKED',
  SESSION_EXPIRED: 'SESSION_EXPIRED',
  TX_REQUESTED: 'TX_REQUESTED',
  TX_QUEUED: 'TX_QUEUED',
  TX_SUBMITTED: 'TX_SUBMITTED',
  TX_CONFIRMED: 'TX_CONFIRMED',
  TX_FAILED: 'TX_FAILED',
  TX_CANCELLED: 'TX_CANCELLED',
  POLICY_VIOLATION: 'POLICY_VIOLATION',
  POLICY_UPDATED: 'POLICY_UPDATED',
  KEY_ROTATED: 'KEY_ROTATED',
  KILL_SWITCH_ACTIVATED: 'KILL_SWITCH_ACTIVATED',
  AUTH_FAILED: 'AUTH_FAILED',
  RATE_LIMIT_EXCEEDED: 'RATE_LIMIT_EXCEEDED',
} as const

/** Beyond that list: every change that an operator or an owner makes. */
const alsoRequired = [
  'AGENT_RENAMED',
  'KILL_SWITCH_RECOVERED',
  'KILL_SWITCH_RECOVERING',
  'OWNER_SET',
  'OWNER_VERIFIED',
  'POLICY_CREATED',
  'POLICY_DELETED',
  'SESSION_RENEWED',
  'SETTING_CHANGED',
  'TX_APPROVAL_EXPIRED',
  'TX_APPROVED',
  'TX_REJECTED',
  'WITHDRAW_ADDRESS_SET',
] as const

const owner = privateKeyToAccount(generatePrivateKey())
let http: Paying

beforeAll(async () => {
  http = await startPaying({ limits: { sessionPerMinute: 40 } })
})
afterAll(() => http.close())

const typesIn = async () =>
  new Set((await http.db.selectFrom('events').select('type').distinct().execute()).map(({ type }) => type))

async function decide(id: string, action: 'approve' | 'reject'): Promise<string> {
  const asked = (await (await http.fetch('/v1/owner/challenges', post({ action, resourceId: id }))).json()) as {
    message: string
    ownerAddress: string
  }
  const signature = await owner.signTypedData(JSON.parse(asked.message))
  return await told(await answerOwner(http, 'POST', `/v1/transactions/${id}/${action}`, asked, signature))
}

test('everything that has to be in the log is there, with who did it', async () => {
  const { agent, id: sessionId, token } = await payer(http, {}, { ownerAddress: owner.address, chains: ['evm'] })
  const other = await payer(http, {}, { chains: ['evm'] })
  const at = `/v1/agents/${agent.id}`
  await http.operate('PUT', at, { name: 'renamed' })
  const tiers = { instant_max: '1', delay_max: '5', delay_seconds: 60, approval_timeout: 300 }
  const policy = { agentId: agent.id, type: 'SPENDING_LIMIT', network: 'evm-local' }
  const { id } = await http.operate<{ id: string }>('POST', '/v1/policies', { ...policy, rules: tiers })
  await http.operate('PUT', `/v1/policies/${id}`, { rules: { ...tiers, delay_seconds: 120 } })
  const verify = await askOwner(http, 'verify', agent.id)
  await answerOwner(http, 'POST', `${at}/owner/verify`, verify, await owner.signMessage({ message: verify.message }))
  const home = 'So11111111111111111111111111111111111111112'
  const named = await askOwner(http, 'withdraw_address', agent.id, { address: home })
  const byOwner = await owner.signMessage({ message: named.message })
  await answerOwner(http, 'PUT', `${at}/withdraw-address`, named, byOwner, {}, { address: home })

  expect(await pay(http, token, { amount: '1' })).toBe('CONFIRMED')
  const waiting = async (amount: string) => ((await (await send(http, token, { amount })).json()) as { id: string }).id
  expect(await decide(await waiting('6'), 'approve')).not.toContain('40')
  expect(await decide(await waiting('7'), 'reject')).toBe('CANCELLED')
  await waiting('8')
  const list = { agentId: agent.id, type: 'WHITELIST', rules: { allowed_addresses: [] } }
  const whitelist = await http.operate<{ id: string }>('POST', '/v1/policies', list)
  expect(await pay(http, token, { amount: '1' })).toBe('403 WHITELIST_DENIED')
  await http
    .operate('POST', '/v1/policies', { ...list, agentId: other.agent.id })
    .then((made) => http.operate('DELETE', `/v1/policies/${(made as { id: string }).id}`))
  expect(whitelist.id).toBeTypeOf('string')
  http.chains.get('evm-local')!.setBroke(true)
  expect(await pay(http, other.token, { amount: '1' })).toBe('FAILED')
  http.chains.get('evm-local')!.setBroke(false)

  await http.operate('POST', `${at}/suspend`)
  await http.operate('POST', `${at}/resume`)
  await http.operate('PUT', '/v1/admin/settings', { 'policy.without_owner': 'deny' })
  await http.operate('POST', '/v1/admin/rotate-secret')
  await http.fetch('/v1/admin/login', post({ password: 'guessed' }))
  const greedy = await openSession(http, agent.id)
  const reading = { headers: { Authorization: `Bearer ${greedy.token}` } }
  await Promise.all(Array.from({ length: 60 }, () => http.fetch('/v1/wallet', reading)))
  const short = await openSession(http, other.agent.id, { ttl: 300 })
  http.clock.advance(200)
  const renewed = await http.fetch(`/v1/sessions/${short.id}/renew`, {
    method: 'PUT',
    headers: { Authorization: `Bearer ${short.token}` },
  })
  expect(renewed.status).toBe(200)
  await http.operate('DELETE', `/v1/sessions/${sessionId}`)
  http.clock.advance(301)
  await http.engine.runDue()

  const empty = await http.operate<{ id: string }>('POST', '/v1/agents', { name: 'empty', chains: ['evm'] })
  await http.operate('DELETE', `/v1/agents/${empty.id}`)
  await http.operate('POST', '/v1/admin/kill-switch')
  const recover = await askOwner(http, 'recover', agent.id)
  const signature = await owner.signMessage({ message: recover.message })
  const master = { Authorization: `Bearer ${http.adminToken}`, 'X-Request': newId() }
  expect((await answerOwner(http, 'POST', '/v1/admin/recover', recover, signature, master)).status).toBe(200)
  http.clock.advance(1801)
  await http.engine.runDue()

  const types = await typesIn()
  const missing = [...Object.values(required), ...alsoRequired].filter((type) => !types.has(type))
  expect(missing).toEqual([])
  const nameless = await http.db.selectFrom('events').select('type').where('actor', '=', '').execute()
  expect(nameless).toEqual([])
  expect(await http.operate('POST', '/v1/admin/audit/verify')).toMatchObject({ ok: true })
})

test('a flood is told once a minute, not once per request, and an expiry once', async () => {
  const count = async (type: string) =>
    (await http.db.selectFrom('events').select('data').where('type', '=', type).execute()).length
  expect(await count('RATE_LIMIT_EXCEEDED')).toBe(1)
  const expired = await count('SESSION_EXPIRED')
  await http.engine.runDue()
  expect(await count('SESSION_EXPIRED')).toBe(expired)
})
