import { serializeTransaction } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anvil, setCode } from '../chains/evm/contracts.fixture.ts'
import { type EvmChain, type EvmPayer, startEvmChain } from './testing/evm-chain.ts'

const TO = '0x00000000000000000000000000000000000000AA'
const BURNER = '0x00000000000000000000000000000000000000b1'
/** Counts to 200,000, which takes almost six million gas. */
const BURNER_CODE = '0x60005b60010180' + '62030d40' + '11600257' + '00'
const ETH = 10n ** 18n
const GWEI = 10n ** 9n
const BASE_FEE = 100n * GWEI

let chain: EvmChain

beforeAll(async () => {
  chain = await startEvmChain()
  await setCode(chain.evm.rpcUrl, BURNER, BURNER_CODE)
})
afterAll(() => chain?.close())

/** Of a payment of 1 wei at this price per gas. */
function payment(maxFeePerGas: bigint, change: Record<string, unknown> = {}): { transaction: string } {
  const usual = { type: 'eip1559', chainId: 31337, nonce: 0, gas: 21_000n, to: TO, value: 1n, maxFeePerGas }
  return { transaction: serializeTransaction({ maxPriorityFeePerGas: maxFeePerGas, ...usual, ...change } as never) }
}

const NINE_ETHER = (9n * ETH) / 21_000n
const small = { instant_max: '1000' }
/** Lets any fee pass, so that limits alone speak. */
const anyFee = { FEE_LIMIT: { approval_above_percent: 1_000_000, deny_above_percent: 1_000_000, ignored_up_to: '10' } }
const sign = async (payer: EvmPayer, maxFeePerGas: bigint) => {
  const { status, body } = await chain.ask(payer, 'sign', payment(maxFeePerGas))
  return { status, said: body.code ?? body.tier }
}

describe('a fee that somebody else set', () => {
  beforeAll(async () => {
    await anvil(chain.evm.rpcUrl, 'anvil_setNextBlockBaseFeePerGas', `0x${BASE_FEE.toString(16)}`)
    await chain.evm.control.mine(1)
  })

  test('of a whole balance is refused, whatever the payment', async () => {
    const payer = await chain.payer({ SPENDING_LIMIT: { instant_max: `${100n * ETH}` } })
    expect(await sign(payer, NINE_ETHER)).toEqual({ status: 403, said: 'FEE_TOO_HIGH' })
  })

  test('near the market price passes, above it asks, far above is refused', async () => {
    const payer = await chain.payer({ SPENDING_LIMIT: { instant_max: `${ETH}` } })
    // At most 2 x base fee + tip and half as much again is usual here.
    expect(await sign(payer, 4n * BASE_FEE)).toEqual({ status: 201, said: 'INSTANT' })
    const owned = await chain.payer({ SPENDING_LIMIT: { instant_max: `${ETH}` } }, { agent: { ownerAddress: TO } })
    const asked = await chain.ask(owned, 'sign', payment(15n * BASE_FEE))
    expect([asked.status, asked.body]).toMatchObject([202, { tier: 'APPROVAL', status: 'QUEUED' }])
    expect(asked.body.reasons).toContainEqual(expect.objectContaining({ rule: 'FEE_LIMIT', tier: 'APPROVAL' }))
    expect(await sign(payer, 40n * BASE_FEE)).toEqual({ status: 403, said: 'FEE_TOO_HIGH' })
  })

  test('at the price of an idle network is not compared with that price', async () => {
    const payer = await chain.payer({ SPENDING_LIMIT: { instant_max: `${ETH}` } })
    await anvil(chain.evm.rpcUrl, 'anvil_setNextBlockBaseFeePerGas', '0x1')
    await chain.evm.control.mine(1)
    await expect.poll(async () => (await sign(payer, 10n * GWEI)).said).toBe('INSTANT')
  })

  test('counts in tiers, windows and budgets', async () => {
    const tiers = await chain.payer({ SPENDING_LIMIT: small, ...anyFee }, { agent: { ownerAddress: TO } })
    expect(await sign(tiers, NINE_ETHER)).toEqual({ status: 202, said: 'APPROVAL' })
    const notice = { instant_max: '1000', notify_max: `${ETH}` }
    expect(await sign(await chain.payer({ SPENDING_LIMIT: notice, ...anyFee }), NINE_ETHER / 10n)).toEqual({
      status: 201,
      said: 'NOTIFY',
    })
    const window = { instant_max: `${100n * ETH}`, windows: [{ seconds: 3600, asset: 'native:evm', max: '1000' }] }
    expect(await sign(await chain.payer({ SPENDING_LIMIT: window, ...anyFee }), NINE_ETHER)).toEqual({
      status: 403,
      said: 'SPENDING_LIMIT_EXCEEDED',
    })
    for (const constraints of [{ maxTotalAmount: '1000' }, { maxAmountPerTx: '1000' }]) {
      const limits = { SPENDING_LIMIT: { instant_max: `${100n * ETH}` }, ...anyFee }
      const budget = await chain.payer(limits, { session: { constraints } })
      expect(await sign(budget, NINE_ETHER)).toEqual({ status: 403, said: 'CONSTRAINT_VIOLATED' })
    }
  })

  test('above the market price is not in a budget that names tokens alone', async () => {
    const constraints = { maxTotalAmount: { [`evm-local/${TO}`]: '1' } }
    const payer = await chain.payer(
      { SPENDING_LIMIT: { instant_max: `${ETH}` }, ...anyFee },
      { session: { constraints } },
    )
    const { body } = await chain.ask(payer, 'sign', payment(NINE_ETHER, { value: 0n }))
    expect(body.code).toBe('CONSTRAINT_VIOLATED')
  })
})

describe('a fee that the daemon sets', () => {
  const plain = { to: TO, type: 'TRANSFER' }
  const burn = { to: BURNER, type: 'CONTRACT_CALL', calldata: '0x12345678' }
  const contracts = { CONTRACT_WHITELIST: { contracts: [{ address: BURNER }] } }

  test('of a plain payment leaves the edges of the limits where they are', async () => {
    const constraints = { maxTotalAmount: '3000', maxAmountPerTx: '1000' }
    const payer = await chain.payer({ SPENDING_LIMIT: small }, { session: { constraints } })
    expect((await chain.ask(payer, 'simulate', { ...plain, amount: '1000' })).body.tier).toBe('INSTANT')
    for (const _ of [1, 2, 3]) {
      expect((await chain.ask(payer, 'send', { ...plain, amount: '1000' })).body.tier).toBe('INSTANT')
    }
    expect((await chain.ask(payer, 'send', { ...plain, amount: '1' })).body.code).toBe('CONSTRAINT_VIOLATED')
  })

  test('of a call that burns gas counts like an amount', async () => {
    const [tight, wide] = [
      await chain.payer({ SPENDING_LIMIT: small, ...contracts }, { agent: { ownerAddress: TO } }),
      await chain.payer({ SPENDING_LIMIT: { instant_max: `${ETH}` }, ...contracts }),
    ]
    expect((await chain.ask(wide, 'simulate', burn)).body.tier).toBe('INSTANT')
    const { body } = await chain.ask(tight, 'send', burn)
    expect([body.tier, body.status]).toEqual(['APPROVAL', 'QUEUED'])
    expect(body.reasons).toContainEqual(
      expect.objectContaining({ message: expect.stringMatching(/^The fee is above the instant limit/) }),
    )
  })

  test('of a plain payment counts too where the price is one that no network has had', async () => {
    const payer = await chain.payer({ SPENDING_LIMIT: small }, { agent: { ownerAddress: TO } })
    await anvil(chain.evm.rpcUrl, 'anvil_setNextBlockBaseFeePerGas', `0x${(10_000n * GWEI).toString(16)}`)
    await chain.evm.control.mine(1)
    const tier = async () => (await chain.ask(payer, 'simulate', { ...plain, amount: '1' })).body.tier
    await expect.poll(tier).toBe('APPROVAL')
    await anvil(chain.evm.rpcUrl, 'anvil_setNextBlockBaseFeePerGas', '0x1')
    await chain.evm.control.mine(1)
    await expect.poll(tier).toBe('INSTANT')
  })

  test('is taken from the budget of a session, and what was not paid is given back', async () => {
    const limits = { SPENDING_LIMIT: { instant_max: `${ETH}` }, ...contracts }
    const { body: trial } = await chain.ask(await chain.payer(limits), 'simulate', burn)
    const budget = (BigInt(trial.maxFee as string) * 105n) / 100n
    const payer = await chain.payer(limits, { session: { constraints: { maxTotalAmount: `${budget}` } } })
    const first = await chain.ask(payer, 'send', burn)
    await expect.poll(async () => (await chain.read(payer, first.body.id)).status).toBe('CONFIRMED')
    expect((await chain.ask(payer, 'send', burn)).body.code).toBe('CONSTRAINT_VIOLATED')
    const { fee } = await chain.read(payer, first.body.id)
    const left = budget - BigInt(fee as string)
    expect((await chain.ask(payer, 'send', { ...plain, amount: `${left}` })).body.code).toBeUndefined()
  })
})
