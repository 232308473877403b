import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { answerOwner, askOwner } from './testing/owner.ts'
import { as, type Paying, pay, payer, send, startPaying, TO, told } from './testing/real-engine.ts'
import { PASSWORD, post } from './testing/start-http.ts'

const owner = privateKeyToAccount(generatePrivateKey())

async function withPaying(work: (own: Paying) => Promise<void>): Promise<void> {
  const own = await startPaying()
  try {
    await work(own)
  } finally {
    await own.close()
  }
}

const state = (own: Paying) => own.operate<{ state: string }>('GET', '/v1/admin/kill-switch')
const statusOf = async (own: Paying, id: string) => (await own.engine.view(id))!.status

test('the kill switch stops everything at once, over a restart, and lets go after the waiting time', async () => {
  const own = await startPaying()
  const { agent, token } = await payer(own)
  const waiting = { instant_max: '1', delay_max: `${10n ** 21n}`, delay_seconds: 60 }
  await own.operate('POST', '/v1/policies', { agentId: agent.id, type: 'SPENDING_LIMIT', rules: waiting, priority: 1 })
  const queued = (await (await send(own, token, { amount: '5' })).json()) as { id: string; status: string }
  expect(queued.status).toBe('QUEUED')
  own.chains.get('evm-local')!.setMining(false)
  const sent = (await (await send(own, token, { amount: '1' })).json()) as { id: string; status: string }
  expect(sent.status).toBe('SUBMITTED')

  expect(await own.operate('POST', '/v1/admin/kill-switch')).toMatchObject({ state: 'ACTIVATED', activatedBy: 'admin' })
  expect(await statusOf(own, queued.id)).toBe('CANCELLED')
  expect(await pay(own, token, { amount: '1' })).toBe('503 SYSTEM_LOCKED')
  for (const path of ['/v1/wallet', '/v1/agents', '/v1/transactions', '/v1/policies']) {
    expect([path, await told(await own.fetch(path, as(token)))]).toEqual([path, '503 SYSTEM_LOCKED'])
  }
  await expect(own.operate('GET', '/v1/transactions?open=true')).rejects.toThrow('503 {"code":"SYSTEM_LOCKED"')
  await expect(own.operate('POST', '/v1/admin/kill-switch')).rejects.toThrow('409 {"code":"KILL_SWITCH_ACTIVE"')
  for (const path of ['/health', '/v1/admin/status', '/v1/admin/kill-switch', '/v1/admin/audit']) {
    const answer = await own.fetch(path, { headers: { 'X-Master-Password': PASSWORD } })
    expect([path, answer.status]).toEqual([path, 200])
  }
  own.chains.get('evm-local')!.setMining(true)
  own.chains.get('evm-local')!.mine()
  expect(await own.engine.wait(sent.id, 10), 'what was sent is followed').toMatchObject({ status: 'CONFIRMED' })
  await own.close('keep')

  const again = await startPaying({ folder: own.folder, chains: own.chains })
  try {
    expect(await state(again)).toMatchObject({ state: 'ACTIVATED' })
    expect(await again.operate('POST', '/v1/admin/recover')).toMatchObject({ state: 'RECOVERING' })
    await expect(again.operate('POST', '/v1/admin/recover')).rejects.toThrow('409 {"code":"RECOVERY_ALREADY_STARTED"')
    again.clock.advance(86_390)
    await again.engine.runDue()
    expect(await pay(again, token, { amount: '1' })).toBe('503 SYSTEM_LOCKED')
    again.clock.advance(11)
    await again.engine.runDue()
    expect(await state(again)).toEqual({ state: 'NORMAL' })
    await expect(again.operate('POST', '/v1/admin/recover')).rejects.toThrow('409 {"code":"KILL_SWITCH_NOT_ACTIVE"')
    expect(await told(await again.fetch('/v1/wallet', as(token)))).toBe('401 SESSION_REVOKED')
    const fresh = await again.operate<{ token: string }>('POST', '/v1/sessions', { agentId: agent.id })
    expect(await pay(again, fresh.token, { amount: '1' })).toBe('CONFIRMED')
    expect(await again.operate('POST', '/v1/admin/audit/verify')).toMatchObject({ ok: true })
  } finally {
    await again.close()
  }
})

test('sessions stay revoked after a recovery', () =>
  withPaying(async (own) => {
    const { token } = await payer(own, { ttl: 604_800 })
    await own.operate('POST', '/v1/admin/kill-switch')
    await own.operate('POST', '/v1/admin/recover')
    own.clock.advance(86_401)
    await own.engine.runDue()
    expect(await told(await own.fetch('/v1/wallet', as(token)))).toBe('401 SESSION_REVOKED')
  }))

test('of many payments at once none is signed after the answer of the kill switch', () =>
  withPaying(async (own) => {
    const { token } = await payer(own)
    const payments = Array.from({ length: 20 }, () => pay(own, token, { amount: '1' }))
    const stopped = own.operate('POST', '/v1/admin/kill-switch').then(async () => {
      const rows = await own.db.selectFrom('attempts').select('id').execute()
      return rows.length
    })
    const signed = await stopped
    const answers = await Promise.all(payments)
    const rows = await own.db.selectFrom('attempts').selectAll().execute()
    const alive = rows.filter(({ state }) => state !== 'DEAD')
    expect(alive.length).toBeLessThanOrEqual(signed)
    expect(own.chains.get('evm-local')!.books.blocks.length).toBe(alive.length)
    expect(new Set(answers)).not.toContain('PENDING')
    const open = await own.db
      .selectFrom('transactions')
      .select('status')
      .where('status', 'in', ['PENDING', 'QUEUED', 'EXECUTING'])
    expect(await open.execute()).toEqual([])
  }))

test('a signer that was found halted turns the kill switch on', async () => {
  const own = await startPaying()
  await own.close('keep')
  const { writeFileSync } = await import('node:fs')
  writeFileSync(`${own.folder}/keystore/halted`, '', { mode: 0o600 })
  const again = await startPaying({ folder: own.folder })
  try {
    expect(await state(again)).toMatchObject({ state: 'ACTIVATED', activatedBy: 'signer' })
  } finally {
    await again.close()
  }
})

test('an owner turns it on, and is needed to turn it off', () =>
  withPaying(async (own) => {
    const { agent } = await payer(own, {}, { ownerAddress: owner.address })
    const asked = await askOwner(own, 'kill_switch', agent.id)
    const signature = await owner.signMessage({ message: asked.message })
    expect(await told(await answerOwner(own, 'POST', '/v1/admin/recover', asked, signature))).toBe('401 INVALID_TOKEN')
    const stopped = await answerOwner(own, 'POST', '/v1/admin/kill-switch', asked, signature)
    expect(await stopped.json()).toMatchObject({ state: 'ACTIVATED', activatedBy: `owner:${owner.address}` })

    await expect(own.operate('POST', '/v1/admin/recover')).rejects.toThrow('401 {"code":"OWNER_SIGNATURE_REQUIRED"')
    const master = { 'X-Master-Password': PASSWORD }
    expect(await told(await answerOwner(own, 'POST', '/v1/admin/recover', asked, signature, master)), 'replayed').toBe(
      '401 INVALID_NONCE',
    )
    const release = await askOwner(own, 'recover', agent.id)
    const stranger = privateKeyToAccount(generatePrivateKey())
    const forged = await stranger.signMessage({ message: release.message })
    expect(await told(await answerOwner(own, 'POST', '/v1/admin/recover', release, forged, master))).toBe(
      '401 INVALID_SIGNATURE',
    )
    const right = await owner.signMessage({ message: release.message })
    const started = await answerOwner(own, 'POST', '/v1/admin/recover', release, right, master)
    expect(await started.json()).toMatchObject({ state: 'RECOVERING' })
    own.clock.advance(1740)
    await own.engine.runDue()
    expect((await state(own)).state).toBe('RECOVERING')
    own.clock.advance(61)
    await own.engine.runDue()
    expect((await state(own)).state).toBe('NORMAL')
  }))

test('what one owner has stopped no other owner lets go', () =>
  withPaying(async (own) => {
    const insider = privateKeyToAccount(generatePrivateKey())
    const { agent } = await payer(own, {}, { ownerAddress: owner.address })
    const { agent: theirs } = await payer(own, {}, { ownerAddress: insider.address })
    const master = { 'X-Master-Password': PASSWORD }
    const say = async (action: 'verify' | 'kill_switch' | 'recover', id: string, by = owner) => {
      const paths = { verify: `/v1/agents/${id}/owner/verify`, kill_switch: '/v1/admin/kill-switch' }
      const path = action === 'recover' ? '/v1/admin/recover' : paths[action]
      const asked = await askOwner(own, action, id)
      const signature = await by.signMessage({ message: asked.message })
      return await answerOwner(own, 'POST', path, asked, signature, action === 'recover' ? master : {})
    }
    await say('verify', theirs.id, insider)
    expect(await (await say('kill_switch', agent.id)).json()).toMatchObject({ activatedBy: `owner:${owner.address}` })
    expect(await told(await say('recover', theirs.id, insider))).toBe('401 OWNER_SIGNATURE_REQUIRED')
    expect(await state(own)).toMatchObject({ state: 'ACTIVATED' })
    expect(await (await say('recover', agent.id)).json()).toMatchObject({ state: 'RECOVERING' })
    // While it recovers it is on, and can be turned on again.
    expect(await (await say('kill_switch', agent.id)).json()).toMatchObject({ state: 'ACTIVATED' })
  }))

test('a suspended agent reads and does not spend, not even what waited', () =>
  withPaying(async (own) => {
    const { agent, token } = await payer(own)
    const rules = { instant_max: '1', delay_max: `${10n ** 21n}`, delay_seconds: 60 }
    await own.operate('POST', '/v1/policies', { agentId: agent.id, type: 'SPENDING_LIMIT', rules, priority: 1 })
    const queued = (await (await send(own, token, { amount: '5' })).json()) as { id: string }
    expect(await own.operate('POST', `/v1/agents/${agent.id}/suspend`)).toMatchObject({ status: 'SUSPENDED' })
    expect(await pay(own, token, { amount: '1' })).toBe('409 AGENT_SUSPENDED')
    expect((await own.fetch('/v1/wallet', as(token))).status).toBe(200)
    own.clock.advance(61)
    expect(await own.engine.wait(queued.id, 10)).toMatchObject({
      status: 'CANCELLED',
      error: { code: 'AGENT_SUSPENDED' },
    })
    expect(await own.operate('POST', `/v1/agents/${agent.id}/resume`)).toMatchObject({ status: 'ACTIVE' })
    expect(await pay(own, token, { amount: '1' })).toBe('CONFIRMED')
  }))

/** What owners and the operator say to the kill switch. */
function voices(own: Paying) {
  const paths = (id: string) => ({
    verify: `/v1/agents/${id}/owner/verify`,
    kill_switch: '/v1/admin/kill-switch',
    recover: '/v1/admin/recover',
  })
  return {
    say: async (action: 'verify' | 'kill_switch' | 'recover', id: string, by = owner) => {
      const asked = await askOwner(own, action, id)
      const signature = await by.signMessage({ message: asked.message })
      const master: Record<string, string> = action === 'recover' ? { 'X-Master-Password': PASSWORD } : {}
      return await answerOwner(own, 'POST', paths(id)[action], asked, signature, master)
    },
    alone: (path: string) => own.fetch(path, post(undefined, { 'X-Master-Password': PASSWORD })),
  }
}

const registered = () => privateKeyToAccount(generatePrivateKey())

test('an owner who signs for the first time after the stop neither replaces a locked one nor shortens the wait', () =>
  withPaying(async (own) => {
    const { say, alone } = voices(own)
    const late = registered()
    const { agent: fresh } = await payer(own, {}, { ownerAddress: late.address })
    await alone('/v1/admin/kill-switch')
    expect(await (await say('recover', fresh.id, late)).json()).toMatchObject({ state: 'RECOVERING' })
    // Nor by stopping again during the recovery, which continues the same stop.
    expect(await (await alone('/v1/admin/kill-switch')).json()).toMatchObject({ state: 'ACTIVATED' })
    await say('recover', fresh.id, late)
    expect(await (await say('kill_switch', fresh.id, late)).json()).toMatchObject({ state: 'ACTIVATED' })
    const { recoversAt } = (await (await say('recover', fresh.id, late)).json()) as { recoversAt: number }
    expect(recoversAt - own.clock.seconds()).toBeGreaterThan(86_000)
    own.clock.advance(86_401)
    await own.engine.runDue()
    expect(await state(own)).toEqual({ state: 'NORMAL' })

    const { agent } = await payer(own, {}, { ownerAddress: owner.address })
    const another = registered()
    const { agent: theirs } = await payer(own, {}, { ownerAddress: another.address })
    await say('verify', agent.id)
    await alone('/v1/admin/kill-switch')
    const refused = await say('recover', theirs.id, another)
    expect([refused.status, await refused.json()]).toMatchObject([
      401,
      { code: 'OWNER_SIGNATURE_REQUIRED', message: expect.stringContaining(owner.address) },
    ])
    expect(await told(await say('kill_switch', theirs.id, another)), 'takes nothing over').toBe(
      '409 KILL_SWITCH_ACTIVE',
    )
    const counted = (await (await alone('/v1/admin/recover')).json()) as { details: { owners: unknown[] } }
    expect(counted.details.owners).toHaveLength(2)
    expect(counted.details.owners).toContainEqual({
      agentId: agent.id,
      agentName: agent.name,
      ownerAddress: owner.address,
    })
  }))

test('an owner who was locked in takes over a stop of the operator, and then alone releases it', () =>
  withPaying(async (own) => {
    const { say, alone } = voices(own)
    const other = registered()
    const { agent } = await payer(own, {}, { ownerAddress: owner.address })
    const { agent: theirs } = await payer(own, {}, { ownerAddress: other.address })
    await say('verify', agent.id)
    await say('verify', theirs.id, other)
    await alone('/v1/admin/kill-switch')
    const mine = { activatedBy: `owner:${owner.address}`, state: 'ACTIVATED' }
    expect(await (await say('kill_switch', agent.id)).json()).toMatchObject(mine)
    expect(await told(await say('kill_switch', theirs.id, other)), 'only once').toBe('409 KILL_SWITCH_ACTIVE')
    expect(await told(await say('recover', theirs.id, other))).toBe('401 OWNER_SIGNATURE_REQUIRED')
    expect(await told(await alone('/v1/admin/recover'))).toBe('401 OWNER_SIGNATURE_REQUIRED')
    expect(await state(own)).toMatchObject(mine)
    expect(await (await say('recover', agent.id)).json()).toMatchObject({ state: 'RECOVERING' })
    const events = await own.db
      .selectFrom('events')
      .select(['actor', 'data'])
      .where('type', '=', 'KILL_SWITCH_TAKEN_OVER')
    expect(await events.execute()).toEqual([{ actor: `owner:${owner.address}`, data: '{"from":"admin"}' }])
  }))

test('an approval of a suspended agent is refused and the payment waits on; after the suspension it is approved', () =>
  withPaying(async (own) => {
    const { agent, token } = await payer(own, {}, { ownerAddress: owner.address, chains: ['evm'] })
    const rules = { instant_max: '1' }
    await own.operate('POST', '/v1/policies', { agentId: agent.id, type: 'SPENDING_LIMIT', rules, priority: 1 })
    const { id } = (await (await send(own, token, { amount: '5' })).json()) as { id: string }
    const approve = async () => {
      const asked = await own.fetch('/v1/owner/challenges', post({ action: 'approve', resourceId: id }))
      const challenge = (await asked.json()) as { message: string; ownerAddress: string }
      const signature = await owner.signTypedData(JSON.parse(challenge.message))
      return await answerOwner(own, 'POST', `/v1/transactions/${id}/approve`, challenge, signature)
    }
    await own.operate('POST', `/v1/agents/${agent.id}/suspend`)
    const refused = await approve()
    expect([refused.status, await refused.json()]).toMatchObject([
      409,
      { code: 'AGENT_SUSPENDED', message: expect.stringContaining('still waiting: resume the agent') },
    ])
    expect(await statusOf(own, id)).toBe('QUEUED')
    await own.operate('POST', `/v1/agents/${agent.id}/resume`)
    expect(await told(await approve())).toMatch(/EXECUTING|SIGNED|SUBMITTED|CONFIRMED/)
    expect(await own.engine.wait(id, 10)).toMatchObject({ status: 'CONFIRMED' })
  }))

test('a withdrawal needs an owner who has signed, goes past the policy, and then the agent may end', () =>
  withPaying(async (own) => {
    const ownerless = await payer(own)
    const at = (id: string) => `/v1/agents/${id}`
    await expect(own.operate('POST', `${at(ownerless.agent.id)}/withdraw`)).rejects.toThrow('404 {"code":"NO_OWNER"')
    const { agent, token } = await payer(own, {}, { ownerAddress: owner.address, chains: ['evm'] })
    await expect(own.operate('POST', `${at(agent.id)}/withdraw`)).rejects.toThrow('403 {"code":"WITHDRAW_LOCKED_ONLY"')
    await expect(own.operate('DELETE', at(agent.id))).rejects.toThrow('409 {"code":"AGENT_NOT_EMPTY"')
    const asked = await askOwner(own, 'verify', agent.id)
    const signature = await owner.signMessage({ message: asked.message })
    const verified = await answerOwner(own, 'POST', `${at(agent.id)}/owner/verify`, asked, signature)
    expect(await verified.json()).toMatchObject({ ownerState: 'LOCKED', ownerAddress: owner.address })

    await own.operate('POST', `${at(agent.id)}/suspend`)
    const { items, skipped } = await own.operate<{ items: { id: string }[]; skipped: unknown[] }>(
      'POST',
      `${at(agent.id)}/withdraw`,
    )
    expect([items.length, skipped]).toEqual([1, []])
    const swept = await own.engine.wait(items[0]!.id, 10)
    expect(swept).toMatchObject({ status: 'CONFIRMED', reasons: [{ rule: 'OWNER_SWEEP' }], to: owner.address })
    const { books } = own.chains.get('evm-local')!
    expect(books.balances.get(owner.address)).toBe(10n ** 20n - 42_000n)
    expect(await own.operate('DELETE', at(agent.id))).toMatchObject({ status: 'TERMINATED' })
    expect(await told(await own.fetch('/v1/wallet', as(token)))).toBe('401 SESSION_REVOKED')
    await expect(own.operate('POST', `${at(agent.id)}/resume`)).rejects.toThrow('410 {"code":"AGENT_TERMINATED"')
    const events = await own.db
      .selectFrom('events')
      .select(['type', 'actor'])
      .where('transaction_id', '=', swept.id)
      .execute()
    expect(events[0]).toEqual({ type: 'TX_REQUESTED', actor: 'owner-sweep' })
  }))

test('a withdrawal tells what it could not bring home', () =>
  withPaying(async (own) => {
    const { agent } = await payer(own, {}, { ownerAddress: owner.address })
    const asked = await askOwner(own, 'verify', agent.id)
    const signature = await owner.signMessage({ message: asked.message })
    await answerOwner(own, 'POST', `/v1/agents/${agent.id}/owner/verify`, asked, signature)
    own.chains.get('evm-local')!.setDown(true)
    await expect(own.operate('POST', `/v1/agents/${agent.id}/withdraw`)).rejects.toThrow(
      '500 {"code":"SWEEP_TOTAL_FAILURE"',
    )
    own.chains.get('evm-local')!.setDown(false)
    expect(await own.operate('POST', `/v1/agents/${agent.id}/withdraw`)).toMatchObject({
      items: [{ network: 'evm-local' }],
      skipped: [{ network: 'solana-local', why: expect.stringContaining("The owner's address is on evm.") }],
    })
  }))

test('once locked in, only the owner hands the agent over, and to the address that was signed', () =>
  withPaying(async (own) => {
    const { agent } = await payer(own, {}, { ownerAddress: owner.address })
    const next = privateKeyToAccount(generatePrivateKey())
    const path = `/v1/agents/${agent.id}/owner`
    const verify = await askOwner(own, 'verify', agent.id)
    await answerOwner(own, 'POST', `${path}/verify`, verify, await owner.signMessage({ message: verify.message }))
    await expect(own.operate('PUT', path, { ownerAddress: next.address })).rejects.toThrow('OWNER_ALREADY_CONNECTED')
    const asked = await askOwner(own, 'set_owner', agent.id, { newOwner: next.address })
    expect(asked.message).toContain(next.address)
    const signature = await owner.signMessage({ message: asked.message })
    const master = { Authorization: `Bearer ${own.adminToken}` }
    const elsewhere = { ownerAddress: TO }
    expect(await told(await answerOwner(own, 'PUT', path, asked, signature, master, elsewhere))).toBe(
      '401 INVALID_SIGNATURE',
    )
    expect(await told(await answerOwner(own, 'PUT', path, asked, signature, {}, elsewhere)), 'no operator').toBe(
      '401 INVALID_TOKEN',
    )
    const again = await askOwner(own, 'set_owner', agent.id, { newOwner: next.address })
    const right = await owner.signMessage({ message: again.message })
    const handed = await answerOwner(own, 'PUT', path, again, right, master, { ownerAddress: next.address })
    expect(await handed.json()).toMatchObject({ ownerAddress: next.address, ownerState: 'GRACE' })
  }))

test('a challenge is for what can be signed', () =>
  withPaying(async (own) => {
    const { agent } = await payer(own)
    const ask = async (body: unknown) => await told(await own.fetch('/v1/owner/challenges', post(body)))
    expect(await ask({ action: 'verify', resourceId: agent.id })).toBe('404 OWNER_NOT_CONNECTED')
    expect(await ask({ action: 'verify', resourceId: '01890000-0000-7000-8000-000000000000' })).toBe(
      '404 AGENT_NOT_FOUND',
    )
    expect(await ask({ action: 'set_owner', resourceId: agent.id })).toBe('400 VALIDATION_FAILED')
    expect(await ask({ action: 'pay', resourceId: agent.id })).toBe('400 VALIDATION_FAILED')
  }))
