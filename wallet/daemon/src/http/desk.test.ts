import type { SettingsView, TraceView, TransactionView } from '@waiaas/core'
import { routes, skillNames } from '@waiaas/core'
import { afterEach, expect, test } from 'vitest'
import { as, openSession, type Paying, payer, send, startPaying, TO, told } from './testing/real-engine.ts'
import { post } from './testing/start-http.ts'

let http: Paying
afterEach(() => http?.close())

async function traceOf(id: string, token: string): Promise<TraceView> {
  return (await (await http.fetch(`/v1/transactions/${id}/trace`, as(token))).json()) as TraceView
}

async function changeSettings(body: unknown): Promise<Response> {
  return await http.fetch('/v1/admin/settings', { ...post(body, bearer()), method: 'PUT' })
}

const bearer = () => ({ Authorization: `Bearer ${http.adminToken}` })

function settingIn(view: SettingsView, name: string) {
  return view.items.find((item) => item.name === name)
}

test('the trace shows facts, rules and policy version, and is reproduced after the policy has changed', async () => {
  http = await startPaying()
  const { token, agent } = await payer(http)
  const sent = (await (await send(http, token, { humanAmount: '2' })).json()) as TransactionView
  const rules = { instant_max: '1', delay_max: `${10n ** 20n}` }
  const policies = await http.operate<{ items: { id: string; type: string }[] }>('GET', '/v1/policies', undefined)
  const limit = policies.items.find(({ type }) => type === 'SPENDING_LIMIT')!
  await http.operate('PUT', `/v1/policies/${limit.id}`, { rules })
  const trace = await traceOf(sent.id, token)
  expect(trace).toMatchObject({ transactionId: sent.id, agentId: agent.id, tier: 'INSTANT', status: 'CONFIRMED' })
  expect(trace.judgements).toMatchObject([
    {
      tier: 'INSTANT',
      reproduced: true,
      traceHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      effects: [{ kind: 'spend', humanAmount: '2', to: TO }],
      facts: { counterparties: { [TO]: { known: false } } },
    },
  ])
  expect(trace.judgements[0]!.reasons).toEqual(trace.reasons)

  const waiting = (await (await send(http, token, { humanAmount: '3' })).json()) as TransactionView
  expect(waiting).toMatchObject({ tier: 'DELAY' })
  http.clock.advance(301)
  await http.engine.runDue()
  await http.engine.wait(waiting.id, 10)
  const twice = await traceOf(waiting.id, token)
  expect(twice.judgements.map(({ tier, reproduced }) => [tier, reproduced])).toEqual([
    ['DELAY', true],
    ['DELAY', true],
  ])
  expect(twice.judgements[0]!.policyVersion).toBeGreaterThan(trace.judgements[0]!.policyVersion)

  await http.db
    .updateTable('judgements')
    .set({ trace_hash: '0'.repeat(64) })
    .where('transaction_id', '=', sent.id)
    .execute()
  expect((await traceOf(sent.id, token)).judgements[0]!.reproduced).toBe(false)

  const other = await payer(http)
  expect(await told(await http.fetch(`/v1/transactions/${sent.id}/trace`, as(other.token)))).toBe('404 TX_NOT_FOUND')
})

test('settings hold over restarts, go back to the configuration, and every change is in the log', async () => {
  http = await startPaying()
  const before = await http.operate<SettingsView>('GET', '/v1/admin/settings', undefined)
  const name = 'policy.without_owner'
  expect(settingIn(before, name)).toEqual({ name, value: 'delay', configured: 'delay', changed: false })
  const changed = await changeSettings({ [name]: 'deny', 'security.rate_limit_session_rpm': 2 })
  expect(settingIn((await changed.json()) as SettingsView, name)).toMatchObject({ value: 'deny', changed: true })

  const { token } = await payer(http)
  const policies = await http.operate<{ items: { id: string; type: string }[] }>('GET', '/v1/policies', undefined)
  const limit = policies.items.find(({ type }) => type === 'SPENDING_LIMIT')!
  await http.operate('PUT', `/v1/policies/${limit.id}`, { rules: { instant_max: '1' } })
  expect(await told(await send(http, token, { humanAmount: '2' })), 'no owner: denied, not delayed').toBe(
    '403 POLICY_DENIED',
  )
  await http.fetch('/v1/wallet', as(token))
  expect(await told(await http.fetch('/v1/wallet', as(token)))).toBe('429 RATE_LIMIT_EXCEEDED')

  const { folder, chains } = http
  await http.close('keep')
  http = await startPaying({ folder, chains })
  const later = await http.operate<SettingsView>('GET', '/v1/admin/settings', undefined)
  expect(settingIn(later, name)).toMatchObject({ value: 'deny', configured: 'delay', changed: true })
  const reset = await changeSettings({ [name]: null, 'security.rate_limit_session_rpm': null })
  expect(settingIn((await reset.json()) as SettingsView, name)).toMatchObject({ value: 'delay', changed: false })
  expect(await told(await send(http, token, { humanAmount: '2' }))).toBe('QUEUED')
  const log = await http.operate<{ items: { data: unknown; actor: string }[] }>(
    'GET',
    '/v1/admin/audit?type=SETTING_CHANGED&actor=admin',
    undefined,
  )
  expect(log.items.map(({ data }) => data)).toMatchObject([
    { key: 'security.rate_limit_session_rpm', value: 2, previous: 100_000 },
    { key: name, value: 'deny', previous: 'delay' },
    { key: 'security.rate_limit_session_rpm', value: 100_000, previous: 2 },
    { key: name, value: 'delay', previous: 'deny' },
  ])
})

test.each<[unknown]>([
  [{}],
  [{ 'policy.without_owner': 'allow' }],
  [{ 'security.rate_limit_session_rpm': 0 }],
  [{ 'security.rate_limit_session_rpm': -1 }],
  [{ 'security.rate_limit_session_rpm': 1.5 }],
  [{ 'security.rate_limit_session_rpm': '5' }],
  [{ 'security.rate_limit_session_rpm': 2 ** 63 }],
  [{ 'security.recovery_wait_seconds': 0 }],
  [{ kill_switch: 'NORMAL' }],
  [{ policy_version: 0 }],
])('the setting %j is refused and changes nothing', async (body) => {
  http = await startPaying()
  expect(await told(await changeSettings(body))).toBe('400 VALIDATION_FAILED')
  const after = await http.operate<SettingsView>('GET', '/v1/admin/settings', undefined)
  expect(after.items.every(({ changed }) => !changed)).toBe(true)
})

test('the check of the audit log finds what was changed, and what was cut off after it was signed', async () => {
  http = await startPaying()
  const { agent } = await payer(http)
  await openSession(http, agent.id)
  const check = () => http.operate<Record<string, unknown>>('POST', '/v1/admin/audit/verify', undefined)
  const good = await check()
  expect(good).toMatchObject({
    ok: true,
    entries: expect.any(Number),
    lastHash: expect.stringMatching(/^[0-9a-f]{64}$/),
  })

  const last = await http.db.selectFrom('events').selectAll().orderBy('seq', 'desc').limit(1).executeTakeFirstOrThrow()
  await http.signCheckpoint({ seq: last.seq, hash: last.hash, at: last.at })
  expect(await check()).toMatchObject({ ok: true })
  await http.sql('DROP TRIGGER events_no_delete')
  await http.db.deleteFrom('events').where('seq', '>=', last.seq).execute()
  expect(await check()).toMatchObject({
    ok: false,
    firstBad: last.seq,
    why: expect.stringContaining('The signer has seen entry'),
  })

  await http.sql('DROP TRIGGER events_no_update')
  await http.db.updateTable('events').set({ actor: 'somebody else' }).where('seq', '=', 3).execute()
  expect(await check()).toMatchObject({ ok: false, firstBad: 3 })
})

test('the log is read by kind, agent, transaction and actor', async () => {
  http = await startPaying()
  const { token, agent, id } = await payer(http)
  const sent = (await (await send(http, token, { amount: '1' })).json()) as TransactionView
  const read = async (query: string) => {
    const path = `/v1/admin/audit?limit=1000&${query}`
    return (await http.operate<{ items: Record<string, unknown>[] }>('GET', path, undefined)).items
  }
  const own = await read(`transactionId=${sent.id}`)
  expect(own.map(({ type }) => type)).toEqual([
    'TX_REQUESTED',
    'TX_ALLOWED',
    'TX_SIGNED',
    'TX_SUBMITTED',
    'TX_CONFIRMED',
  ])
  expect(await read(`agentId=${agent.id}&type=TX_ALLOWED`)).toHaveLength(1)
  expect(await read(`actor=session:${id}`)).toMatchObject([{ type: 'TX_REQUESTED' }])
  expect(await read(`actor=${encodeURIComponent("' OR 1=1 --")}`)).toEqual([])
})

test('skills teach the routes that there are, and no others', async () => {
  http = await startPaying()
  const known = new Set(
    Object.values(routes).map(({ method, path }) => `${method.toUpperCase()} ${path.replace(/:(\w+)/g, '{$1}')}`),
  )
  for (const name of skillNames) {
    const { content } = (await (await http.fetch(`/v1/skills/${name}`)).json()) as { content: string }
    const named = content.match(/\b(?:GET|POST|PUT|DELETE) \/v1\/[\w/{}-]+/g) ?? []
    expect(named.filter((each) => !known.has(each))).toEqual([])
    expect(content).toMatch(/^# /)
  }
  for (const name of ['constructor', '__proto__', 'nothing', '..%2Fadmin']) {
    expect(await told(await http.fetch(`/v1/skills/${name}`))).toMatch(/^404 (SKILL_)?NOT_FOUND$/)
  }
  const nonces = await Promise.all(
    [1, 2].map(async () => (await http.fetch('/v1/nonce')).json() as Promise<{ nonce: string }>),
  )
  expect(new Set(nonces.map(({ nonce }) => nonce)).size).toBe(2)
  expect(nonces[0]!.nonce).toMatch(/^[0-9a-f]{64}$/)
})

test('a session whose lifetime is over says so, not only that its token has expired', async () => {
  http = await startPaying()
  const { token } = await payer(http)
  http.clock.advance(86_401)
  expect(await told(await http.fetch('/v1/wallet', as(token)))).toBe('401 TOKEN_EXPIRED')
  http.clock.advance(30 * 86_400)
  expect(await told(await http.fetch('/v1/wallet', as(token)))).toBe('401 SESSION_EXPIRED')
})

test('what may have been paid is given up, and ends as the chain decides; an equal payment waits for that', async () => {
  http = await startPaying()
  const { token } = await payer(http)
  const chain = http.chains.get('evm-local')!
  chain.setMining(false)
  chain.setMisfortune(() => 'lose answer')
  const headers = { Authorization: `Bearer ${token}`, 'Idempotency-Key': 'one' }
  const body = { to: TO, amount: '1', network: 'evm-local' }
  const sent = (await (await http.fetch('/v1/transactions/send', post(body, headers))).json()) as TransactionView
  const read = async () =>
    (await (await http.fetch(`/v1/transactions/${sent.id}`, as(token))).json()) as TransactionView
  await expect.poll(async () => (await read()).outcomeUnknown).toBe(true)
  const cancelled = await http.fetch(`/v1/transactions/${sent.id}/cancel`, { method: 'POST', ...as(token) })
  expect(cancelled.status).toBe(202)
  expect(await cancelled.json()).toMatchObject({ status: 'SUBMITTED', closing: true, notice: { code: 'CANCELLING' } })
  const again = { ...headers, 'Idempotency-Key': 'two' }
  expect(await told(await http.fetch('/v1/transactions/send', post(body, again)))).toBe('409 EQUAL_REQUEST_OPEN')
  chain.setMisfortune(() => 'none')
  const despite = { ...headers, 'Idempotency-Key': 'three' }
  const second = await http.fetch('/v1/transactions/send', post({ ...body, despite: sent.id }, despite))
  expect(second.status).toBe(201)
  await expect
    .poll(async () => {
      chain.mine()
      return (await read()).status
    })
    .toMatch(/CONFIRMED|CANCELLED/)
})
