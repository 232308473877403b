import type { ChallengeView, TransactionView } from '@waiaas/core'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answerOwner, askOwner } from './testing/owner.ts'
import { as, type Paying, pay, payer, send, startPaying, told } from './testing/real-engine.ts'
import { post } from './testing/start-http.ts'

const HOUR = 3600
const owner = privateKeyToAccount(generatePrivateKey())

let own: Paying
beforeEach(async () => {
  own = await startPaying()
})
afterEach(() => own.close())

/** A payer with its own spending limit. */
async function limited(rules: Record<string, unknown>, session: Record<string, unknown> = {}) {
  const { agent, token } = await payer(own, session, { ownerAddress: owner.address })
  await own.operate('POST', '/v1/policies', { agentId: agent.id, type: 'SPENDING_LIMIT', rules, priority: 1 })
  return { agent, token }
}

async function viewOf(id: string, token: string): Promise<TransactionView> {
  await own.engine.runDue()
  return (await (await own.fetch(`/v1/transactions/${id}`, as(token))).json()) as TransactionView
}

test('a clock that jumps ahead shortens no delay, and the new time is shown', async () => {
  const { token } = await limited({ instant_max: '1', delay_max: `${10n ** 21n}`, delay_seconds: HOUR })
  const sent = (await (await send(own, token, { amount: '5' })).json()) as TransactionView
  own.clock.jump(2 * HOUR)
  const seen = await viewOf(sent.id, token)
  expect(seen.status).toBe('QUEUED')
  // Between two looks at the two clocks some time passes, which may count as one second of the jump more or less.
  expect(Math.abs(seen.executesAt! - sent.executesAt! - 2 * HOUR)).toBeLessThanOrEqual(1)
  own.clock.advance(HOUR - 100)
  expect((await viewOf(sent.id, token)).status).toBe('QUEUED')
  own.clock.advance(101)
  await own.engine.runDue()
  expect(await own.engine.wait(sent.id, 10)).toMatchObject({ status: 'CONFIRMED' })
})

test('a clock that jumps ahead takes nothing from the time an owner has to approve', async () => {
  const { token } = await limited({ instant_max: '1', delay_max: '2', approval_timeout: HOUR })
  const sent = (await (await send(own, token, { amount: '5' })).json()) as TransactionView
  own.clock.jump(2 * HOUR)
  expect((await viewOf(sent.id, token)).status).toBe('QUEUED')
  const asked = await own.fetch('/v1/owner/challenges', post({ action: 'approve', resourceId: sent.id }))
  const challenge = (await asked.json()) as ChallengeView
  const signature = await owner.signTypedData(JSON.parse(challenge.message))
  const approved = await answerOwner(own, 'POST', `/v1/transactions/${sent.id}/approve`, challenge, signature)
  expect(approved.status).toBe(200)

  const late = (await (await send(own, token, { amount: '6' })).json()) as TransactionView
  own.clock.advance(HOUR + 1)
  expect((await viewOf(late.id, token)).status).toBe('EXPIRED')
})

test('a clock that jumps ahead empties no window, of a policy or of a session', async () => {
  const windows = [{ seconds: HOUR, max: '10000000' }]
  const policy = await limited({ instant_max: '10000000', windows })
  const session = await limited(
    { instant_max: '10000000' },
    { constraints: { maxTransactions: 1, windowSeconds: HOUR } },
  )
  for (const { token } of [policy, session]) expect(await pay(own, token, { amount: '8000000' })).toBe('CONFIRMED')
  own.clock.jump(2 * HOUR)
  expect(await pay(own, policy.token, { amount: '8000000' })).not.toBe('CONFIRMED')
  expect(await pay(own, session.token, { amount: '8000000' })).toBe('403 CONSTRAINT_VIOLATED')
  own.clock.advance(HOUR + 1)
  for (const { token } of [policy, session]) expect(await pay(own, token, { amount: '1000000' })).toBe('CONFIRMED')
})

test('a clock that jumps ahead shortens no recovery of the kill switch', async () => {
  const state = () => own.operate<{ state: string; recoversAt?: number }>('GET', '/v1/admin/kill-switch')
  await own.operate('POST', '/v1/admin/kill-switch')
  await own.operate('POST', '/v1/admin/recover')
  const before = await state()
  own.clock.jump(100 * HOUR)
  await own.engine.runDue()
  const after = await state()
  expect(after.state).toBe('RECOVERING')
  expect(Math.abs(after.recoversAt! - before.recoversAt! - 100 * HOUR)).toBeLessThanOrEqual(1)
  own.clock.advance(24 * HOUR - 100)
  await own.engine.runDue()
  expect((await state()).state).toBe('RECOVERING')
  own.clock.advance(101)
  await own.engine.runDue()
  expect(await state()).toEqual({ state: 'NORMAL' })
})

test('a challenge that has expired stays so when the clock is set back, over a restart too', async () => {
  const { agent } = await payer(own, {}, { ownerAddress: owner.address })
  const challenge = await askOwner(own, 'kill_switch', agent.id)
  const signature = await owner.signMessage({ message: challenge.message })
  const use = async () => await told(await answerOwner(own, 'POST', '/v1/admin/kill-switch', challenge, signature))
  own.clock.advance(301)
  expect(await use()).toBe('401 INVALID_NONCE')
  own.clock.jump(-HOUR)
  expect(await use()).toBe('401 INVALID_NONCE')
  await own.close('keep')
  own.clock.jump(-24 * HOUR)
  own = await startPaying({ folder: own.folder, chains: own.chains, clock: own.clock })
  expect(await use()).toBe('401 INVALID_NONCE')
})

test('a session and a login that have ended stay so when the clock is set back', async () => {
  const { token } = await payer(own, { ttl: HOUR })
  own.clock.advance(9 * HOUR)
  own.clock.jump(-9 * HOUR)
  expect(await told(await own.fetch('/v1/wallet', as(token)))).toBe('401 TOKEN_EXPIRED')
  expect(await told(await own.fetch('/v1/agents', as(own.adminToken)))).toBe('401 TOKEN_EXPIRED')
})
