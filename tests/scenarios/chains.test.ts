import { deployErc20 } from '@waiaas/devnet'
import { serializeTransaction } from 'viem'
import { afterAll, beforeAll, expect } from 'vitest'
import {
  addPolicy,
  as,
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
  read,
  SOL,
  send,
  sentBy,
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

const SOLANA_PAYEE = '4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM'
const UNLIMITED = `${2n ** 256n - 1n}`

/** A token of which `holder` has everything. */
function newToken(holder: string): Promise<string> {
  return deployErc20({
    rpcUrl: wallet.evm.rpcUrl,
    name: 'Token',
    symbol: 'TKN',
    decimals: 6,
    supply: 10n ** 12n,
    owner: holder as `0x${string}`,
  })
}

const refused = expect.stringMatching(/^403 /)

scenario('CHAIN-01', async () => {
  const constraints = {
    maxAmountPerTx: { 'native:evm': `${4n * ETH}` },
    maxTotalAmount: { 'native:evm': `${10n * ETH}` },
  }
  const { token, sessionId, evm } = await payer(wallet, { session: { ttl: 600, constraints } })
  const to = newPayee()
  const erc20 = await newToken(evm)
  const drain = async (by: string) => [
    await pay(wallet, by, { to, humanAmount: '10' }),
    ...(await atOnce(4, () => pay(wallet, by, { to, humanAmount: '4' }))),
    await pay(wallet, by, { network: 'solana-local', to: SOLANA_PAYEE, amount: `${SOL}` }),
    await pay(wallet, by, { type: 'TOKEN_TRANSFER', to, amount: '1', token: { address: erc20 } }),
    await pay(wallet, by, { type: 'APPROVE', spender: to, amount: UNLIMITED, token: { address: erc20 } }),
  ]
  const first = await drain(token)
  expect(first.filter((one) => one === 'CONFIRMED')).toHaveLength(2)
  expect(first.filter((one) => one !== 'CONFIRMED')).toEqual(Array(6).fill(refused))
  expect(await pay(wallet, token, { to, humanAmount: '2' })).toBe('CONFIRMED')
  // A new token of the same session has the same budget, which is spent.
  wallet.clock.advance(301)
  const path = `/v1/sessions/${sessionId}/renew`
  const renewed = await wallet.call(path, { method: 'PUT', headers: as(token) })
  expect(renewed.status).toBe(200)
  const second = await drain(renewed.body.token as string)
  expect(second).toEqual(Array(8).fill(refused))
  expect(await pay(wallet, token, { to, amount: '1' })).toBe('401 INVALID_TOKEN')
  expect(await balanceOf(wallet, to)).toBe(10n * ETH)
})

scenario('CHAIN-02', async () => {
  const [listed, thief] = [newPayee(), newPayee()]
  const window = { seconds: 86_400, asset: 'native:evm', max: `${(35n * ETH) / 10n}` }
  const { token, agentId, evm } = await payer(wallet, { limits: { instant_max: `${ETH}`, windows: [window] } })
  const erc20 = await newToken(evm)
  const transfer = `0xa9059cbb${thief.slice(2).padStart(64, '0')}${'1'.padStart(64, '0')}`
  const asset = { token: { address: erc20 } }
  const kinds = async () => [
    await pay(wallet, token, { type: 'CONTRACT_CALL', to: thief, calldata: '0xdeadbeef', value: '1' }),
    await pay(wallet, token, { type: 'CONTRACT_CALL', to: erc20, calldata: transfer }),
    await pay(wallet, token, { type: 'TOKEN_TRANSFER', to: thief, amount: '1', ...asset }),
    await pay(wallet, token, { type: 'APPROVE', spender: thief, amount: UNLIMITED, ...asset }),
    await pay(wallet, token, { type: 'BATCH', instructions: Array(2).fill({ to: thief, amount: '1' }) }),
  ]
  expect(await kinds()).toEqual([
    '403 CONTRACT_CALL_DISABLED',
    '403 TOKEN_NOT_ALLOWED',
    '403 TOKEN_NOT_ALLOWED',
    '403 APPROVE_DISABLED',
    '400 BATCH_NOT_SUPPORTED',
  ])
  const fees = { chainId: 31_337, nonce: 0, gas: 21_000n, maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n }
  const made = serializeTransaction({ type: 'eip1559', to: thief as `0x${string}`, value: 4n * ETH, ...fees })
  const signing = await wallet.call('/v1/transactions/sign', {
    headers: { ...as(token), 'Idempotency-Key': 'made elsewhere' },
    body: { network: 'evm-local', transaction: made },
  })
  expect(told(signing)).toBe('403 SPENDING_LIMIT_EXCEEDED')
  await addPolicy(wallet, { agentId, type: 'WHITELIST', rules: { allowed_addresses: [listed] } })
  const others = [
    await pay(wallet, token, { to: thief, amount: '1' }),
    await pay(wallet, token, { network: 'solana-local', to: SOLANA_PAYEE, amount: `${SOL}` }),
    ...(await kinds()),
  ]
  expect(others).toEqual([...Array(6).fill('403 WHITELIST_DENIED'), '400 BATCH_NOT_SUPPORTED'])
  expect([await balanceOf(wallet, thief), await sentBy(wallet, evm)]).toEqual([0n, 0])
  // Faster than the window: three fit. Faster than a change: what is asked after its answer is judged by it.
  const many = await atOnce(8, () => pay(wallet, token, { to: listed, humanAmount: '1' }))
  expect(many.filter((one) => one === 'CONFIRMED')).toHaveLength(3)
  const strict = { agentId, network: 'evm-local', type: 'SPENDING_LIMIT', rules: { delay_max: '1' } }
  const late = addPolicy(wallet, strict).then(() => tierOf(wallet, token, { to: listed, amount: '1' }))
  const during = await atOnce(4, () => tierOf(wallet, token, { to: listed, amount: '1' }))
  expect([await late, ...during].every((tier) => tier === 'DELAY' || tier === 'INSTANT')).toBe(true)
  expect(await late).toBe('DELAY')
})

scenario('CHAIN-03', async () => {
  const owner = newOwner()
  const limits = { instant_max: '10', notify_max: '100', delay_max: '1000', delay_seconds: 60 }
  const options = { agent: { ownerAddress: owner.address }, session: { ttl: 604_800 }, limits }
  const { token, evm } = await payer(wallet, options)
  const to = newPayee()
  const sent = []
  for (const amount of ['10', '100', '1000', '10000']) sent.push(await send(wallet, token, { to, amount }))
  expect(sent.map(({ body }) => [body.tier, body.status])).toEqual([
    ['INSTANT', 'CONFIRMED'],
    ['NOTIFY', 'CONFIRMED'],
    ['DELAY', 'QUEUED'],
    ['APPROVAL', 'QUEUED'],
  ])
  const [delayed, asking] = [sent[2]!.body.id, sent[3]!.body.id]
  const asked = await askOwner(wallet, 'approve', asking)
  const approval = { method: 'POST', headers: ownerProof(asked, await owner.signTyped(asked.message)) }
  await wallet.operate('POST', '/v1/admin/kill-switch')
  expect(await pay(wallet, token, { to, amount: '1' })).toBe('503 SYSTEM_LOCKED')
  expect(told(await wallet.call(`/v1/transactions/${asking}/approve`, approval))).toBe('503 SYSTEM_LOCKED')
  wallet.clock.advance(60)
  await wallet.operate('POST', '/v1/admin/recover')
  wallet.clock.advance(86_400)
  const state = async () => (await wallet.operate('GET', '/v1/admin/kill-switch')).state
  while ((await state()) !== 'NORMAL') await new Promise((resolve) => setTimeout(resolve, 50))
  expect([(await transaction(wallet, delayed)).status, (await transaction(wallet, asking)).status]).toEqual([
    'CANCELLED',
    'CANCELLED',
  ])
  expect(told(await wallet.call(`/v1/transactions/${asking}/approve`, approval))).toMatch(/^4/)
  expect([await pay(wallet, token, { amount: '1' }), await balanceOf(wallet, to), await sentBy(wallet, evm)]).toEqual([
    '401 SESSION_REVOKED',
    110n,
    2,
  ])
})

scenario('CHAIN-04', async () => {
  const constraints = { maxTotalAmount: `${ETH}` }
  const limits = { instant_max: '100', delay_max: `${ETH}`, delay_seconds: 60 }
  const { token: stolen, sessionId, agentId, evm } = await payer(wallet, { session: { ttl: 600, constraints }, limits })
  const thief = newPayee()
  expect(await pay(wallet, stolen, { to: thief, amount: '100' })).toBe('CONFIRMED')
  const waiting = await send(wallet, stolen, { to: thief, humanAmount: '0.5' })
  expect(waiting.body.status).toBe('QUEUED')
  await wallet.operate('DELETE', `/v1/sessions/${sessionId}`)
  await wallet.operate('POST', '/v1/admin/rotate-secret')
  wallet.clock.advance(301)
  const renew = await wallet.call(`/v1/sessions/${sessionId}/renew`, { method: 'PUT', headers: as(stolen) })
  expect([await read(wallet, stolen), await pay(wallet, stolen, { to: thief, amount: '1' }), told(renew)]).toEqual(
    Array(3).fill(expect.stringMatching(/^401 /)),
  )
  const { token } = await openSession(wallet, agentId)
  const to = newPayee()
  expect(await pay(wallet, token, { to, amount: '7' })).toBe('CONFIRMED')
  expect((await until(wallet, waiting.body.id, 'CANCELLED')).status).toBe('CANCELLED')
  expect([await balanceOf(wallet, thief), await balanceOf(wallet, to), await sentBy(wallet, evm)]).toEqual([
    100n,
    7n,
    2,
  ])
})

scenario('CHAIN-05', async () => {
  const inTwoHours = (Math.floor(wallet.clock.seconds() / 3600) + 2) % 24
  const rules = { allowed_hours: { start: inTwoHours, end: inTwoHours + 1 } }
  const { token, agentId, evm } = await payer(wallet, { policies: { TIME_RESTRICTION: rules } })
  for (let tries = 0; tries < 3; tries++) expect(await pay(wallet, token, { amount: '1' })).toBe('403 POLICY_DENIED')
  const status = async () => (await wallet.operate('GET', `/v1/agents/${agentId}`)).status
  while ((await status()) !== 'SUSPENDED') await new Promise((resolve) => setTimeout(resolve, 50))
  wallet.clock.advance(7200 - (wallet.clock.seconds() % 3600) + 60)
  expect(await pay(wallet, token, { amount: '1' })).toBe('409 AGENT_SUSPENDED')
  await wallet.end('SIGKILL')
  await wallet.start()
  expect([await pay(wallet, token, { amount: '1' }), await sentBy(wallet, evm)]).toEqual(['409 AGENT_SUSPENDED', 0])
  await wallet.operate('POST', `/v1/agents/${agentId}/resume`)
  expect(await pay(wallet, token, { amount: '1' })).toBe('CONFIRMED')
})
