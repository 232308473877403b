import { type AgentView, defaultPolicies } from '@waiaas/core'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import type { AutoStopSettings } from '../engine/auto-stop.ts'
import { answerOwner } from './testing/owner.ts'
import { OTHER, openSession, type Paying, pay, payer, startPaying, TO } from './testing/real-engine.ts'
import { post } from './testing/start-http.ts'

async function withAutoStop(settings: Partial<AutoStopSettings>, work: (own: Paying) => Promise<void>): Promise<void> {
  const own = await startPaying({ autoStop: { enabled: true, ...settings } })
  try {
    await work(own)
  } finally {
    await own.close()
  }
}

type Event = { type: string; data: string }

/** Waits until the log tells of this. */
async function happened(own: Paying, type: string): Promise<{ rule: string; message: string }> {
  for (;;) {
    const events: Event[] = await own.db
      .selectFrom('events')
      .select(['type', 'data'])
      .where('type', '=', type)
      .execute()
    if (events[0] !== undefined) return JSON.parse(events[0].data)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** How many of the log's entries are of this type, after everything in it was looked at. */
async function counted(own: Paying, type: string): Promise<number> {
  const newest = await own.db
    .selectFrom('events')
    .select('seq')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow()
  for (;;) {
    const seen = await own.db
      .selectFrom('settings')
      .select('value')
      .where('key', '=', 'auto_stop_seen')
      .executeTakeFirst()
    if (Number(seen?.value ?? 0) >= newest.seq) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return (await own.db.selectFrom('events').select('seq').where('type', '=', type).execute()).length
}

const failing = (own: Paying) => own.chains.get('evm-local')!.setBroke(true)

test('three failures in a row suspend the agent, also over a restart; a success in between begins anew', async () => {
  const own = await startPaying({ autoStop: { enabled: true } })
  const { token, agent } = await payer(own)
  for (const ending of ['FAILED', 'FAILED', 'CONFIRMED', 'FAILED', 'FAILED']) {
    own.chains.get('evm-local')!.setBroke(ending === 'FAILED')
    expect(await pay(own, token, { amount: '1' })).toBe(ending)
  }
  expect(await counted(own, 'AGENT_SUSPENDED')).toBe(0)
  await own.close('keep')
  const again = await startPaying({ folder: own.folder, chains: own.chains, autoStop: { enabled: true } })
  try {
    failing(again)
    await pay(again, token, { amount: '1' })
    expect(await happened(again, 'AUTO_STOP_TRIGGERED')).toMatchObject({ rule: 'CONSECUTIVE_FAILURES' })
    expect(await pay(again, token, { amount: '1' })).toBe('409 AGENT_SUSPENDED')
    again.chains.get('evm-local')!.setBroke(false)
    await again.operate('POST', `/v1/agents/${agent.id}/resume`)
    expect(await pay(again, token, { amount: '1' })).toBe('CONFIRMED')
    expect(await counted(again, 'AUTO_STOP_TRIGGERED')).toBe(1)
  } finally {
    await again.close()
  }
})

test('more than the hourly rate suspends; an hour later the same number is fine', () =>
  withAutoStop({ hourlyRate: 5 }, async (own) => {
    const { token } = await payer(own)
    for (let amount = 1; amount <= 5; amount++) await pay(own, token, { amount: `${amount}` })
    own.clock.advance(3601)
    for (let amount = 1; amount <= 5; amount++) await pay(own, token, { amount: `${amount}` })
    expect(await counted(own, 'AUTO_STOP_TRIGGERED')).toBe(0)
    await pay(own, token, { amount: '6' })
    expect(await happened(own, 'AUTO_STOP_TRIGGERED')).toMatchObject({ rule: 'HOURLY_RATE' })
  }))

test('the same transfer again and again is told, then stopped', () =>
  withAutoStop({ sameTransferWarn: 3, sameTransferStop: 5 }, async (own) => {
    const { token } = await payer(own)
    for (let count = 0; count < 4; count++) await pay(own, token, { amount: '1', memo: `number ${count}` })
    for (const to of [TO, OTHER]) await pay(own, token, { to, amount: '2' })
    expect(await counted(own, 'AUTO_STOP_WARNING')).toBe(1)
    expect(await counted(own, 'AUTO_STOP_TRIGGERED')).toBe(0)
    await pay(own, token, { amount: '1' })
    expect(await happened(own, 'AUTO_STOP_TRIGGERED')).toMatchObject({ rule: 'ANOMALY_PATTERN' })
  }))

test('what was counted of an hour, and whether a day was warned of, outlives a restart', async () => {
  const autoStop = { enabled: true, hourlyRate: 4 }
  const own = await startPaying({ autoStop })
  const { agent, token } = await payer(own)
  const windows = [{ seconds: 86_400, max: '1000000' }]
  const rules = { instant_max: '1000000', windows }
  await own.operate('POST', '/v1/policies', { agentId: agent.id, type: 'SPENDING_LIMIT', rules, priority: 1 })
  for (const amount of ['1', '850000', '2']) await pay(own, token, { amount })
  expect(await happened(own, 'AUTO_STOP_WARNING')).toMatchObject({ rule: 'DAILY_LIMIT_THRESHOLD' })
  expect(await counted(own, 'AUTO_STOP_WARNING')).toBe(1)
  await own.close('keep')
  const again = await startPaying({ folder: own.folder, chains: own.chains, autoStop })
  try {
    await pay(again, token, { amount: '3' })
    expect(await counted(again, 'AUTO_STOP_WARNING'), 'told once').toBe(1)
    expect(await counted(again, 'AUTO_STOP_TRIGGERED')).toBe(0)
    await pay(again, token, { amount: '4' })
    expect(await happened(again, 'AUTO_STOP_TRIGGERED')).toMatchObject({ rule: 'HOURLY_RATE' })
  } finally {
    await again.close()
  }
})

test('a daily limit is told at 80 %, and stops at 100 %', () =>
  withAutoStop({}, async (own) => {
    const { agent, token } = await payer(own)
    const windows = [{ seconds: 86_400, max: '1000000' }]
    const rules = { instant_max: '1000000', windows }
    await own.operate('POST', '/v1/policies', { agentId: agent.id, type: 'SPENDING_LIMIT', rules, priority: 1 })
    await pay(own, token, { amount: '700000' })
    expect(await counted(own, 'AUTO_STOP_WARNING')).toBe(0)
    await pay(own, token, { amount: '100000' })
    expect(await happened(own, 'AUTO_STOP_WARNING')).toMatchObject({ rule: 'DAILY_LIMIT_THRESHOLD' })
    const { books } = own.chains.get('evm-local')!
    const fees = books.blocks.reduce((sum, { fee }) => sum + fee, 0n)
    own.chains.get('evm-local')!.setFee(0n)
    await pay(own, token, { amount: `${1_000_000n - 800_000n - fees}` })
    expect(await happened(own, 'AUTO_STOP_TRIGGERED')).toMatchObject({ rule: 'DAILY_LIMIT_THRESHOLD' })
  }))

/** An agent with 100 ETH under the policies that `waiaas init` writes. */
async function usual(own: Paying, more: Record<string, unknown> = {}) {
  for (const policy of defaultPolicies()) await own.operate('POST', '/v1/policies', policy)
  const agent = await own.operate<AgentView>('POST', '/v1/agents', { name: 'usual', chains: ['evm'], ...more })
  own.chains.get('evm-local')!.books.balances.set(agent.wallets[0]!.address, 100n * 10n ** 18n)
  const { token } = await openSession(own, agent.id)
  let paid = 0
  return {
    id: agent.id,
    status: async () => (await own.operate<AgentView>('GET', `/v1/agents/${agent.id}`)).status,
    /** As much as goes out at once, to somebody else each time. */
    pay: async (times: number) => {
      const answers: string[] = []
      for (let count = 0; count < times; count++) {
        const to = `0x${(++paid).toString(16).padStart(4, '0').repeat(10)}`
        answers.push(await pay(own, token, { to, humanAmount: '0.05' }))
      }
      return [...new Set(answers)]
    },
  }
}

test('with the policies of a new wallet a day is told at 80 %, and stopped where more than it allows would go alone', () =>
  withAutoStop({}, async (own) => {
    const agent = await usual(own)
    expect(await agent.pay(15)).toEqual(['CONFIRMED'])
    expect(await counted(own, 'AUTO_STOP_WARNING')).toBe(0)
    expect(await agent.pay(4)).toEqual(['CONFIRMED'])
    expect(await happened(own, 'AUTO_STOP_WARNING')).toMatchObject({ rule: 'DAILY_LIMIT_THRESHOLD' })
    expect(await counted(own, 'AUTO_STOP_TRIGGERED')).toBe(0)
    expect(await agent.pay(1), 'no owner: it waits').toEqual(['QUEUED'])
    expect(await happened(own, 'AUTO_STOP_TRIGGERED')).toMatchObject({ rule: 'DAILY_LIMIT_THRESHOLD' })
    expect(await agent.status()).toBe('SUSPENDED')
  }))

test('what the owner decides counts for nothing in a window that asks the owner', () =>
  withAutoStop({}, async (own) => {
    const owner = privateKeyToAccount(generatePrivateKey())
    const agent = await usual(own, { ownerAddress: owner.address })
    await agent.pay(19)
    expect(await agent.pay(3)).toEqual(['QUEUED'])
    const waiting = await own.db.selectFrom('transactions').select('id').where('status', '=', 'QUEUED').execute()
    for (const { id } of waiting) {
      const asked = await own.fetch('/v1/owner/challenges', post({ action: 'approve', resourceId: id }))
      const challenge = (await asked.json()) as { message: string; ownerAddress: string }
      const signature = await owner.signTypedData(JSON.parse(challenge.message))
      await answerOwner(own, 'POST', `/v1/transactions/${id}/approve`, challenge, signature)
      expect(await own.engine.wait(id, 10)).toMatchObject({ status: 'CONFIRMED' })
    }
    expect(waiting).toHaveLength(3)
    expect(await counted(own, 'AUTO_STOP_WARNING'), 'for the 95 % that the agent spent alone').toBe(1)
    expect(await counted(own, 'AUTO_STOP_TRIGGERED')).toBe(0)
    expect(await agent.status()).toBe('ACTIVE')
  }))

test('tries outside of the allowed times suspend', () =>
  withAutoStop({ timeBreaches: 2 }, async (own) => {
    const { agent, token } = await payer(own)
    const day = new Date(own.clock.millis()).getUTCDay()
    const rules = { allowed_days: [(day + 2) % 7], timezone: 'UTC' }
    await own.operate('POST', '/v1/policies', { agentId: agent.id, type: 'TIME_RESTRICTION', rules })
    expect(await pay(own, token, { amount: '1' })).toMatch(/^403 /)
    expect(await counted(own, 'AUTO_STOP_TRIGGERED')).toBe(0)
    await pay(own, token, { amount: '1' })
    expect(await happened(own, 'AUTO_STOP_TRIGGERED')).toMatchObject({ rule: 'TIME_RESTRICTION' })
  }))

test('by setting it stops everything, and one agent does not count for another', () =>
  withAutoStop({ action: 'kill_switch', hourlyRate: 3 }, async (own) => {
    const [one, two] = [await payer(own), await payer(own)]
    for (let amount = 1; amount <= 3; amount++) {
      await pay(own, one.token, { amount: `${amount}` })
      await pay(own, two.token, { amount: `${amount}` })
    }
    expect(await counted(own, 'AUTO_STOP_TRIGGERED')).toBe(0)
    const more = await openSession(own, one.agent.id)
    await pay(own, more.token, { amount: '9' })
    await happened(own, 'AUTO_STOP_TRIGGERED')
    expect(await own.operate('GET', '/v1/admin/kill-switch')).toMatchObject({
      state: 'ACTIVATED',
      activatedBy: 'auto-stop',
    })
    expect(await pay(own, two.token, { amount: '4' })).toBe('503 SYSTEM_LOCKED')
  }))
