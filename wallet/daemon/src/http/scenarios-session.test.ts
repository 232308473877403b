import { newId } from '@openpista/common'
import { SignJWT } from 'jose/jwt/sign'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { as, OTHER, type Paying, pay, payer, startPaying, TO, told } from './testing/real-engine.ts'
import { post } from './testing/start-http.ts'

/** Attacks on an agent's session: what each tries, and what it gets. */
let http: Paying

beforeAll(async () => {
  http = await startPaying()
})
afterAll(() => http.close())

const ONE = 10n ** 18n
const wei = (units: bigint) => units.toString()
const read = async (token: string) => await told(await http.fetch('/v1/wallet', as(token)))

type Scenario = { id: string; tries: string; attack: () => Promise<unknown>; expected: unknown }

/** The claims of a token, signed with another secret under the same key id. */
async function forged(token: string): Promise<string> {
  const [head, claims] = token.slice('wai_sess_'.length).split('.')
  const parse = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  const jwt = new SignJWT(parse(claims!)).setProtectedHeader(parse(head!))
  return `wai_sess_${await jwt.sign(new Uint8Array(32).fill(7))}`
}

async function constrained(constraints: Record<string, unknown>, ...bodies: Record<string, unknown>[]) {
  const { token } = await payer(http, { constraints })
  const answers: string[] = []
  for (const body of bodies) answers.push(await pay(http, token, body))
  return answers
}

const refused = '403 CONSTRAINT_VIOLATED'
const scenarios: Scenario[] = [
  {
    id: 'SEC-01-01',
    tries: 'a token signed with another secret',
    attack: async () => await read(await forged((await payer(http)).token)),
    expected: '401 INVALID_TOKEN',
  },
  {
    id: 'SEC-01-02',
    tries: 'an expired token, at its second and one later',
    attack: async () => {
      const own = await startPaying()
      try {
        const { token } = await payer(own, { ttl: 300 })
        const answers: string[] = []
        for (const seconds of [290, 11, 1]) {
          own.clock.advance(seconds)
          answers.push(await told(await own.fetch('/v1/wallet', as(token))))
        }
        return answers
      } finally {
        await own.close()
      }
    },
    expected: ['ACTIVE', '401 TOKEN_EXPIRED', '401 TOKEN_EXPIRED'],
  },
  {
    id: 'SEC-01-03',
    tries: 'a revoked token',
    attack: async () => {
      const { id, token } = await payer(http)
      await http.operate('DELETE', `/v1/sessions/${id}`)
      return [await read(token), await pay(http, token, { amount: '1' })]
    },
    expected: ['401 SESSION_REVOKED', '401 SESSION_REVOKED'],
  },
  {
    id: 'SEC-01-04',
    tries: "another agent's transaction and session",
    attack: async () => {
      const [mine, other] = [await payer(http), await payer(http)]
      await pay(http, mine.token, { amount: '1' })
      const { items } = (await (await http.fetch('/v1/transactions', as(mine.token))).json()) as {
        items: { id: string }[]
      }
      const renew = { method: 'PUT', ...as(other.token) }
      return [
        await told(await http.fetch(`/v1/transactions/${items[0]!.id}`, as(other.token))),
        await told(await http.fetch(`/v1/sessions/${mine.id}/renew`, renew)),
      ]
    },
    expected: ['404 TX_NOT_FOUND', '404 SESSION_NOT_FOUND'],
  },
  {
    id: 'SEC-01-05',
    tries: 'one unit more than a payment may have',
    attack: () => constrained({ maxAmountPerTx: wei(ONE) }, { amount: wei(ONE + 1n) }, { amount: wei(ONE) }),
    expected: [refused, 'CONFIRMED'],
  },
  {
    id: 'SEC-01-06',
    tries: '9.5 and 0.6 of 10',
    attack: () => constrained({ maxTotalAmount: wei(10n * ONE) }, { humanAmount: '9.5' }, { humanAmount: '0.6' }),
    expected: ['CONFIRMED', refused],
  },
  {
    id: 'SEC-01-07',
    tries: 'one transaction more',
    attack: () => constrained({ maxTransactions: 1 }, { amount: '1' }, { amount: '1' }),
    expected: ['CONFIRMED', refused],
  },
  {
    id: 'SEC-01-08',
    tries: 'an operation that is not allowed',
    attack: () => constrained({ allowedOperations: ['APPROVE'] }, { amount: '1' }),
    expected: [refused],
  },
  {
    id: 'SEC-01-09',
    tries: 'a destination that is not allowed',
    attack: () => constrained({ allowedDestinations: [OTHER] }, { amount: '1' }, { amount: '1', to: OTHER }),
    expected: [refused, 'CONFIRMED'],
  },
  {
    id: 'SEC-01-10',
    tries: 'the same request again, and another under its key',
    attack: async () => {
      const { token } = await payer(http)
      const headers = { Authorization: `Bearer ${token}`, 'Idempotency-Key': newId(), Prefer: 'wait=5' }
      const ask = async (amount: string) => {
        const body = { to: TO, network: 'evm-local', amount }
        return await told(await http.fetch('/v1/transactions/send', post(body, headers)))
      }
      const answers = [await ask('1'), await ask('1'), await ask('2')]
      const { items } = (await (await http.fetch('/v1/transactions', as(token))).json()) as { items: unknown[] }
      return [...answers, items.length]
    },
    expected: ['CONFIRMED', 'CONFIRMED', '422 IDEMPOTENCY_CONFLICT', 1],
  },
  {
    id: 'SEC-01-11',
    tries: 'another prefix, and none',
    attack: async () => {
      const { token } = await payer(http)
      const jwt = token.slice('wai_sess_'.length)
      return [await read(jwt), await read(`wai_admin_${jwt}`), await read(`WAI_SESS_${jwt}`)]
    },
    expected: ['401 INVALID_TOKEN', '401 INVALID_TOKEN', '401 INVALID_TOKEN'],
  },
  {
    id: 'SEC-01-12',
    tries: 'no credential, and an empty one',
    attack: async () => [
      await told(await http.fetch('/v1/wallet')),
      await told(await http.fetch('/v1/wallet', { headers: { Authorization: '' } })),
      await told(await http.fetch('/v1/wallet', { headers: { Authorization: 'Bearer ' } })),
    ],
    expected: ['401 INVALID_TOKEN', '401 INVALID_TOKEN', '401 INVALID_TOKEN'],
  },
]

test.each(scenarios)('$id: $tries', async ({ attack, expected }) => {
  expect(await attack()).toEqual(expected)
})
