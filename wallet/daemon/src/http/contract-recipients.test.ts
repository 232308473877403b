import { checksumAddress } from '@waiaas/core'
import { deployErc20 } from '@waiaas/devnet'
import { serializeTransaction } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { calldata, calling, setCode } from '../chains/evm/contracts.fixture.ts'
import { type EvmChain, type EvmPayer, startEvmChain } from './testing/evm-chain.ts'

const OWNER = '0x00000000000000000000000000000000000000dd'
const ETH = 10n ** 18n

let chain: EvmChain
let used = 0x3000

beforeAll(async () => {
  chain = await startEvmChain()
})
afterAll(() => chain?.close())

const usual = { SPENDING_LIMIT: { instant_max: `${ETH}` } }

/** Code that tells who paid how much, as a Safe does (SafeReceived), and stops. */
const RECEIVES = '0x3460005260206000a000'

/** A new address with this code. */
async function withCode(code: string): Promise<`0x${string}`> {
  used += 1
  const address = checksumAddress(`0x${used.toString(16).padStart(40, '0')}`) as `0x${string}`
  await setCode(chain.evm.rpcUrl, address, code)
  return address
}

/** A person whose account has delegated to this code. */
const delegatedTo = async (code: string) => await withCode(`0xef0100${(await withCode(code)).slice(2)}`)

const payment = (to: string) => ({ to, amount: '5' })
const told = async (payer: EvmPayer, to: string) => {
  const { body } = await chain.ask(payer, 'send', payment(to))
  return body.code ?? body.tier
}
const confirmed = async (payer: EvmPayer, to: string) => {
  const { body } = await chain.ask(payer, 'send', payment(to))
  expect([body.code, body.tier]).toEqual([undefined, 'INSTANT'])
  await expect.poll(async () => (await chain.read(payer, body.id)).status).toBe('CONFIRMED')
  return body
}

/** A recipient that takes a token which the payer once let it take. */
async function thiefOf(payer: EvmPayer, make: (code: string) => Promise<`0x${string}`>) {
  const { rpcUrl } = chain.evm
  const token = await deployErc20({
    rpcUrl,
    name: 'D',
    symbol: 'USDX',
    decimals: 6,
    supply: 100n,
    owner: payer.address,
  })
  const take = calldata('transferFrom(address,address,uint256)', payer.address, OWNER, 7n)
  const thief = await make(calling(token, take))
  for (const [type, rules] of Object.entries({
    APPROVED_SPENDERS: { spenders: [{ address: thief }] },
    APPROVE_TIER_OVERRIDE: { tier: 'INSTANT' },
  })) {
    await chain.http.operate('POST', '/v1/policies', { agentId: payer.id, type, rules })
  }
  const approve = { type: 'APPROVE', spender: thief, token: { address: token }, amount: '7' }
  const { body } = await chain.ask(payer, 'send', approve)
  await expect.poll(async () => (await chain.read(payer, body.id)).status).toBe('CONFIRMED')
  return { thief, token: checksumAddress(token) }
}

const unable = { eth_simulateV1: 'nothing that can be read' }

describe('a person whose account has code', () => {
  test.each(['simulates', 'does not simulate'])(
    'is paid like anybody where the node %s',
    async (how) => {
      chain.node.pretend(how === 'simulates' ? {} : unable)
      const [payer, to] = [await chain.payer(usual), await delegatedTo(RECEIVES)]
      const { body } = await chain.ask(payer, 'simulate', payment(to))
      expect(body).toMatchObject({ tier: 'INSTANT', effects: [{ kind: 'spend', amount: '5', to }] })
      expect(body.effects).toHaveLength(1)
      await confirmed(payer, to)
      await confirmed(payer, await delegatedTo('0x'))
      chain.node.pretend({})
    },
    30_000,
  )

  test.each(['simulates', 'does not simulate'])(
    'who takes more than that is not, where the node %s',
    async (how) => {
      const payer = await chain.payer(usual, { agent: { ownerAddress: OWNER } })
      const { thief } = await thiefOf(payer, delegatedTo)
      chain.node.pretend(how === 'simulates' ? {} : unable)
      expect(await told(payer, thief)).toMatch(/DENIED|CONTRACT_CALL_DISABLED|TOKEN_NOT_ALLOWED/)
      chain.node.pretend({})
    },
    30_000,
  )

  test('is paid by a transaction that was made elsewhere too', async () => {
    const [payer, to] = [await chain.payer(usual), await delegatedTo(RECEIVES)]
    const usualFields = {
      type: 'eip1559',
      chainId: 31337,
      nonce: 0,
      gas: 60_000n,
      maxFeePerGas: 4n * 10n ** 9n,
    } as const
    const transaction = serializeTransaction({ ...usualFields, maxPriorityFeePerGas: 1n, to, value: 5n })
    const { status, body } = await chain.ask(payer, 'sign', { transaction })
    expect([status, body.effects]).toMatchObject([201, [{ kind: 'spend', amount: '5', to }]])
  })
})

describe('a contract wallet', () => {
  test('is paid when the owner approves, and not at once', async () => {
    const to = await withCode(RECEIVES)
    const owned = await chain.payer(usual, { agent: { ownerAddress: OWNER } })
    const { status, body } = await chain.ask(owned, 'send', payment(to))
    expect([status, body]).toMatchObject([202, { tier: 'APPROVAL', status: 'QUEUED' }])
    expect(body.effects).toMatchObject([
      { kind: 'spend', amount: '5', to },
      { kind: 'call', target: to, selector: '0x' },
    ])
  })

  test('waits where there is no owner', async () => {
    const to = await withCode(RECEIVES)
    const limits = { SPENDING_LIMIT: { instant_max: `${ETH}`, delay_seconds: 60 } }
    const payer = await chain.payer(limits)
    const { body } = await chain.ask(payer, 'send', payment(to))
    expect(body).toMatchObject({ tier: 'DELAY', downgraded: true })
    chain.http.clock.advance(61)
    await expect.poll(async () => (await chain.read(payer, body.id)).status).toBe('CONFIRMED')
  })

  test('that a list names is paid at once, one that it does not name when the owner approves', async () => {
    const [named, other] = [await withCode(RECEIVES), await withCode(RECEIVES)]
    const list = { CONTRACT_WHITELIST: { contracts: [{ address: named }] } }
    const payer = await chain.payer({ ...usual, ...list }, { agent: { ownerAddress: OWNER } })
    await confirmed(payer, named)
    expect(await told(payer, other)).toBe('APPROVAL')
    const methods = { METHOD_WHITELIST: { methods: [{ contractAddress: other, selectors: ['0x12345678'] }] } }
    const strict = await chain.payer({ ...usual, ...methods }, { agent: { ownerAddress: OWNER } })
    expect(await told(strict, other)).toBe('METHOD_NOT_WHITELISTED')
    const nobody = await chain.payer({ ...usual, WHITELIST: { allowed_addresses: [named] } })
    expect(await told(nobody, other)).toBe('WHITELIST_DENIED')
  })

  test('that takes more than the payment is refused', async () => {
    const payer = await chain.payer(usual, { agent: { ownerAddress: OWNER } })
    const { thief, token } = await thiefOf(payer, withCode)
    expect(await told(payer, thief)).toMatch(/CONTRACT_CALL_DISABLED|TOKEN_NOT_ALLOWED/)
    const { body } = await chain.ask(payer, 'simulate', payment(thief))
    expect(body.effects).toContainEqual(
      expect.objectContaining({ kind: 'spend', amount: '7', asset: expect.objectContaining({ address: token }) }),
    )
  })

  test('is refused where the node does not show what its code does, and where more than a payment is asked of it', async () => {
    const to = await withCode(RECEIVES)
    const payer = await chain.payer(usual, { agent: { ownerAddress: OWNER } })
    const call = { type: 'CONTRACT_CALL', to, calldata: '0x12345678', value: '5' }
    expect((await chain.ask(payer, 'send', call)).body.code).toBe('CONTRACT_CALL_DISABLED')
    chain.node.pretend(unable)
    expect(await told(payer, to)).toMatch(/DENIED|CONTRACT_CALL_DISABLED/)
    chain.node.pretend({})
  })
})
