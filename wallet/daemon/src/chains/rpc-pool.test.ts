import type { NetworkName } from '@waiaas/core'
import { startEvmNode, startSolanaNode } from '@waiaas/devnet'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { ChainAdapter, SentAttempt } from './chain-adapter.ts'
import { included, placeOf, send, signed } from './conformance-steps.fixture.ts'
import { type NodeProxy, startNodeProxy } from './node-proxy.fixture.ts'
import { createRpcPool } from './rpc-pool.ts'
import { systemTransport, testAdapters } from './test-adapters.fixture.ts'
import { newEvmKey, newSolanaKey } from './test-keys.fixture.ts'

const chains = [
  {
    network: 'evm-local' as NetworkName,
    start: () => startEvmNode({}),
    newKey: newEvmKey,
    funds: 10n ** 18n,
    sendMethod: 'eth_sendRawTransaction',
    balanceMethod: 'eth_getBalance',
    otherChain: { eth_chainId: '0x5' },
    /** What a node tells that has not seen a payment, but knows that its time is over. */
    blind: { eth_getTransactionReceipt: null, eth_getTransactionByHash: null },
  },
  {
    network: 'solana-local' as NetworkName,
    start: () => startSolanaNode({ slotMs: 50 }),
    newKey: newSolanaKey,
    funds: 10n ** 9n,
    sendMethod: 'sendTransaction',
    balanceMethod: 'getBalance',
    otherChain: { getGenesisHash: '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d' },
    blind: {
      getSignatureStatuses: { context: { slot: 1 }, value: [null] },
      getBlockHeight: 9_999_999,
    },
  },
]

describe.each(chains)('several nodes of $network', ({ network, start, newKey, funds, ...chain }) => {
  let node: Awaited<ReturnType<typeof start>>
  let first: NodeProxy
  let second: NodeProxy
  let adapter: ChainAdapter
  const key = newKey()
  const payee = newKey().account.address

  beforeAll(async () => {
    node = await start()
    await node.control.fund(key.account.address, funds)
  })
  afterAll(() => node.stop())
  beforeEach(async () => {
    first = await startNodeProxy(node.rpcUrl)
    second = await startNodeProxy(node.rpcUrl)
    adapter = testAdapters([{ network, rpcUrls: [first.url, second.url] }])[0]!
  })
  afterEach(async () => {
    await adapter.close()
    await first.close()
    await second.close()
  })

  async function sign(): Promise<SentAttempt> {
    const drafted = await adapter.draft({ type: 'TRANSFER', to: payee, amount: String(funds / 100n) }, key.account)
    if (!drafted.ok) throw new Error(drafted.message)
    return await signed(adapter, key, drafted.draft)
  }

  test('one that serves another chain is named and never used', async () => {
    first.pretend(chain.otherChain)
    const connected = await adapter.connect()
    expect(connected).toMatchObject({ ok: true, warning: expect.stringMatching(/^Node 1 of 2 serves .*, not /) })
    expect(await adapter.balance(key.account.address)).toMatchObject({ ok: true })
    expect(first.asked).not.toContain(chain.balanceMethod)
    const signed = await sign()
    second.pretend(chain.otherChain)
    const alone = testAdapters([{ network, rpcUrls: [first.url, second.url] }])[0]!
    expect(await alone.connect()).toMatchObject({ ok: false, message: expect.stringContaining('Node 2 of 2 serves') })
    expect(await alone.balance(key.account.address)).toMatchObject({
      ok: false,
      message: expect.stringContaining(network),
    })
    expect(await send(alone, signed)).toMatchObject({ kind: 'not accepted' })
    expect([...first.asked, ...second.asked]).not.toContain(chain.sendMethod)
    await alone.close()
  })

  test.each(['cut', 429, 503] as const)('a question goes to the next where the first answers %s', async (how) => {
    await adapter.connect()
    first.behave(how)
    expect(await adapter.balance(key.account.address)).toMatchObject({ ok: true })
    expect(second.asked).toContain(chain.balanceMethod)
    const before = first.asked.length
    expect(await adapter.balance(key.account.address)).toMatchObject({ ok: true })
    expect(first.asked).toHaveLength(before)
  })

  test.each([
    // raindex#1662, hyperlane-monorepo#2021, foundry#4894, arc-node#207, INFURA/infura#201
    { error: { code: -32016, message: 'over rate limit' } },
    { error: { code: 429, message: 'Your app has exceeded its compute units per second capacity.' } },
    { error: { code: -32007, message: '50/second request limit reached - reduce calls per second' } },
    { error: { code: -32011, message: 'request limit reached' } },
    { error: { code: 15, message: 'Too many requests, try again later' } },
    { error: { code: -32046, message: 'Cannot fulfill request' } },
    { error: { code: -32005, message: 'daily request count exceeded, request rate limited' } },
    { status: 401, error: { code: -32600, message: 'Must be authenticated!' } },
    { status: 403, error: { code: -32052, message: 'Access denied' } },
  ])('a question goes to the next where the first answers %j', async (refusal) => {
    await adapter.connect()
    first.behave(refusal)
    expect(await adapter.balance(key.account.address)).toMatchObject({ ok: true })
    expect(second.asked).toContain(chain.balanceMethod)
    const before = first.asked.length
    expect(await adapter.balance(key.account.address)).toMatchObject({ ok: true })
    expect(first.asked).toHaveLength(before)
  })

  test('a question that the first cannot answer goes to the next, and the first is asked for other things', async () => {
    await adapter.connect()
    first.behave({ error: { code: -32601, message: 'Method not found' } })
    expect(await adapter.balance(key.account.address)).toMatchObject({ ok: true })
    second.behave({ error: { code: -32601, message: 'Method not found' } })
    const refused = `cannot answer ${chain.balanceMethod}: Method not found.`
    expect(await adapter.balance(key.account.address)).toEqual({
      ok: false,
      message: `Node 1 of 2 ${refused} Node 2 of 2 ${refused}`,
    })
    first.behave('well')
    await adapter.outcomes([])
    expect(await adapter.sequence?.(payee)).not.toMatchObject({ ok: false })
  })

  test('a question goes to the next where the first is silent', async () => {
    await adapter.connect()
    first.behave('hang')
    expect(await adapter.balance(key.account.address)).toMatchObject({ ok: true })
  })

  test('the same bytes go to the next where it is not known whether the first took them, and pay once', async () => {
    const attempt = await sign()
    const before = await adapter.balance(payee)
    first.loseAnswersTo(chain.sendMethod)
    await node.control.pauseMining()
    expect(await send(adapter, attempt)).toEqual({ kind: 'accepted' })
    expect([first, second].map(({ asked }) => asked.filter((each) => each === chain.sendMethod).length)).toEqual([1, 1])
    await node.control.resumeMining()
    await included(adapter, attempt)
    const after = await adapter.balance(payee)
    expect(after.ok && before.ok && after.amount - before.amount).toBe(funds / 100n)
  })

  // INFURA/infura#107: a node that takes nothing can return any hash.
  test('a node that returns another hash has not said that it took the bytes: they go to the next', async () => {
    const attempt = await sign()
    const other = attempt.hash.replace(/.$/, (last) => (last === '1' ? '2' : '1'))
    first.pretend({ [chain.sendMethod]: other })
    second.pretend({ [chain.sendMethod]: other })
    const named = expect.stringMatching(/^Node 1 of 2 returned the hash of another transaction, /)
    expect(await send(adapter, attempt)).toEqual({ kind: 'not accepted', message: named, unheard: true })
    second.pretend({})
    expect(await send(adapter, attempt)).toEqual({ kind: 'accepted' })
    await included(adapter, attempt)
  })

  test('no proof of death comes from a node that has not seen a payment which another one has', async () => {
    const attempt = await sign()
    expect(await send(adapter, attempt)).toEqual({ kind: 'accepted' })
    await included(adapter, attempt)
    const other = testAdapters([{ network, rpcUrls: [first.url, second.url] }])[0]!
    first.pretend(chain.blind)
    const expired = { ...attempt, validUntil: attempt.validUntil === null ? null : 1n }
    for (let look = 0; look < 20; look++) {
      const answer = await other.outcomes([placeOf(expired)])
      if (!answer.ok) continue
      expect(answer.outcomes[0]!.kind).not.toBe('dead')
    }
    first.pretend({})
    await included(other, attempt)
    await other.close()
  })

  test('a number that one node alone tells is not believed', async () => {
    if (adapter.sequence === undefined) return
    const sequenceOf = async () => await adapter.sequence!(newKey().account.address)
    for (const liar of [first, second]) {
      liar.pretend({ eth_getTransactionCount: '0x7' })
      expect(await sequenceOf()).toEqual({ ok: true, count: 0n, pending: 0n, most: 64 })
      liar.pretend({})
    }
  })
})

test('connecting reports what a node does not offer', async () => {
  const [evm, solana] = [await startEvmNode({}), await startSolanaNode({ slotMs: 50 })]
  const proxies = await Promise.all([evm, evm, solana].map(({ rpcUrl }) => startNodeProxy(rpcUrl)))
  const [first, second, third] = proxies as [NodeProxy, NodeProxy, NodeProxy]
  const missing = { code: -32601, message: 'Method not found' }
  first.refuse({ eth_simulateV1: missing, eth_getTransactionCount: { code: -32602, message: 'invalid block tag' } })
  first.pretend({ eth_getBlockByNumber: null })
  second.refuseBatches()
  third.refuse({
    getSignatureStatuses: { code: -32011, message: 'Transaction history is not available from this node' },
    getRecentPrioritizationFees: missing,
  })
  const adapters = testAdapters([
    { network: 'evm-local', rpcUrls: [first.url, second.url] },
    { network: 'solana-local', rpcUrls: [third.url] },
  ])
  const [onEvm, onSolana] = await Promise.all(adapters.map(({ connect }) => connect()))
  const host = ({ url }: NodeProxy) => new URL(url).host
  expect(onEvm).toEqual({
    ok: true,
    lacks:
      `Node 1 of 2 (${host(first)}) does not offer the final block (tag finalized), simulation (eth_simulateV1). ` +
      `Node 2 of 2 (${host(second)}) does not offer several questions at once (batches).`,
  })
  expect(onSolana).toEqual({
    ok: true,
    lacks: `The node (${host(third)}) does not offer transaction history, usual priority fees (getRecentPrioritizationFees).`,
  })
  await Promise.all([...adapters, ...proxies].map(({ close }) => close()))
  await Promise.all([evm, solana].map((each) => each.stop()))
})

test('a Solana node without priority fees and block heights can be used', async () => {
  const node = await startSolanaNode({ slotMs: 50 })
  const proxy = await startNodeProxy(node.rpcUrl)
  const missing = { code: -32601, message: 'Method not found' }
  proxy.refuse({ getRecentPrioritizationFees: missing, getBlockHeight: missing })
  const adapter = testAdapters([{ network: 'solana-local', rpcUrls: [proxy.url] }])[0]!
  const key = newSolanaKey()
  await node.control.fund(key.account.address, 10n ** 9n)
  const payment = { type: 'TRANSFER', to: newSolanaKey().account.address, amount: '10000000' } as const
  expect(await adapter.draft(payment, key.account)).toMatchObject({ ok: true })
  await new Promise<void>((resolve) => void adapter.onBlock(resolve))
  await adapter.close()
  await proxy.close()
  await node.stop()
})

describe('order', () => {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  async function open(maxLag: bigint, timers = systemTransport.timers) {
    const node = await startNodeProxy('http://127.0.0.1:9')
    const [first, second] = [await startNodeProxy(node.url), await startNodeProxy(node.url)]
    const heights = { eth_blockNumber: 100, name: 'first' }
    first.pretend(heights)
    second.pretend({ ...heights, name: 'second' })
    const pool = createRpcPool({
      ...systemTransport,
      timers,
      urls: [first.url, second.url],
      check: async () => ({ ok: true, value: undefined }),
      probe: async () => [],
      height: async (rpc) => {
        const answer = await rpc.read('eth_blockNumber', [], z.number())
        return answer.ok ? { ok: true, value: BigInt(answer.value) } : answer
      },
      maxLag,
      surveyMs: 20,
    })
    closing.push(pool.close, first.close, second.close, node.close)
    const who = async () => {
      const answer = await pool.read('name', [], z.string())
      return answer.ok ? answer.value : answer.failure.message
    }
    return { first, second, pool, who }
  }

  test('a node that failed is preferred again once it is well', async () => {
    const { first, who } = await open(5n)
    expect(await who()).toBe('first')
    first.behave(503)
    expect(await who()).toBe('second')
    first.behave('well')
    expect(await who()).toBe('second')
    await expect.poll(who).toBe('first')
  })

  test('a node that asks for a pause gets it, a minute at most', async () => {
    let now = 0
    const { first, who } = await open(5n, { ...systemTransport.timers, monotonic: () => now })
    const refuse = (seconds: string) =>
      first.behave({ status: 429, headers: { 'retry-after': seconds }, error: { code: 429, message: 'later' } })
    for (const [asked, pause] of [
      ['30', 30_000],
      ['3600', 60_000],
    ] as const) {
      refuse(asked)
      expect(await who()).toBe('second')
      first.behave('well')
      now += pause - 1
      expect(await who()).toBe('second')
      await expect
        .poll(() => {
          now += 20
          return who()
        })
        .toBe('first')
    }
  })

  test('a node that is behind comes after the others until it has caught up', async () => {
    const { first, who } = await open(5n)
    first.pretend({ eth_blockNumber: 94, name: 'first' })
    await expect.poll(who).toBe('second')
    first.pretend({ eth_blockNumber: 95, name: 'first' })
    await expect.poll(who).toBe('first')
  })

  test('each broadcast can begin at another node that is well, and asks again at each whether it may leave', async () => {
    const { first, second, pool } = await open(5n)
    first.pretend({ eth_blockNumber: 100, send: 'taken' })
    second.pretend({ eth_blockNumber: 100, send: 'taken' })
    const sendsOf = () => [first, second].map(({ asked }) => asked.filter((each) => each === 'send').length)
    const send = (startAt: number, mayLeave = () => true) =>
      pool.broadcast('send', [], {
        readFailure: ({ kind }, { index }) => ({ kind: 'not accepted', message: `${kind} at ${index}` }),
        isHash: (result) => result === 'taken',
        mayLeave,
        startAt,
      })
    expect(await send(0)).toEqual({ kind: 'accepted' })
    expect(await send(3)).toEqual({ kind: 'accepted' })
    expect(sendsOf()).toEqual([1, 1])
    first.behave(503)
    let asked = 0
    const once = () => {
      asked += 1
      return asked === 1
    }
    expect(await send(0, once)).toEqual({ kind: 'not accepted', message: 'unreachable at 0' })
    expect(asked).toBe(2)
    expect(await send(0, () => false)).toEqual({ kind: 'not accepted', message: 'withheld at 1' })
    expect(sendsOf()).toEqual([2, 1])
  })

  test('a node that is behind gets the bytes in its turn, too', async () => {
    const { first, second, pool, who } = await open(5n)
    first.pretend({ eth_blockNumber: 94, name: 'first', send: 'taken' })
    second.pretend({ eth_blockNumber: 100, name: 'second', send: 'taken' })
    await expect.poll(who).toBe('second')
    const readFailure = () => ({ kind: 'not accepted' as const, message: 'refused' })
    const how = { readFailure, isHash: () => true, mayLeave: () => true }
    const sendsOf = () => [first, second].map(({ asked }) => asked.filter((each) => each === 'send').length)
    await pool.broadcast('send', [], { ...how, startAt: 0 })
    expect(sendsOf()).toEqual([0, 1])
    await pool.broadcast('send', [], { ...how, startAt: 1 })
    expect(sendsOf()).toEqual([1, 1])
  })

  test('every answer says which node gave it, without the path of its address', async () => {
    const { first, pool } = await open(5n)
    const nodes = await pool.onEach(async ({ node }) => ({ ok: true, value: node }))
    expect(nodes).toMatchObject({ ok: true, value: [{ index: 0, host: new URL(first.url).host }, { index: 1 }] })
    expect(await pool.onOne(async ({ node }) => ({ ok: true, value: node.index }))).toEqual({ ok: true, value: 0 })
  })
})
