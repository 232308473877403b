import { WAIaaSClient } from '@waiaas/sdk'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TestedChain } from './chains.ts'
import { type DoomedWallet, startDoomedWallet } from './doomed-wallet.ts'
import { startTestedEvm } from './evm-chain.ts'
import { assertMade, newPayer, newPayment, type Payer, type Sent, sendAgain, setPolicies } from './payers.ts'
import { around, named } from './points.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

let chain: TestedChain
let wallet: DoomedWallet
beforeAll(async () => {
  chain = await startTestedEvm()
  wallet = await startDoomedWallet({
    WAIAAS_RPC_EVM_LOCAL: chain.rpcUrl,
    WAIAAS_SECURITY_RECOVERY_WAIT_WITHOUT_OWNER_SECONDS: '0',
  })
  await setPolicies(wallet, chain)
})
afterAll(async () => {
  await wallet?.stop()
  await chain?.stop()
})

const stateOf = async () => (await wallet.admin().getKillSwitchStatus()).state

async function recovered(): Promise<void> {
  if ((await stateOf()) === 'ACTIVATED') await wallet.admin().recover()
  await expect.poll(stateOf).toBe('NORMAL')
  const payer = await newPayer(wallet, chain)
  await assertMade(wallet, chain, [await newPayment(chain, 'TRANSFER', payer, 0)])
}

/** A payment that waits a minute, and has not left when the kill switch comes. */
async function waiting(payer: Payer): Promise<Sent & { id: string }> {
  const to = chain.newAddress()
  const amount = 5n * chain.coin
  const request = { network: chain.network, to, amount: String(amount) } as const
  const sent: Sent = { payer, key: crypto.randomUUID(), payment: { request, amount, arrived: () => chain.balance(to) } }
  const { id, status } = await sendAgain(sent, 0)
  expect(status).toBe('QUEUED')
  return { ...sent, id }
}

const activating = around('ask halt', 'commit KILL_SWITCH_ACTIVATED')
test.each(named(activating))(
  'KILL SWITCH, %s: on or to be asked for again; what waited never leaves',
  async (_, point) => {
    const sent = await waiting(await newPayer(wallet, chain))
    await wallet.dieAt(point, () => wallet.admin().activateKillSwitch())
    const isForgotten = point.what === 'ask halt' && point.when === 'before'
    expect(await stateOf()).toBe(isForgotten ? 'NORMAL' : 'ACTIVATED')
    if (isForgotten) await wallet.admin().activateKillSwitch()
    await expect(sendAgain(sent, 0)).rejects.toMatchObject({ code: 'SYSTEM_LOCKED' })
    await recovered()
    wallet.passTime(61)
    expect(await wallet.admin().getTransaction(sent.id)).toMatchObject({ status: 'CANCELLED' })
    expect(await sent.payment.arrived()).toBe(0n)
  },
)

const recovering = around('commit KILL_SWITCH_RECOVERING', 'ask resume', 'commit KILL_SWITCH_RECOVERED')
test.each(named(recovering))('KILL SWITCH, %s: it holds until it is off, then payments are made', async (_, point) => {
  await wallet.admin().activateKillSwitch()
  await wallet.dieAt(point, () => wallet.admin().recover())
  const isForgotten = point.what === 'commit KILL_SWITCH_RECOVERING' && point.when === 'before'
  if (isForgotten) expect(await stateOf()).toBe('ACTIVATED')
  await recovered()
})

describe('RENEWAL', () => {
  const halfOver = async () => {
    const payer = await newPayer(wallet, chain)
    const session = await wallet.admin().createSession({ agentId: payer.agentId, ttl: 600 })
    wallet.passTime(301)
    const client = () => new WAIaaSClient({ baseUrl: wallet.url(), sessionToken: session.token, retries: 0 })
    return { session, client }
  }
  const renewals = (id: string) => wallet.query('SELECT renewal_count FROM sessions WHERE id = ?', id)

  test.each(named(around('commit SESSION_RENEWED')))(
    '%s: one token is good, the old or a new one',
    async (_, point) => {
      const { session, client } = await halfOver()
      await wallet.dieAt(point, () => client().renewSession(session.id))
      if (point.when === 'before') {
        const renewed = await client().renewSession(session.id)
        const next = new WAIaaSClient({ baseUrl: wallet.url(), sessionToken: renewed.token, retries: 0 })
        await next.getWallet()
      } else {
        await expect(client().renewSession(session.id)).rejects.toMatchObject({ code: 'RENEWAL_CONFLICT' })
      }
      await expect(client().getWallet()).rejects.toMatchObject({ code: 'INVALID_TOKEN' })
      expect(renewals(session.id)).toEqual([{ renewal_count: 1 }])
    },
  )
})

type Change = { change: (payer: Payer) => Promise<unknown>; refusal: string }

/** What an operator tightens, and what a payment is told from then on. */
const changes: Record<string, Change> = {
  SESSION_REVOKED: {
    change: ({ sessionId }) => wallet.admin().revokeSession(sessionId),
    refusal: 'SESSION_REVOKED',
  },
  AGENT_SUSPENDED: {
    change: ({ agentId }) => wallet.admin().suspendAgent(agentId),
    refusal: 'AGENT_SUSPENDED',
  },
  POLICY_CREATED: {
    change: ({ agentId }) =>
      wallet.admin().createPolicy({ agentId, type: 'RATE_LIMIT', rules: { max_requests: 0, window_seconds: 60 } }),
    refusal: 'RATE_LIMIT_EXCEEDED',
  },
}

describe.each(Object.entries(changes))('%s', (type, { change, refusal }) => {
  test.each(named(around(`commit ${type}`)))('%s: in force or not, never half', async (_, point) => {
    const payer = await newPayer(wallet, chain)
    await wallet.dieAt(point, () => change(payer))
    if (point.when === 'before') {
      await assertMade(wallet, chain, [await newPayment(chain, 'TRANSFER', payer, 0)])
      await change(payer)
    }
    const sent = await newPayment(chain, 'TRANSFER', payer, 1)
    await expect(sendAgain(sent, 0)).rejects.toMatchObject({ code: refusal })
    expect(await sent.payment.arrived()).toBe(0n)
  })
})

test.each(named(around('commit AGENT_CREATED')))('AGENT, %s: it is there once or not at all', async (_, point) => {
  const name = `agent ${crypto.randomUUID()}`
  const create = () => wallet.admin().createAgent({ name, chains: ['evm'] })
  const count = async () => (await wallet.admin().listAgents()).filter((agent) => agent.name === name).length
  await wallet.dieAt(point, create)
  expect(await count()).toBe(point.when === 'before' ? 0 : 1)
})
