import { newId } from '@openpista/common'
import { expect, test } from 'vitest'
import { as, openSession, type Paying, payer, startPaying, TO, told } from './testing/real-engine.ts'
import { PASSWORD, post } from './testing/start-http.ts'

const DELAYED = { instant_max: '10', delay_max: `${10n ** 21n}`, delay_seconds: 3600 }

async function withPaying(maxQueued: number, work: (own: Paying) => Promise<void>): Promise<void> {
  const own = await startPaying({ maxQueued })
  try {
    await work(own)
  } finally {
    await own.close()
  }
}

/** An agent whose payments above 10 base units wait. */
async function delayed(own: Paying) {
  const made = await payer(own)
  await own.operate('POST', '/v1/policies', {
    agentId: made.agent.id,
    type: 'SPENDING_LIMIT',
    rules: DELAYED,
    priority: 1,
  })
  return made
}

/** Asks for a payment, and does not wait for its end. */
function send(own: Paying, token: string, amount: string): Promise<Response> {
  const headers = { ...as(token).headers, 'Idempotency-Key': newId() }
  return own.fetch('/v1/transactions/send', post({ to: TO, network: 'evm-local', amount }, headers))
}

const pay = async (own: Paying, token: string, amount: string) => await told(await send(own, token, amount))

const rowsOf = (own: Paying, agentId: string) =>
  own.db.selectFrom('transactions').selectAll().where('agent_id', '=', agentId).execute()

test('an agent has no more payments waiting than is allowed, whatever session asks, and nothing of a refused one is stored', () =>
  withPaying(3, async (own) => {
    const { agent, token } = await delayed(own)
    const other = await openSession(own, agent.id)
    for (let count = 0; count < 3; count += 1) expect(await pay(own, token, '20')).toBe('QUEUED')
    const refused = await send(own, other.token, '5')
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({
      code: 'TOO_MANY_QUEUED',
      hint: expect.stringContaining('Cancel'),
      details: { limit: 3 },
    })
    const rows = await rowsOf(own, agent.id)
    expect(rows).toHaveLength(3)
    const reserved = await own.db.selectFrom('ledger').select('transaction_id').distinct().execute()
    expect(reserved).toHaveLength(3)

    const neighbour = await delayed(own)
    expect(await pay(own, neighbour.token, '20')).toBe('QUEUED')
    const cancelled = await own.fetch(`/v1/transactions/${rows[0]!.id}/cancel`, { method: 'POST', ...as(token) })
    expect(await told(cancelled)).toBe('CANCELLED')
    expect(await pay(own, token, '20')).toBe('QUEUED')
  }))

test('of many payments at once no more wait than is allowed', () =>
  withPaying(3, async (own) => {
    const { agent, token } = await delayed(own)
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => pay(own, token, '20')))
    expect(outcomes.filter((outcome) => outcome === 'QUEUED')).toHaveLength(3)
    expect(outcomes.filter((outcome) => outcome === '429 TOO_MANY_QUEUED')).toHaveLength(9)
    expect(await rowsOf(own, agent.id)).toHaveLength(3)
    expect(await pay(own, token, '20')).toBe('429 TOO_MANY_QUEUED')
  }))

/** Opens one more event stream. */
async function open(own: Paying, headers: Record<string, string>) {
  const stop = new AbortController()
  const response = await own.fetch('/v1/events', { headers, signal: stop.signal })
  return { response, close: () => stop.abort() }
}

test('a session, an operator token and the password have eight event streams open at most', () =>
  withPaying(3, async (own) => {
    const { agent, token } = await payer(own)
    const credentials = [as(token).headers, as(own.adminToken).headers, { 'X-Master-Password': PASSWORD }]
    for (const headers of credentials) {
      const streams = []
      for (let count = 0; count < 8; count += 1) streams.push(await open(own, headers))
      expect(streams.map(({ response }) => response.status)).toEqual(Array(8).fill(200))
      const ninth = await open(own, headers)
      expect(ninth.response.status).toBe(429)
      expect(await ninth.response.json()).toMatchObject({ code: 'TOO_MANY_STREAMS', details: { limit: 8 } })
      streams.pop()!.close()
      await expect.poll(async () => (await open(own, headers)).response.status).toBe(200)
      for (const { close } of streams) close()
    }
    const { token: another } = await openSession(own, agent.id)
    expect((await open(own, as(another).headers)).response.status).toBe(200)
  }))
