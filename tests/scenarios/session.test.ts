import { createHmac, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect } from 'vitest'
import { as, balanceOf, ETH, newPayee, pay, payer, read, send, told } from './acts.ts'
import { scenario } from './scenario.ts'
import { type StartedWallet, startWallet } from './started-wallet.ts'

let wallet: StartedWallet
beforeAll(async () => {
  wallet = await startWallet()
})
afterAll(() => wallet?.close())

/** The same claims under the same key id, signed with another secret; and unsigned. */
function forged(token: string): string[] {
  const [head, claims] = token.slice('wai_sess_'.length).split('.') as [string, string]
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const withSecret = createHmac('sha256', randomBytes(32)).update(`${head}.${claims}`).digest('base64url')
  const unsigned = encode({ ...JSON.parse(Buffer.from(head, 'base64url').toString()), alg: 'none' })
  return [`wai_sess_${head}.${claims}.${withSecret}`, `wai_sess_${unsigned}.${claims}.`]
}

scenario('SEC-01-01', async () => {
  const { token } = await payer(wallet)
  for (const wrong of forged(token)) {
    expect([await read(wallet, wrong), await pay(wallet, wrong, { amount: '1' })]).toEqual([
      '401 INVALID_TOKEN',
      '401 INVALID_TOKEN',
    ])
  }
  expect(await read(wallet, token)).toBe('ACTIVE')
})

scenario('SEC-01-02', async () => {
  wallet.clock.stand()
  const { token } = await payer(wallet, { session: { ttl: 300 } })
  const answers: string[] = []
  for (const seconds of [299, 1, 1]) {
    wallet.clock.advance(seconds)
    answers.push(await read(wallet, token))
  }
  answers.push(await pay(wallet, token, { amount: '1' }))
  wallet.clock.run()
  expect(answers).toEqual(['ACTIVE', ...Array(3).fill('401 TOKEN_EXPIRED')])
})

scenario('SEC-01-03', async () => {
  const { sessionId, token } = await payer(wallet)
  await wallet.operate('DELETE', `/v1/sessions/${sessionId}`)
  expect([await read(wallet, token), await pay(wallet, token, { amount: '1' })]).toEqual([
    '401 SESSION_REVOKED',
    '401 SESSION_REVOKED',
  ])
})

scenario('SEC-01-04', async () => {
  const [mine, other] = [await payer(wallet, { limits: { delay_max: `${ETH}` } }), await payer(wallet)]
  const { body } = await send(wallet, mine.token, { to: newPayee(), amount: '1' })
  const asOther = async (method: string, path: string) =>
    told(await wallet.call(path, { method, headers: as(other.token) }))
  expect([
    await asOther('GET', `/v1/transactions/${body.id}`),
    await asOther('GET', `/v1/transactions/${body.id}/trace`),
    await asOther('POST', `/v1/transactions/${body.id}/cancel`),
    await asOther('PUT', `/v1/sessions/${mine.sessionId}/renew`),
    await asOther('GET', `/v1/agents/${mine.agentId}`),
  ]).toEqual([...Array(3).fill('404 TX_NOT_FOUND'), '404 SESSION_NOT_FOUND', '401 INVALID_TOKEN'])
  for (const path of ['/v1/transactions', '/v1/transactions/pending']) {
    expect((await wallet.call(path, { headers: as(other.token) })).body.items).toEqual([])
  }
})

const refused = '403 CONSTRAINT_VIOLATED'

async function constrained(constraints: Record<string, unknown>, ...bodies: Record<string, unknown>[]) {
  const { token } = await payer(wallet, { session: { constraints } })
  const answers: string[] = []
  for (const body of bodies) answers.push(await pay(wallet, token, body))
  return answers
}

scenario('SEC-01-05', async () => {
  const answers = await constrained({ maxAmountPerTx: `${ETH}` }, { amount: `${ETH + 1n}` }, { amount: `${ETH}` })
  expect(answers).toEqual([refused, 'CONFIRMED'])
})

scenario('SEC-01-06', async () => {
  const answers = await constrained(
    { maxTotalAmount: `${10n * ETH}` },
    { humanAmount: '9.5' },
    { humanAmount: '0.6' },
    { humanAmount: '0.5' },
  )
  expect(answers).toEqual(['CONFIRMED', refused, 'CONFIRMED'])
})

scenario('SEC-01-07', async () => {
  const answers = await constrained({ maxTransactions: 2 }, { amount: '1' }, { amount: '1' }, { amount: '1' })
  expect(answers).toEqual(['CONFIRMED', 'CONFIRMED', refused])
})

scenario('SEC-01-08', async () => {
  expect(await constrained({ allowedOperations: ['APPROVE'] }, { amount: '1' })).toEqual([refused])
  expect(await constrained({ allowedOperations: ['TRANSFER'] }, { amount: '1' })).toEqual(['CONFIRMED'])
})

scenario('SEC-01-09', async () => {
  const [listed, other] = [newPayee(), newPayee()]
  const answers = await constrained(
    { allowedDestinations: [listed] },
    { amount: '1', to: other },
    { amount: '1', to: listed },
  )
  expect(answers).toEqual([refused, 'CONFIRMED'])
  expect([await balanceOf(wallet, other), await balanceOf(wallet, listed)]).toEqual([0n, 1n])
})

scenario('SEC-01-10', async () => {
  const { token } = await payer(wallet)
  const to = newPayee()
  const headers = { 'Idempotency-Key': randomBytes(16).toString('hex') }
  const ask = async (amount: string) => told(await send(wallet, token, { to, amount }, headers))
  expect([await ask('1'), await ask('1'), await ask('2')]).toEqual([
    'CONFIRMED',
    'CONFIRMED',
    '422 IDEMPOTENCY_CONFLICT',
  ])
  expect(await balanceOf(wallet, to)).toBe(1n)
})

scenario('SEC-01-11', async () => {
  const { token } = await payer(wallet)
  const jwt = token.slice('wai_sess_'.length)
  for (const wrong of [jwt, `wai_admin_${jwt}`, `WAI_SESS_${jwt}`, `wai_sess_ ${jwt}`, `wai_sess_wai_sess_${jwt}`]) {
    expect([wrong, await read(wallet, wrong)]).toEqual([wrong, '401 INVALID_TOKEN'])
  }
})

scenario('SEC-01-12', async () => {
  const { token } = await payer(wallet)
  const carriers: Record<string, string>[] = [
    {},
    { Authorization: '' },
    { Authorization: 'Bearer ' },
    { Authorization: 'Bearer wai_sess_' },
    { Authorization: `Basic ${token}` },
    { Cookie: `token=${token}` },
  ]
  for (const headers of carriers) {
    expect([headers, told(await wallet.call('/v1/wallet', { headers }))]).toEqual([headers, '401 INVALID_TOKEN'])
  }
  expect(told(await wallet.call(`/v1/wallet?token=${token}`))).toBe('401 INVALID_TOKEN')
})
