import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { as, OTHER, openSession, type Paying, pay, payer, startPaying, TO, told } from './testing/real-engine.ts'

let http: Paying

beforeAll(async () => {
  http = await startPaying()
})
afterAll(() => http.close())

const coins = (text: string) => ({ humanAmount: text })
const wei = (units: bigint) => units.toString()

describe('a constraint', () => {
  const ONE = 10n ** 18n
  test.each([
    ['an amount at the edge', { maxAmountPerTx: wei(ONE) }, { amount: wei(ONE) }, 'CONFIRMED'],
    ['an amount above', { maxAmountPerTx: wei(ONE) }, { amount: wei(ONE + 1n) }, '403 CONSTRAINT_VIOLATED'],
    ['a named asset', { maxAmountPerTx: { 'evm-local/native': wei(ONE) } }, { amount: wei(ONE) }, 'CONFIRMED'],
    ['an asset without a budget', { maxTotalAmount: { 'native:solana': '1' } }, coins('1'), '403 CONSTRAINT_VIOLATED'],
    ['an operation', { allowedOperations: ['TRANSFER'] }, coins('1'), 'CONFIRMED'],
    ['another operation', { allowedOperations: ['TOKEN_TRANSFER'] }, coins('1'), '403 CONSTRAINT_VIOLATED'],
    ['a destination, however written', { allowedDestinations: [TO.toLowerCase()] }, coins('1'), 'CONFIRMED'],
    ['another destination', { allowedDestinations: [OTHER] }, coins('1'), '403 CONSTRAINT_VIOLATED'],
    ['a network', { networks: ['eip155:31337'] }, coins('1'), 'CONFIRMED'],
    ['another network', { networks: ['solana-local'] }, coins('1'), '403 CONSTRAINT_VIOLATED'],
  ])('on %s', async (_name, constraints, body, expected) => {
    const { token } = await payer(http, { constraints })
    expect(await pay(http, token, body)).toBe(expected)
  })

  test('on the total counts to the last unit, over renewal and restart', async () => {
    const own = await startPaying()
    const { token, id } = await payer(own, { constraints: { maxTotalAmount: wei(10n * ONE) } })
    expect(await pay(own, token, coins('9.5'))).toBe('CONFIRMED')
    expect(await pay(own, token, coins('0.6'))).toBe('403 CONSTRAINT_VIOLATED')
    own.clock.advance(50_000)
    const renewed = await own.fetch(`/v1/sessions/${id}/renew`, { method: 'PUT', ...as(token) })
    const next = ((await renewed.json()) as { token: string }).token
    await own.close('keep')
    const again = await startPaying({ folder: own.folder, chains: own.chains, clock: own.clock })
    try {
      expect(await pay(again, next, coins('0.6'))).toBe('403 CONSTRAINT_VIOLATED')
      expect(await pay(again, next, coins('0.5'))).toBe('CONFIRMED')
      expect(await pay(again, next, { amount: '1' })).toBe('403 CONSTRAINT_VIOLATED')
    } finally {
      await again.close()
    }
  })

  test('on the total holds against two at once', async () => {
    const { token } = await payer(http, { constraints: { maxTotalAmount: wei(10n * ONE) } })
    const amount = wei(5n * ONE + 1n)
    const both = await Promise.all([pay(http, token, { amount }), pay(http, token, { amount })])
    expect(both.sort()).toEqual(['403 CONSTRAINT_VIOLATED', 'CONFIRMED'])
  })

  test('on the number of transactions counts what was allowed', async () => {
    const { token } = await payer(http, { constraints: { maxTransactions: 2, maxAmountPerTx: wei(ONE) } })
    expect(await pay(http, token, coins('2'))).toBe('403 CONSTRAINT_VIOLATED')
    const many = await Promise.all(Array.from({ length: 6 }, () => pay(http, token, coins('0.1'))))
    expect(many.filter((answer) => answer === 'CONFIRMED')).toHaveLength(2)
    expect(many.filter((answer) => answer === '403 CONSTRAINT_VIOLATED')).toHaveLength(4)
  })

  test('in a window lets go with time', async () => {
    const own = await startPaying()
    try {
      const constraints = { maxTotalAmount: wei(ONE), windowSeconds: 3600 }
      const { token } = await payer(own, { constraints })
      expect(await pay(own, token, coins('1'))).toBe('CONFIRMED')
      expect(await pay(own, token, coins('1'))).toBe('403 CONSTRAINT_VIOLATED')
      own.clock.advance(3700)
      expect(await pay(own, token, coins('1'))).toBe('CONFIRMED')
    } finally {
      await own.close()
    }
  })

  test('is asked in the dry run too, and shown with the session', async () => {
    const { token, agent } = await payer(http, { constraints: { maxAmountPerTx: '5' } })
    const dry = await http.fetch('/v1/transactions/simulate', {
      method: 'POST',
      headers: { ...as(token).headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ to: TO, network: 'evm-local', amount: '6' }),
    })
    expect(await dry.json()).toMatchObject({ tier: 'DENY', code: 'CONSTRAINT_VIOLATED' })
    const listed = await http.operate('GET', `/v1/sessions?agentId=${agent.id}`)
    expect(listed).toMatchObject({ items: [{ constraints: { maxAmountPerTx: { native: '5' } } }] })
  })

  test('of another session of the same agent is not touched', async () => {
    const { agent, token } = await payer(http, { constraints: { maxTotalAmount: wei(ONE) } })
    const free = await openSession(http, agent.id, { constraints: { maxTotalAmount: wei(ONE) } })
    expect(await pay(http, token, coins('1'))).toBe('CONFIRMED')
    expect(await pay(http, free.token, coins('1'))).toBe('CONFIRMED')
  })

  test.each([{ maxAmountPerTx: '-1' }, { maxTransactions: 0 }, { allowedDestinations: ['nowhere'] }, { unknown: 1 }])(
    'that cannot be read is refused: %o',
    async (constraints) => {
      const { agent } = await payer(http)
      await expect(openSession(http, agent.id, { constraints })).rejects.toThrow('400 {"code":"VALIDATION_FAILED"')
    },
  )
})

describe('a renewal', () => {
  const renew = async (own: Paying, id: string, token: string) => {
    const answer = await own.fetch(`/v1/sessions/${id}/renew`, { method: 'PUT', ...as(token) })
    const body = (await answer.json()) as { code?: string; token: string; expiresAt: number; renewalCount: number }
    return { ...body, code: answer.ok ? 'ok' : `${answer.status} ${body.code}` }
  }

  test('is refused by the first guard that minds', async () => {
    const own = await startPaying()
    try {
      const one = await payer(own, { ttl: 300 })
      const two = await payer(own)
      expect((await renew(own, two.id, one.token)).code, 'of another session').toBe('404 SESSION_NOT_FOUND')
      expect((await renew(own, one.id, one.token)).code).toBe('403 RENEWAL_TOO_EARLY')
      own.clock.advance(150)
      const renewed = await renew(own, one.id, one.token)
      expect(renewed).toMatchObject({ code: 'ok', renewalCount: 1 })
      expect(await told(await own.fetch('/v1/wallet', as(one.token))), 'the old token').toBe('401 INVALID_TOKEN')
      expect((await renew(own, one.id, one.token)).code).toBe('409 RENEWAL_CONFLICT')
      expect((await own.fetch('/v1/wallet', as(renewed.token))).status).toBe(200)
      own.clock.advance(200)
      const third = await renew(own, one.id, renewed.token)
      expect(third.code).toBe('ok')
      await own.operate('DELETE', `/v1/sessions/${one.id}`)
      expect((await renew(own, one.id, third.token)).code).toBe('401 SESSION_REVOKED')
    } finally {
      await own.close()
    }
  })

  test('of a token two renewals old is a mismatch, and thirty are the most', async () => {
    const own = await startPaying()
    try {
      const { id, token } = await payer(own, { ttl: 604_800 })
      own.clock.advance(303_000)
      const second = await renew(own, id, token)
      own.clock.advance(301_000)
      expect((await renew(own, id, second.token)).code).toBe('403 RENEWAL_TOO_EARLY')
      await own.db.updateTable('sessions').set({ ttl: 1_000_000 }).where('id', '=', id).execute()
      expect((await renew(own, id, second.token)).code).toBe('ok')
      expect((await renew(own, id, token)).code).toBe('403 SESSION_RENEWAL_MISMATCH')
      const short = await payer(own, { ttl: 300 })
      let newest = short.token
      for (let count = 0; count < 30; count++) {
        own.clock.advance(160)
        const renewed = await renew(own, short.id, newest)
        expect(renewed).toMatchObject({ code: 'ok', renewalCount: count + 1 })
        newest = renewed.token
      }
      own.clock.advance(160)
      expect((await renew(own, short.id, newest)).code).toBe('403 RENEWAL_LIMIT_REACHED')
    } finally {
      await own.close()
    }
  })

  test('never goes beyond the absolute end', async () => {
    const own = await startPaying()
    try {
      const { agent, id, token } = await payer(own, { ttl: 604_800 })
      let newest = token
      for (let count = 0; count < 4; count++) {
        own.clock.advance(590_000)
        newest = (await renew(own, id, newest)).token
      }
      const path = `/v1/sessions?agentId=${agent.id}`
      const { items } = await own.operate<{ items: Record<string, number>[] }>('GET', path)
      expect(items[0]!.expiresAt).toBe(items[0]!.absoluteExpiresAt)
      own.clock.advance(100_000)
      expect((await renew(own, id, newest)).code).toBe('403 SESSION_ABSOLUTE_LIFETIME_EXCEEDED')
    } finally {
      await own.close()
    }
  })

  test('by several at once is won by one', async () => {
    const own = await startPaying()
    try {
      const { id, token } = await payer(own, { ttl: 300 })
      own.clock.advance(200)
      const all = await Promise.all(Array.from({ length: 8 }, () => renew(own, id, token)))
      expect(all.map(({ code }) => code).sort()).toEqual([...Array(7).fill('409 RENEWAL_CONFLICT'), 'ok'])
    } finally {
      await own.close()
    }
  })
})

test('a new key leaves old tokens five minutes, in which they may be renewed', async () => {
  const own = await startPaying()
  try {
    const { id, token } = await payer(own)
    const stays = await payer(own)
    const before = await own.operate<{ oldTokensUntil: number; rotatedAt: number }>('POST', '/v1/admin/rotate-secret')
    expect(before.oldTokensUntil - before.rotatedAt).toBe(300)
    await expect(own.operate('POST', '/v1/admin/rotate-secret')).rejects.toThrow('429 {"code":"ROTATION_TOO_RECENT"')
    expect((await own.fetch('/v1/wallet', as(token))).status).toBe(200)
    const renewed = await own.fetch(`/v1/sessions/${id}/renew`, { method: 'PUT', ...as(token) })
    const next = ((await renewed.json()) as { token: string }).token
    own.clock.advance(301)
    expect(await told(await own.fetch('/v1/wallet', as(stays.token)))).toBe('401 INVALID_TOKEN')
    expect((await own.fetch('/v1/wallet', as(next))).status).toBe(200)
    await own.operate('POST', '/v1/admin/rotate-secret')
    await own.close('keep')
    const again = await startPaying({ folder: own.folder, chains: own.chains, clock: own.clock })
    again.clock.advance(1)
    expect((await again.fetch('/v1/wallet', as(next))).status, 'over a restart').toBe(200)
    again.clock.advance(300)
    expect(await told(await again.fetch('/v1/wallet', as(next)))).toBe('401 INVALID_TOKEN')
    await again.close()
  } finally {
    await own.close().catch(() => {
      // Closed already by the test itself.
    })
  }
})

test('what waits when its session is revoked does not go out', async () => {
  const own = await startPaying()
  try {
    const { agent, token, id } = await payer(own)
    const rules = { delay_max: `${10n ** 21n}`, delay_seconds: 60 }
    await own.operate('POST', '/v1/policies', { agentId: agent.id, type: 'SPENDING_LIMIT', rules, priority: 1 })
    expect(await pay(own, token, coins('1'))).toBe('QUEUED')
    await own.operate('DELETE', `/v1/sessions/${id}`)
    own.clock.advance(61)
    const [row] = await own.db.selectFrom('transactions').select('id').execute()
    const ended = await own.engine.wait(row!.id, 10)
    expect(ended).toMatchObject({ status: 'CANCELLED', error: { code: 'SESSION_REVOKED' } })
  } finally {
    await own.close()
  }
})
