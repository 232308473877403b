import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { answerOwner, askOwner } from './testing/owner.ts'
import { as, type Paying, pay, payer, startPaying, told } from './testing/real-engine.ts'
import { PASSWORD, post } from './testing/start-http.ts'

/** Attacks on the emergency stop, and on what must hold while it is on. */
const owner = privateKeyToAccount(generatePrivateKey())
const master = { 'X-Master-Password': PASSWORD }

type Scenario = { id: string; tries: string; attack: (own: Paying) => Promise<unknown>; expected: unknown }

const activate = (own: Paying) => own.operate('POST', '/v1/admin/kill-switch')
const operate = async (own: Paying, path: string, headers = master) =>
  await told(await own.fetch(path, { method: 'POST', headers }))

async function recovered(own: Paying): Promise<void> {
  await own.operate('POST', '/v1/admin/recover')
  own.clock.advance(86_401)
  await own.engine.runDue()
}

const scenarios: Scenario[] = [
  {
    id: 'SEC-03-01',
    tries: 'the API while it is on',
    attack: async (own) => {
      const { token } = await payer(own)
      await activate(own)
      return [
        await pay(own, token, { amount: '1' }),
        await told(await own.fetch('/v1/wallet', as(token))),
        await told(await own.fetch('/v1/agents', { headers: master })),
        await told(await own.fetch('/v1/sessions', post({}, master))),
        own.chains.get('evm-local')!.books.blocks.length,
      ]
    },
    expected: [...Array(4).fill('503 SYSTEM_LOCKED'), 0],
  },
  {
    id: 'SEC-03-02',
    tries: 'guessing the master password',
    attack: async (own) => {
      const guess = (password: string) => operate(own, '/v1/admin/recover', { 'X-Master-Password': password })
      const answers: string[] = []
      for (let count = 0; count < 6; count++) answers.push(await guess(`guess number ${count}`))
      answers.push(await guess(PASSWORD))
      own.clock.advance(1801)
      return [...answers, await guess(PASSWORD)]
    },
    expected: [
      ...Array(5).fill('401 INVALID_MASTER_PASSWORD'),
      ...Array(2).fill('429 MASTER_PASSWORD_LOCKED'),
      '409 KILL_SWITCH_NOT_ACTIVE',
    ],
  },
  {
    id: 'SEC-03-03',
    tries: 'a recovery with a forged signature of the owner',
    attack: async (own) => {
      const { agent } = await payer(own, {}, { ownerAddress: owner.address })
      const first = await askOwner(own, 'kill_switch', agent.id)
      const stop = await owner.signMessage({ message: first.message })
      await answerOwner(own, 'POST', '/v1/admin/kill-switch', first, stop)
      const asked = await askOwner(own, 'recover', agent.id)
      const forged = await privateKeyToAccount(generatePrivateKey()).signMessage({ message: asked.message })
      return [
        await told(await answerOwner(own, 'POST', '/v1/admin/recover', asked, forged, master)),
        await told(await answerOwner(own, 'POST', '/v1/admin/recover', first, stop, master)),
        await operate(own, '/v1/admin/recover'),
        (await own.operate<{ state: string }>('GET', '/v1/admin/kill-switch')).state,
      ]
    },
    expected: ['401 INVALID_SIGNATURE', '401 INVALID_NONCE', '401 OWNER_SIGNATURE_REQUIRED', 'ACTIVATED'],
  },
  {
    id: 'SEC-03-04',
    tries: 'three failures, then one more payment',
    attack: async (own) => {
      const { agent, token } = await payer(own)
      own.chains.get('evm-local')!.setMisfortune(() => 'refuse for ever')
      for (let amount = 1; amount <= 3; amount++) await pay(own, token, { amount: `${amount}` })
      const status = async () => (await own.operate<{ status: string }>('GET', `/v1/agents/${agent.id}`)).status
      while ((await status()) !== 'SUSPENDED') await new Promise((resolve) => setTimeout(resolve, 20))
      own.chains.get('evm-local')!.setMisfortune(() => 'none')
      return await pay(own, token, { amount: '4' })
    },
    expected: '409 AGENT_SUSPENDED',
  },
  {
    id: 'SEC-03-05',
    tries: 'to turn it on twice, one after another and at once',
    attack: async (own) => {
      const both = await Promise.all([1, 2].map(() => operate(own, '/v1/admin/kill-switch')))
      return [...both.sort(), await operate(own, '/v1/admin/kill-switch')]
    },
    expected: ['409 KILL_SWITCH_ACTIVE', 'ok', '409 KILL_SWITCH_ACTIVE'],
  },
  {
    id: 'SEC-03-06',
    tries: 'an old session after the recovery',
    attack: async (own) => {
      const { token } = await payer(own, { ttl: 604_800 })
      await activate(own)
      await recovered(own)
      return await pay(own, token, { amount: '1' })
    },
    expected: '401 SESSION_REVOKED',
  },
  {
    id: 'SEC-03-07',
    tries: 'a stop of which one part fails: then nothing of it is stored, and nothing goes out either',
    attack: async (own) => {
      const { token } = await payer(own)
      const { sql } = await import('kysely')
      await sql`CREATE TRIGGER broken BEFORE UPDATE ON sessions BEGIN SELECT raise(ABORT, 'broken'); END`.execute(
        own.db,
      )
      const failed = await operate(own, '/v1/admin/kill-switch')
      const answers = [failed, await pay(own, token, { amount: '1' })]
      await sql`DROP TRIGGER broken`.execute(own.db)
      const sessions = await own.db.selectFrom('sessions').select('revoked_at').execute()
      return [...answers, sessions, await operate(own, '/v1/admin/kill-switch')]
    },
    expected: ['500 INTERNAL_ERROR', '503 SYSTEM_LOCKED', [{ revoked_at: null }], 'ok'],
  },
  {
    id: 'SEC-03-08',
    tries: 'the API while it recovers',
    attack: async (own) => {
      const { token } = await payer(own)
      await activate(own)
      await own.operate('POST', '/v1/admin/recover')
      return [await pay(own, token, { amount: '1' }), await told(await own.fetch('/v1/agents', { headers: master }))]
    },
    expected: ['503 SYSTEM_LOCKED', '503 SYSTEM_LOCKED'],
  },
]

test.each(scenarios)('$id: $tries', async ({ attack, expected }) => {
  const own = await startPaying({ autoStop: { enabled: true } })
  try {
    expect(await attack(own)).toEqual(expected)
  } finally {
    await own.close()
  }
})
