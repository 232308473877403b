import { afterAll, beforeAll, expect } from 'vitest'
import {
  addPolicy,
  askOwner,
  atOnce,
  balanceOf,
  decide,
  ETH,
  newOwner,
  newPayee,
  openSession,
  ownerProof,
  pay,
  payer,
  read,
  SOL,
  send,
  solanaBalanceOf,
  tierOf,
  told,
  transaction,
  until,
} from './acts.ts'
import { scenario } from './scenario.ts'
import { type StartedWallet, startWallet } from './started-wallet.ts'

let wallet: StartedWallet
beforeAll(async () => {
  // What many at once come to is told by the limits alone, not by who is stopped for trying.
  wallet = await startWallet({ WAIAAS_AUTO_STOP_ENABLED: 'false' })
})
afterAll(() => wallet?.close())

const SOLANA_PAYEE = '4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM'
const onSolana = (amount: bigint) => ({ network: 'solana-local', to: SOLANA_PAYEE, amount: `${amount}` })

const usual = { instant_max: SOL, notify_max: 10n * SOL, delay_max: 50n * SOL }
const custom = { instant_max: SOL / 10n, notify_max: SOL, delay_max: 10n * SOL }

/** One lamport below an edge, at it, and above. */
async function atEdge(set: typeof usual, edge: keyof typeof usual, below: string, above: string): Promise<void> {
  const limits = Object.fromEntries(Object.entries(set).map(([name, amount]) => [name, `${amount}`]))
  const { token } = await payer(wallet, { agent: { ownerAddress: newOwner().address }, limits })
  const amounts = [set[edge] - 1n, set[edge], set[edge] + 1n]
  const before = await solanaBalanceOf(wallet, SOLANA_PAYEE)
  const tiers = await Promise.all(amounts.map((amount) => tierOf(wallet, token, onSolana(amount))))
  expect(tiers).toEqual([below, below, above])
  const gone = amounts.filter((_, index) => ['INSTANT', 'NOTIFY'].includes(tiers[index]!))
  const sum = gone.reduce((one, other) => one + other, 0n)
  expect((await solanaBalanceOf(wallet, SOLANA_PAYEE)) - before).toBe(sum)
}

scenario('SEC-05-A01', () => atEdge(usual, 'instant_max', 'INSTANT', 'NOTIFY'))
scenario('SEC-05-A02', () => atEdge(usual, 'notify_max', 'NOTIFY', 'DELAY'))
scenario('SEC-05-A03', () => atEdge(usual, 'delay_max', 'DELAY', 'APPROVAL'))
scenario('SEC-05-A04', () => atEdge(custom, 'instant_max', 'INSTANT', 'NOTIFY'))
scenario('SEC-05-A05', () => atEdge(custom, 'notify_max', 'NOTIFY', 'DELAY'))
scenario('SEC-05-A06', () => atEdge(custom, 'delay_max', 'DELAY', 'APPROVAL'))

/** What `act` says one second before, at, and one second after `seconds` from now. */
async function aroundSecond(seconds: number, act: () => Promise<string>): Promise<string[]> {
  const said: string[] = []
  for (const step of [seconds - 1, 1, 1]) {
    wallet.clock.advance(step)
    said.push(await act())
  }
  return said
}

scenario('SEC-05-T01', async () => {
  wallet.clock.stand()
  const { token } = await payer(wallet, { session: { ttl: 600 } })
  expect(await aroundSecond(600, () => pay(wallet, token, { amount: '1' }))).toEqual([
    'CONFIRMED',
    '401 TOKEN_EXPIRED',
    '401 TOKEN_EXPIRED',
  ])
  wallet.clock.run()
})

scenario('SEC-05-T02', async () => {
  wallet.clock.stand()
  const { token } = await payer(wallet, { limits: { delay_max: `${ETH}`, delay_seconds: 900 } })
  const first = await send(wallet, token, { to: newPayee(), amount: '1' })
  wallet.clock.advance(1)
  const later = await send(wallet, token, { to: newPayee(), amount: '1' })
  wallet.clock.advance(899)
  await until(wallet, first.body.id, 'CONFIRMED')
  expect((await transaction(wallet, later.body.id)).status).toBe('QUEUED')
  wallet.clock.advance(1)
  expect((await until(wallet, later.body.id, 'CONFIRMED')).status).toBe('CONFIRMED')
  wallet.clock.run()
})

scenario('SEC-05-T03', async () => {
  wallet.clock.stand()
  const owner = newOwner()
  const { token } = await payer(wallet, { agent: { ownerAddress: owner.address }, limits: { instant_max: '1' } })
  const to = newPayee()
  const [inTime, late] = [
    await send(wallet, token, { to, amount: '2' }),
    await send(wallet, token, { to, amount: '3' }),
  ]
  wallet.clock.advance(3599)
  expect(await decide(wallet, owner, 'approve', inTime.body.id)).toMatch(/^(EXECUTING|SIGNED|SUBMITTED|CONFIRMED)$/)
  await until(wallet, inTime.body.id, 'CONFIRMED')
  const asked = await askOwner(wallet, 'approve', late.body.id)
  const headers = ownerProof(asked, await owner.signTyped(asked.message))
  wallet.clock.advance(1)
  const path = `/v1/transactions/${late.body.id}/approve`
  expect(told(await wallet.call(path, { method: 'POST', headers }))).toMatch(
    /^(401 INVALID_NONCE|410 APPROVAL_TIMEOUT)$/,
  )
  await until(wallet, late.body.id, 'EXPIRED')
  wallet.clock.run()
  expect(await balanceOf(wallet, to)).toBe(2n)
})

scenario('SEC-05-T04', async () => {
  const { agentId } = await payer(wallet)
  const ask = async (ttl: unknown) => told(await wallet.asOperator('POST', '/v1/sessions', { body: { agentId, ttl } }))
  expect([await ask(604_799), await ask(604_800), await ask(604_801)]).toEqual(['ok', 'ok', '400 VALIDATION_FAILED'])
  for (const ttl of [0, -1, 1e300, '604800', 604_799.5]) expect(await ask(ttl)).toBe('400 VALIDATION_FAILED')
})

scenario('SEC-05-T05', async () => {
  const { agentId } = await payer(wallet)
  const ask = async (ttl: number) => told(await wallet.asOperator('POST', '/v1/sessions', { body: { agentId, ttl } }))
  expect([await ask(299), await ask(300), await ask(301)]).toEqual(['400 VALIDATION_FAILED', 'ok', 'ok'])
})

scenario('SEC-05-T06', async () => {
  const { token } = await payer(wallet)
  const before = await solanaBalanceOf(wallet, SOLANA_PAYEE)
  await wallet.solana.control.pauseMining()
  const sending = send(wallet, token, onSolana(SOL))
  const attempts = () => wallet.sql<{ hash: string }>('SELECT hash FROM attempts ORDER BY rowid')
  const known = attempts().length
  while (attempts().length === known) await new Promise((resolve) => setTimeout(resolve, 20))
  // The bytes that wait are dropped, and their lifetime ends: the same bytes can never be paid again.
  await wallet.solana.control.expirePending()
  await wallet.solana.control.resumeMining()
  expect((await sending).body.status).toBe('CONFIRMED')
  expect((await solanaBalanceOf(wallet, SOLANA_PAYEE)) - before).toBe(SOL)
})

scenario('SEC-05-T07', async () => {
  wallet.clock.stand()
  const owner = newOwner()
  const { token } = await payer(wallet, { agent: { ownerAddress: owner.address }, limits: { instant_max: '1' } })
  const answers: string[] = []
  for (const seconds of [299, 300, 301]) {
    const { body } = await send(wallet, token, { to: newPayee(), amount: '2' })
    const asked = await askOwner(wallet, 'approve', body.id)
    const headers = ownerProof(asked, await owner.signTyped(asked.message))
    wallet.clock.advance(seconds)
    answers.push(told(await wallet.call(`/v1/transactions/${body.id}/approve`, { method: 'POST', headers })))
  }
  wallet.clock.run()
  expect(answers).toEqual([
    expect.stringMatching(/^(EXECUTING|SIGNED|SUBMITTED|CONFIRMED)$/),
    '401 INVALID_NONCE',
    '401 INVALID_NONCE',
  ])
})

scenario('SEC-05-T08', async () => {
  wallet.clock.stand()
  const answers: string[] = []
  for (const seconds of [299, 300, 301]) {
    const owner = newOwner()
    const { agentId } = await payer(wallet, { agent: { ownerAddress: owner.address } })
    const asked = await askOwner(wallet, 'verify', agentId)
    const headers = ownerProof(asked, await owner.sign(asked.message))
    wallet.clock.advance(seconds)
    answers.push(told(await wallet.call(`/v1/agents/${agentId}/owner/verify`, { method: 'POST', headers })))
  }
  wallet.clock.run()
  expect(answers).toEqual(['ok', '401 INVALID_NONCE', '401 INVALID_NONCE'])
})

scenario('SEC-05-C01', async () => {
  // Ten fit, with what their fees may cost; nothing is counted twice and nothing is forgotten.
  const window = { seconds: 86_400, asset: 'native:evm', max: `${(105n * ETH) / 10n}` }
  const { token } = await payer(wallet, { limits: { instant_max: `${ETH}`, windows: [window] } })
  const to = newPayee()
  const said = await atOnce(30, () => pay(wallet, token, { to, humanAmount: '1' }))
  expect(said.filter((one) => one === 'CONFIRMED')).toHaveLength(10)
  expect(new Set(said)).toEqual(new Set(['CONFIRMED', '403 SPENDING_LIMIT_EXCEEDED']))
  expect(await balanceOf(wallet, to)).toBe(10n * ETH)
  expect(await pay(wallet, token, { to, humanAmount: '1' })).toBe('403 SPENDING_LIMIT_EXCEEDED')
})

scenario('SEC-05-C02', async () => {
  const constraints = { maxTotalAmount: `${5n * ETH}`, maxTransactions: 7 }
  const { token } = await payer(wallet, { session: { constraints } })
  const to = newPayee()
  const said = await atOnce(20, () => pay(wallet, token, { to, humanAmount: '1' }))
  expect(said.filter((one) => one === 'CONFIRMED')).toHaveLength(5)
  const small = await atOnce(10, () => pay(wallet, token, { to, amount: '1' }))
  expect(small).toEqual(Array(10).fill('403 CONSTRAINT_VIOLATED'))
  expect(await balanceOf(wallet, to)).toBe(5n * ETH)
})

scenario('SEC-05-C03', async () => {
  const { token, agentId } = await payer(wallet)
  const to = newPayee()
  const policy = await addPolicy(wallet, {
    agentId,
    type: 'RATE_LIMIT',
    rules: { max_requests: 99, window_seconds: 60 },
  })
  const change = (max: number) =>
    wallet.operate('PUT', `/v1/policies/${policy}`, { rules: { max_requests: max, window_seconds: 60 } })
  const [paid] = await Promise.all([
    atOnce(16, () => pay(wallet, token, { to, amount: '1' })),
    atOnce(16, (index) => change(100 + index)),
    atOnce(4, () => openSession(wallet, agentId)),
    atOnce(16, () => read(wallet, token, '/v1/transactions')),
  ])
  expect(paid).toEqual(Array(16).fill('CONFIRMED'))
  expect(await balanceOf(wallet, to)).toBe(16n)
  expect(await wallet.operate('POST', '/v1/admin/audit/verify')).toMatchObject({ ok: true })
})

const refused = '403 CONSTRAINT_VIOLATED'

scenario('SEC-05-S01', async () => {
  const constraints = { maxAmountPerTx: `${ETH}`, maxTotalAmount: `${3n * ETH}` }
  const { token } = await payer(wallet, { session: { constraints } })
  const amounts = [ETH + 1n, ETH - 1n, ETH, ETH, 2n, 1n, 1n]
  const said: string[] = []
  for (const amount of amounts) said.push(await pay(wallet, token, { amount: `${amount}` }))
  expect(said).toEqual([refused, 'CONFIRMED', 'CONFIRMED', 'CONFIRMED', refused, 'CONFIRMED', refused])
})

scenario('SEC-05-S02', async () => {
  const { token } = await payer(wallet, { session: { constraints: { maxTransactions: 3 } } })
  const said: string[] = []
  for (let count = 1; count <= 4; count++) said.push(await pay(wallet, token, { amount: '1' }))
  expect(said).toEqual(['CONFIRMED', 'CONFIRMED', 'CONFIRMED', refused])
})
