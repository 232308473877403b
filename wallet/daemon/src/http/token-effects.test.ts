import { checksumAddress } from '@waiaas/core'
import { deployShareErc20, deployTrickster } from '@waiaas/devnet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EvmChain, type EvmPayer, startEvmChain } from './testing/evm-chain.ts'

const TO = '0x00000000000000000000000000000000000000AA'
const THIEF = '0x00000000000000000000000000000000000000bb'
const ETH = 10n ** 18n
const UNLIMITED = `${2n ** 255n}`

let chain: EvmChain

beforeAll(async () => {
  chain = await startEvmChain()
})
afterAll(() => chain?.close())

type Shares = { shares: bigint; pooled: bigint; decimals: number; roundsUp: boolean }

/** A payer who may send a token of its own to one recipient and nothing else to anybody. */
async function holder(deploy: (owner: `0x${string}`) => Promise<`0x${string}`>) {
  const payer = await chain.payer({ SPENDING_LIMIT: { instant_max: UNLIMITED } })
  const token = checksumAddress(await deploy(payer.address))
  const policies = {
    WHITELIST: { allowed_addresses: [TO, payer.address] },
    ALLOWED_TOKENS: { tokens: [{ address: token }] },
    APPROVE_TIER_OVERRIDE: { tier: 'INSTANT' },
  }
  for (const [type, rules] of Object.entries(policies)) {
    await chain.http.operate('POST', '/v1/policies', { agentId: payer.id, type, rules })
  }
  const { items } = await chain.http.operate<{ items: { id: string; type: string; agentId: string }[] }>(
    'GET',
    '/v1/policies',
  )
  const limit = items.find(({ type, agentId }) => type === 'SPENDING_LIMIT' && agentId === payer.id)!
  const token_limits = { [`evm-local/${token}`]: { instant_max: UNLIMITED } }
  await chain.http.operate('PUT', `/v1/policies/${limit.id}`, { rules: { instant_max: UNLIMITED, token_limits } })
  return { payer, token }
}

const holderOfShares = (shares: Shares) =>
  holder((owner) => deployShareErc20({ rpcUrl: chain.evm.rpcUrl, owner, ...shares }))

const transfer = (token: string, amount: bigint) => ({
  type: 'TOKEN_TRANSFER',
  to: TO,
  token: { address: token },
  amount: `${amount}`,
})

type Change = { account: string; before: string; after: string }
const moved = (changes: unknown, account: string) => {
  const change = (changes as Change[]).find((each) => each.account === account)
  return change === undefined ? 0n : BigInt(change.before) - BigInt(change.after)
}

describe('a token that keeps shares', () => {
  /** Shares worth 1.2037… each, as after years of rewards. */
  const worth = { shares: 1000n * ETH, pooled: 1203748219384756102937n, decimals: 18 }
  const amounts = ['1', '0.5', '2', '3.3', '10', '25', '0.1', '7', '12.5', '100'].map(
    (text) => BigInt(Number(text) * 10) * (ETH / 10n),
  )

  test.each([false, true])(
    'is paid with, whether it rounds up: %s',
    async (roundsUp) => {
      const { payer, token } = await holderOfShares({ ...worth, roundsUp })
      const shortfalls: bigint[] = []
      for (const amount of amounts) {
        const trial = await chain.ask(payer, 'simulate', transfer(token, amount))
        expect(trial.body).toMatchObject({ tier: 'INSTANT', effects: [{ kind: 'spend', amount: `${amount}`, to: TO }] })
        shortfalls.push(amount - moved(trial.body.changes, payer.address))
      }
      // What is really moved is shown, and differs.
      expect(shortfalls.some((each) => each !== 0n)).toBe(true)
      expect(shortfalls.every((each) => each >= -3n && each <= 3n)).toBe(true)
      const sent = await chain.ask(payer, 'send', transfer(token, ETH))
      await expect.poll(async () => (await chain.read(payer, sent.body.id)).status).toBe('CONFIRMED')
    },
    30_000,
  )

  test('that misses by more is refused, and so is one whose units are money', async () => {
    const coarse = await holderOfShares({ shares: 10n ** 15n, pooled: 10n ** 18n, decimals: 18, roundsUp: false })
    const short = await chain.ask(coarse.payer, 'simulate', transfer(coarse.token, 1999n))
    expect(short.body).toMatchObject({ code: 'SIMULATION_FAILED' })
    const cents = await holderOfShares({ ...worth, decimals: 2, roundsUp: false })
    const codes: unknown[] = []
    for (const amount of amounts) {
      codes.push((await chain.ask(cents.payer, 'simulate', transfer(cents.token, amount))).body.code)
    }
    expect(codes).toContain('SIMULATION_FAILED')
  })

  test('that takes more than rounding explains shows it as a payment to the token', async () => {
    const coarse = await holderOfShares({ shares: 10n ** 15n, pooled: 10n ** 18n, decimals: 18, roundsUp: true })
    const { body } = await chain.ask(coarse.payer, 'simulate', transfer(coarse.token, 1001n))
    expect(body).toMatchObject({ tier: 'DENY', code: 'WHITELIST_DENIED' })
    expect(body.effects).toContainEqual(expect.objectContaining({ kind: 'spend', amount: '999', to: coarse.token }))
  })
})

test('a payment to oneself explains nothing of what goes to others', async () => {
  const { payer, token } = await holder((owner) =>
    deployTrickster({ rpcUrl: chain.evm.rpcUrl, owner, supply: 1_000_000n, thief: THIEF }),
  )
  const request = { ...transfer(token, 700n), to: payer.address }
  const { body } = await chain.ask(payer, 'simulate', request)
  expect(body).toMatchObject({ tier: 'DENY', code: 'WHITELIST_DENIED' })
  expect(body.effects).toContainEqual(expect.objectContaining({ kind: 'spend', amount: '700', to: token }))
})

test('coins that a wallet pays to itself stay in its balance', async () => {
  const payer: EvmPayer = await chain.payer({ SPENDING_LIMIT: { instant_max: UNLIMITED } })
  const { body } = await chain.ask(payer, 'simulate', { to: payer.address, amount: `${ETH}` })
  const { before, after } = body.balance as { before: string; after: string }
  expect(BigInt(before) - BigInt(after)).toBe(BigInt(body.maxFee as string))
})
