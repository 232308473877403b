import { keccak256, parseTransaction, toHex } from 'viem/utils'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  askNode,
  assertBooks,
  assertPaidOnce,
  type CaseWallet,
  eventually,
  type Payer,
  startCaseWallet,
} from './bench.ts'
import { ETH, type EvmTruth, hex, startEvmTruth } from './evm-truth.ts'
import { type Lie, type LyingNode, startLyingNode } from './lying-node.ts'

const PAID = ETH / 100n
let stops: (() => Promise<unknown>)[]
let truth: EvmTruth
let first: LyingNode
let second: LyingNode
let wallet: CaseWallet

/** A wallet with two nodes, of which each may lie. */
async function start(chain: EvmTruth): Promise<void> {
  truth = chain
  first = await startLyingNode(chain.rpcUrl)
  second = await startLyingNode(chain.rpcUrl)
  wallet = await startCaseWallet(chain, [first.rpcUrl, second.rpcUrl])
  stops = [wallet.close, first.stop, second.stop, chain.stop]
}

afterEach(async () => {
  for (const stop of stops) await stop()
})

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function minutes(count: number): Promise<void> {
  for (let minute = 0; minute < count; minute++) {
    wallet.http.clock.advance(60)
    await wallet.http.engine.follow(truth.network)
    await wallet.http.engine.runDue()
    await pause(60)
  }
}

/** A block that does not exist, far above the newest one. */
const farAbove = (block: object) => ({
  ...block,
  number: hex(1_000_000_000),
  hash: `0x${'ab'.repeat(32)}`,
  parentHash: `0x${'cd'.repeat(32)}`,
})
const withoutIndex: Lie = ({ method }) =>
  ['eth_getTransactionReceipt', 'eth_getTransactionByHash'].includes(method) ? { result: null } : undefined

/** Both nodes keep the bytes to themselves; the first one names a block that is far too high. Returns those bytes. */
async function signUnderLie(payer: Payer, tags: readonly string[]) {
  let held: unknown
  const hold: Lie = ({ method, params }) => {
    if (method !== 'eth_sendRawTransaction') return undefined
    held ??= params![0]
    return { result: keccak256(params![0] as `0x${string}`) }
  }
  second.lie(hold)
  first.lie(async (call, ask) => {
    const isAsked = call.method === 'eth_getBlockByNumber' && tags.includes(call.params?.[0] as string)
    return isAsked ? { result: farAbove((await ask()).result as object) } : await hold(call, ask)
  })
  const sent = await wallet.pay(payer, PAID)
  await wallet.until(sent.id, { status: 'SUBMITTED' })
  await eventually(() => held).toBeDefined()
  return { sent, bytes: held }
}

/** The payment lands while no node can be asked; afterwards only one is back, which has lost its index. */
async function landUnseen(bytes: unknown): Promise<void> {
  first.setDown(true)
  second.setDown(true)
  await askNode(truth.rpcUrl, 'eth_sendRawTransaction', bytes)
  await truth.mine(5)
  // https://github.com/ethereum/go-ethereum/issues/19813
  second.lie(withoutIndex)
  second.setDown(false)
}

describe('a chain that makes a block for each transaction', () => {
  beforeEach(async () => {
    await start(await startEvmTruth())
  })

  // https://github.com/OpenZeppelin/openzeppelin-relayer/issues/818 ,
  // https://github.com/OpenZeppelin/openzeppelin-relayer/issues/843 : a counter that one wrong answer raised for good.
  // https://github.com/erpc/erpc/issues/50 : one node of an address is at another height altogether.
  test.each([
    ['latest', 30n],
    ['latest', 5_000_000n],
    ['latest', 1n << 40n],
    ['pending', 30n],
  ])('the second node says for a moment that the %s count is higher by %d', async (tag, add) => {
    const payer = await wallet.payer()
    const zero = await wallet.pay(payer, PAID)
    await wallet.until(zero.id, { status: 'CONFIRMED' })
    await truth.pauseMining()
    const waits = await wallet.pay(payer, PAID)
    await wallet.until(waits.id, { status: 'SUBMITTED', outcomeUnknown: false })
    second.lie(async ({ method, params }, ask) => {
      const isAsked = method === 'eth_getTransactionCount' && params?.[1] === tag
      return isAsked ? { result: hex(BigInt((await ask()).result as string) + add) } : undefined
    })
    await minutes(3)
    await pause(500)
    const next = await wallet.pay(payer, PAID)
    await wallet.until(next.id, { status: 'SUBMITTED' })
    const signed = await wallet.attempts(next.id)
    expect(signed.map(({ sequence }) => sequence)).toEqual(['2'])
    second.beHonest()
    await truth.resumeMining()
    await minutes(5)
    await assertPaidOnce(wallet, zero, waits, next)
    const fills = wallet.http.db.selectFrom('transactions').select('id').where('type', '=', 'FILL')
    expect(await fills.execute()).toEqual([])
  })

  // https://github.com/OpenZeppelin/openzeppelin-relayer/issues/843 , https://github.com/erpc/erpc/issues/50 : of several
  // nodes behind one address each answers another question of a batch. The first one answers from before the payment.
  const before: [string, string, (at: unknown) => boolean, string][] = [
    ['the count of the newest block is', 'eth_getTransactionCount', (at) => at === 'latest', '0x0'],
    ['every count is', 'eth_getTransactionCount', () => true, '0x0'],
    ['the coins in the newest block are', 'eth_getBalance', (at) => at === 'latest', hex(10n * ETH)],
  ]
  test.each(before)('%s from before a payment that is in a block', async (_, asked, isMeant, result) => {
    const payer = await wallet.payer(10n)
    const most = await wallet.pay(payer, 6n * ETH)
    await wallet.until(most.id, { status: 'CONFIRMED' })
    await pause(200)
    // The wallet has seen the count after it, and that it is final.
    const small = await wallet.pay(payer, PAID)
    await wallet.until(small.id, { status: 'CONFIRMED' })
    await minutes(1)
    const late: Lie = ({ method, params }) => (method === asked && isMeant(params?.[1]) ? { result } : undefined)
    first.lie(late)
    second.lie(late)
    // The price of gas, whose block is looked at, is known for a tenth of a second.
    await pause(200)
    const tooMuch = await wallet.send(payer, { to: truth.newAddress(), amount: `${5n * ETH}` })
    expect(tooMuch).toMatchObject({ status: 400, body: { code: 'INSUFFICIENT_BALANCE' } })
    const fits = await wallet.pay(payer, 3n * ETH)
    await minutes(1)
    first.beHonest()
    second.beHonest()
    await minutes(1)
    await assertPaidOnce(wallet, most, small, fits)
  })

  // https://github.com/erpc/erpc/issues/50
  test('the first node names a head that is far too high while a payment is signed', async () => {
    const payer = await wallet.payer()
    const { sent, bytes } = await signUnderLie(payer, ['latest'])
    await landUnseen(bytes)
    await minutes(5)
    await assertPaidOnce(wallet, sent)
    expect(await wallet.attempts(sent.id)).toHaveLength(1)
  })

  // https://github.com/NethermindEth/nethermind/issues/3052 , https://github.com/erigontech/erigon/issues/15334 ,
  // https://github.com/ethereum/go-ethereum/issues/29261
  test('a node that keeps the receipt of a block that lost raises no alarm', async () => {
    const payer = await wallet.payer()
    const sent = await wallet.pay(payer, PAID)
    await wallet.until(sent.id, { status: 'CONFIRMED' })
    const [one] = await wallet.attempts(sent.id)
    const receipt = await askNode<{ blockHash: string }>(truth.rpcUrl, 'eth_getTransactionReceipt', one!.hash)
    const block = await askNode<object>(truth.rpcUrl, 'eth_getBlockByHash', receipt.blockHash, false)
    await truth.pauseMining()
    await askNode(truth.rpcUrl, 'anvil_reorg', 1, [])
    await wallet.until(sent.id, { status: 'SUBMITTED' })
    await askNode(truth.rpcUrl, 'anvil_dropAllTransactions')
    // Too dear for the first version, and not for the second.
    const { maxFeePerGas } = parseTransaction(toHex(one!.raw) as `0x02${string}`)
    await askNode(truth.rpcUrl, 'anvil_setNextBlockBaseFeePerGas', hex((maxFeePerGas! * 11n) / 10n))
    await truth.mine(1)
    for (let minute = 0; minute < 8 && (await wallet.attempts(sent.id)).length < 2; minute++) {
      await minutes(1)
      await pause(500)
    }
    expect((await wallet.attempts(sent.id)).length).toBeGreaterThan(1)
    await askNode(truth.rpcUrl, 'anvil_dropTransaction', one!.hash)
    await truth.resumeMining()
    await wallet.until(sent.id, { status: 'CONFIRMED' })
    const keepLost: Lie = ({ method, params }) => {
      if (method === 'eth_getTransactionReceipt' && params?.[0] === one!.hash) return { result: receipt }
      if (method === 'eth_getBlockByHash' && params?.[0] === receipt.blockHash) return { result: block }
      return undefined
    }
    first.lie(keepLost)
    second.lie(keepLost)
    await minutes(2)
    await pause(500)
    const alarms = wallet.http.db
      .selectFrom('events')
      .select('type')
      .where('type', 'in', ['DEAD_TRANSACTION_FOUND', 'PROOF_GONE'])
    expect(await alarms.execute()).toEqual([])
    expect(await wallet.http.operate('GET', `/v1/agents/${payer.id}`)).toMatchObject({ status: 'ACTIVE' })
    await assertBooks(wallet, payer)
  })

  // https://github.com/erigontech/erigon/issues/3160 , https://github.com/ten-protocol/go-ten/pull/2311 ,
  // https://github.com/ConsenSys-archive/ganache/issues/4094 : the gas of the whole block as that of a transaction.
  test.each([
    ['both nodes', () => [first, second]],
    ['the first node', () => [first]],
  ])('%s tell the gas of the whole block: the fee that was paid is booked', async (_, liars) => {
    const payer = await wallet.payer()
    const exaggerate = (receipt: object) => ({
      ...receipt,
      gasUsed: hex(29_000_000),
      effectiveGasPrice: hex(10n ** 12n),
    })
    for (const node of liars()) {
      node.lie(async ({ method }, ask) => {
        if (method !== 'eth_getTransactionReceipt' && method !== 'eth_getBlockReceipts') return undefined
        const { result } = await ask()
        return { result: Array.isArray(result) ? result.map(exaggerate) : result && exaggerate(result as object) }
      })
    }
    await assertPaidOnce(wallet, await wallet.pay(payer, PAID))
  })
})

describe('a public chain', () => {
  beforeEach(async () => {
    const chain = await startEvmTruth('ethereum-sepolia')
    await chain.mine(100)
    await start(chain)
  })

  // https://github.com/erpc/erpc/issues/50
  test('the first node names a head and a final block that are far too high while a payment is signed', async () => {
    const payer = await wallet.payer()
    const { sent, bytes } = await signUnderLie(payer, ['latest', 'finalized'])
    await landUnseen(bytes)
    for (let round = 0; round < 5; round++) {
      await minutes(1)
      await pause(4_000)
      await truth.mine(20)
    }
    await assertPaidOnce(wallet, sent)
    expect(await wallet.attempts(sent.id)).toHaveLength(1)
  })
})

// A gateway that asks all its nodes for a missing block may answer with a timeout, for the whole batch.
test('a gateway that drops requests for blocks that nobody has takes payments all the same', async () => {
  await start(await startEvmTruth())
  for (const node of [first, second]) {
    node.lie(({ method, params }) => {
      const [, at] = params ?? []
      if (method === 'eth_getTransactionCount' && JSON.stringify(at).includes('5a5a5a5a')) throw new Error('dropped')
      return undefined
    })
  }
  await assertPaidOnce(wallet, await wallet.pay(await wallet.payer(), PAID))
})
