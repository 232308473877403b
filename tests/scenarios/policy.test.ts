import { afterAll, beforeAll, expect } from 'vitest'
import {
  addPolicy,
  askOwner,
  atOnce,
  balanceOf,
  ETH,
  newOwner,
  newPayee,
  openSession,
  ownerProof,
  pay,
  payer,
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
  wallet = await startWallet()
})
afterAll(() => wallet?.close())

scenario('SEC-02-09', async () => {
  const { token, agentId, evm } = await payer(wallet)
  for (const { id } of (await wallet.operate<{ items: { id: string }[] }>('GET', '/v1/policies')).items) {
    await wallet.operate('DELETE', `/v1/policies/${id}`)
  }
  const contract = { to: newPayee(), calldata: '0xa9059cbb' }
  expect([
    await pay(wallet, token, { amount: '1' }),
    await pay(wallet, token, { network: 'solana-local', to: SOMEBODY, amount: `${SOL}` }),
    await pay(wallet, token, { type: 'CONTRACT_CALL', ...contract, value: '1' }),
  ]).toEqual(['403 POLICY_DENIED', '403 POLICY_DENIED', '403 CONTRACT_CALL_DISABLED'])
  expect(await balanceOf(wallet, evm)).toBe(1000n * ETH)
  await addPolicy(wallet, { agentId, type: 'SPENDING_LIMIT', rules: { instant_max: '1' } })
  expect(await tierOf(wallet, token, { amount: '1' })).toBe('INSTANT')
})

/** Any Solana address with letters in both cases. */
const SOMEBODY = '4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM'

scenario('SEC-02-01', async () => {
  // What is left over pays for fees, which count too.
  const window = { seconds: 86_400, asset: 'native:evm', max: `${(105n * ETH) / 10n}` }
  const { token, agentId } = await payer(wallet, { limits: { instant_max: `${5n * ETH}`, windows: [window] } })
  const other = await openSession(wallet, agentId)
  const to = newPayee()
  expect(await pay(wallet, token, { to, humanAmount: '5' })).toBe('CONFIRMED')
  const both = await Promise.all([token, other.token].map((one) => pay(wallet, one, { to, humanAmount: '3' })))
  expect(both.sort()).toEqual(['403 SPENDING_LIMIT_EXCEEDED', 'CONFIRMED'])
  expect(await balanceOf(wallet, to)).toBe(8n * ETH)
})

scenario('SEC-02-02', async () => {
  // As numbers, each of these equals its neighbours.
  const edges = [2n ** 53n + 1n, 2n ** 63n, 2n ** 64n + 1n] as const
  const names = ['instant_max', 'notify_max', 'delay_max']
  const limits = Object.fromEntries(names.map((name, index) => [name, `${edges[index]}`]))
  const { token } = await payer(wallet, { agent: { ownerAddress: newOwner().address }, limits })
  const tiers: string[] = []
  for (const edge of edges) {
    for (const step of [-1n, 0n, 1n]) tiers.push(await tierOf(wallet, token, { amount: `${edge + step}` }))
  }
  expect(tiers).toEqual([
    ...['INSTANT', 'INSTANT', 'NOTIFY'],
    ...['NOTIFY', 'NOTIFY', 'DELAY'],
    ...['DELAY', 'DELAY', 'APPROVAL'],
  ])
})

scenario('SEC-02-03', async () => {
  const payee = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
  const listing = (allowed: string[]) => ({ policies: { WHITELIST: { allowed_addresses: allowed } } })
  for (const written of [payee, payee.toLowerCase(), `0x${payee.slice(2).toUpperCase()}`]) {
    const { token } = await payer(wallet, listing([written]))
    expect(await pay(wallet, token, { to: payee, amount: '1' })).toBe('CONFIRMED')
    expect(await pay(wallet, token, { to: payee.toLowerCase(), amount: '1' })).toBe('CONFIRMED')
    expect(await pay(wallet, token, { amount: '1' })).toBe('403 WHITELIST_DENIED')
  }
  const solana = (to: string) => ({ network: 'solana-local', to, amount: `${SOL}` })
  const exact = await payer(wallet, listing([SOMEBODY]))
  expect(await pay(wallet, exact.token, solana(SOMEBODY))).toBe('CONFIRMED')
  expect(await solanaBalanceOf(wallet, SOMEBODY)).toBe(SOL)
  const folded = await payer(wallet, listing([SOMEBODY.replace('V', 'v')]))
  expect(await pay(wallet, folded.token, solana(SOMEBODY))).toBe('403 WHITELIST_DENIED')
  expect(await solanaBalanceOf(wallet, SOMEBODY)).toBe(SOL)
})

scenario('SEC-02-04', async () => {
  wallet.clock.stand()
  const hours = { start: 9, end: 17 }
  const rules = { allowed_hours: hours, timezone: 'Asia/Seoul' }
  // Seoul is nine hours ahead all year: 9 o'clock there is midnight in UTC.
  wallet.clock.advance(86_400 - (wallet.clock.seconds() % 86_400) - 1)
  const { token } = await payer(wallet, { policies: { TIME_RESTRICTION: rules } })
  const said = [await tierOf(wallet, token, { amount: '1' })]
  for (const seconds of [1, 8 * 3600 - 1, 1]) {
    wallet.clock.advance(seconds)
    said.push(await tierOf(wallet, token, { amount: '1' }))
  }
  wallet.clock.run()
  expect(said).toEqual(['403 POLICY_DENIED', 'INSTANT', 'INSTANT', '403 POLICY_DENIED'])
})

scenario('SEC-02-05', async () => {
  wallet.clock.stand()
  const rules = { max_requests: 2, window_seconds: 60 }
  const { token } = await payer(wallet, { policies: { RATE_LIMIT: rules } })
  const pays = async (count: number) => (await atOnce(count, () => tierOf(wallet, token, { amount: '1' }))).sort()
  const full = '429 RATE_LIMIT_EXCEEDED'
  const said = [await pays(3)]
  wallet.clock.advance(60)
  said.push(await pays(1))
  wallet.clock.advance(1)
  said.push(await pays(3))
  wallet.clock.run()
  // What was refused takes no place; what is exactly as old as the window still counts.
  expect(said).toEqual([[full, 'INSTANT', 'INSTANT'], [full], [full, 'INSTANT', 'INSTANT']])
})

scenario('SEC-02-06', async () => {
  wallet.clock.stand()
  const { token } = await payer(wallet, { limits: { delay_max: `${ETH}`, delay_seconds: 60 } })
  const to = newPayee()
  const early = await send(wallet, token, { amount: '1', to })
  wallet.clock.advance(1)
  const late = await send(wallet, token, { amount: '2', to })
  expect([early, late].map(({ body }) => [body.status, body.executesAt])).toEqual([
    ['QUEUED', wallet.clock.seconds() + 59],
    ['QUEUED', wallet.clock.seconds() + 60],
  ])
  wallet.clock.advance(59)
  // That the first has gone shows that the daemon has looked at what is due.
  await until(wallet, early.body.id, 'CONFIRMED')
  expect([(await transaction(wallet, late.body.id)).status, await balanceOf(wallet, to)]).toEqual(['QUEUED', 1n])
  wallet.clock.advance(1)
  await until(wallet, late.body.id, 'CONFIRMED')
  wallet.clock.run()
  expect(await balanceOf(wallet, to)).toBe(3n)
})

scenario('SEC-02-07', async () => {
  const owner = newOwner()
  const limits = { instant_max: '1', approval_timeout: 300 }
  const { token } = await payer(wallet, { agent: { ownerAddress: owner.address }, limits })
  wallet.clock.stand()
  const to = newPayee()
  const { body } = await send(wallet, token, { amount: '2', to })
  const asked = await askOwner(wallet, 'approve', body.id)
  const headers = ownerProof(asked, await owner.signTyped(asked.message))
  wallet.clock.advance(300)
  const path = `/v1/transactions/${body.id}/approve`
  expect(told(await wallet.call(path, { method: 'POST', headers }))).toMatch(
    /^(401 INVALID_NONCE|410 APPROVAL_TIMEOUT)$/,
  )
  expect(told(await wallet.call('/v1/owner/challenges', { body: { action: 'approve', resourceId: body.id } }))).toMatch(
    /^(410 APPROVAL_TIMEOUT|409 TX_ALREADY_PROCESSED)$/,
  )
  wallet.clock.run()
  expect((await until(wallet, body.id, 'EXPIRED')).status).toBe('EXPIRED')
  expect(await balanceOf(wallet, to)).toBe(0n)
})

scenario('SEC-02-08', async () => {
  const policyIds = [
    await addPolicy(wallet, { type: 'SPENDING_LIMIT', rules: { instant_max: '10', delay_max: '100' } }),
    await addPolicy(wallet, { type: 'RATE_LIMIT', rules: { max_requests: 100, window_seconds: 60 } }),
  ]
  const strict = await payer(wallet, { limits: { instant_max: '5', delay_max: '100' } })
  const mild = await payer(wallet, { limits: { instant_max: '50' } })
  expect(await tierOf(wallet, strict.token, { amount: '6' })).toBe('DELAY')
  expect(await tierOf(wallet, mild.token, { amount: '11' })).toBe('INSTANT')
  const narrow = { agentId: mild.agentId, network: 'evm-local', type: 'SPENDING_LIMIT', rules: { delay_max: '50' } }
  await addPolicy(wallet, narrow)
  expect(await tierOf(wallet, mild.token, { amount: '11' })).toBe('DELAY')
  // A rule of another type, which only the global set has, is not replaced.
  await wallet.operate('PUT', `/v1/policies/${policyIds[1]}`, { rules: { max_requests: 0, window_seconds: 60 } })
  expect(await tierOf(wallet, mild.token, { amount: '11' })).toBe('429 RATE_LIMIT_EXCEEDED')
  for (const id of policyIds) await wallet.operate('DELETE', `/v1/policies/${id}`)
})
