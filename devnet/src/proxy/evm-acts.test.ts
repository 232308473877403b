import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type EvmNode, startEvmNode } from '../evm-node.ts'
import { evmPersonalities } from '../personalities/personalities.ts'
import type { EvmAct } from './acts.ts'
import { startBalancer } from './balancer.ts'
import { caller, ETHER, GWEI, matcher, open, PAYEE, post, sign } from './evm-proxy.fixture.ts'
import type { NodeProxy } from './serve-node.ts'

const { geth, besu, nitro, nethermind } = evmPersonalities

let evm: EvmNode
let direct: ReturnType<typeof caller>
const started: NodeProxy<unknown>[] = []

beforeAll(async () => {
  evm = await startEvmNode({})
  direct = caller(evm.rpcUrl)
})
afterEach(async () => {
  await evm.control.resumeMining()
  await Promise.all(started.splice(0).map((node) => node.stop()))
})
afterAll(() => evm.stop())

async function start(personality: Parameters<typeof open>[1] = geth) {
  const opened = await open(evm, personality)
  started.push(opened.node)
  const act = (input: EvmAct) => opened.node.control.act(input)
  const countOf = async (tag: string) =>
    Number((await opened.call('eth_getTransactionCount', [opened.account.address, tag])).result)
  return { ...opened, act, countOf }
}

const receiptOf = async (call: ReturnType<typeof caller>, hash: unknown) =>
  (await call('eth_getTransactionReceipt', [hash])).result as { blockNumber: string; effectiveGasPrice?: string } | null

async function until<T>(look: () => Promise<T | null | undefined>): Promise<T> {
  for (;;) {
    const seen = await look()
    if (seen !== null && seen !== undefined) return seen
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('the next transaction', () => {
  test('is taken though the answer is a refusal in the words of the client', async () => {
    for (const personality of [geth, besu, nethermind]) {
      const { act, send, countOf, node } = await start(personality)
      await act({ kind: 'nextSend', answer: { situation: 'replacementUnderpriced' } })
      expect((await send({})).error).toMatchObject(matcher(personality, 'replacementUnderpriced'))
      await expect.poll(() => countOf('latest')).toBe(1)
      expect(node.rpcUrl).not.toBe(evm.rpcUrl)
    }
  })

  test('is refused without a trace, as often as told, with any code', async () => {
    const { act, send, countOf } = await start()
    const answer = { code: -32003, message: 'something else' }
    await act({ kind: 'nextSend', effect: 'drop', answer, times: 2 })
    expect((await send({})).error).toEqual(answer)
    expect((await send({})).error).toEqual(answer)
    expect(await countOf('pending')).toBe(0)
    expect((await send({})).result).toMatch(/^0x/)
  })

  test('is held and mined when released, also by time', async () => {
    const { act, send, call, countOf } = await start()
    await act({ kind: 'nextSend', effect: 'hold', answer: { situation: 'poolFull' } })
    expect((await send({})).error?.message).toBe('txpool is full')
    expect(await countOf('pending')).toBe(0)
    await act({ kind: 'release' })
    await expect.poll(() => countOf('latest')).toBe(1)
    await act({ kind: 'nextSend', effect: 'hold', afterMs: 1 })
    const { result: hash } = await send({ nonce: 1 })
    expect(await until(() => receiptOf(call, hash))).toMatchObject({ transactionHash: hash })
  })

  test('is private: it shows nowhere before it is mined', async () => {
    const { act, send, call, countOf } = await start()
    await evm.control.pauseMining()
    await act({ kind: 'nextSend', effect: 'private' })
    const { result: hash } = await send({})
    expect((await call('eth_getTransactionByHash', [hash])).result).toBeNull()
    expect(await countOf('pending')).toBe(0)
    await evm.control.resumeMining()
    expect((await call('eth_getTransactionByHash', [hash])).result).toMatchObject({ hash })
    expect(await countOf('pending')).toBe(1)
  })

  test('act over HTTP; what is no act, or has no words, is refused in words', async () => {
    const { node, send } = await start(nitro)
    const act = async (body: unknown) => {
      const response = await post(`${node.rpcUrl}/control/act`, body)
      return { status: response.status, ...((await response.json()) as { error?: string }) }
    }
    expect(await act({ kind: 'nextSend', effect: 'drop', answer: { situation: 'nonceTooHigh' } })).toMatchObject({
      status: 200,
    })
    expect((await send({})).error?.message).toMatch(/^nonce too high: address 0x/)
    expect((await act({ kind: 'nextSend', answer: { situation: 'alreadyKnown' } })).error).toMatch(/nitro has no words/)
    expect((await act({ kind: 'explode' })).error).toBe('there is no act of the kind "explode"')
    expect((await act({ kind: 'behind', blocks: -1 })).status).toBe(400)
  })
})

describe('what a node forgets', () => {
  test('receipts, the index and bodies of a range of blocks', async () => {
    const { act, send, call } = await start()
    const { result: hash } = await send({})
    const number = Number((await until(() => receiptOf(call, hash))).blockNumber)
    await act({ kind: 'forget', what: 'receipts', from: number, to: number })
    expect(await receiptOf(call, hash)).toBeNull()
    expect((await call('eth_getTransactionByHash', [hash])).result).toMatchObject({ hash })

    await act({ kind: 'heal' })
    await act({ kind: 'forget', what: 'transactions', from: number, to: number })
    expect((await call('eth_getTransactionByHash', [hash])).error).toMatchObject(matcher(geth, 'indexing'))

    await act({ kind: 'heal' })
    await act({ kind: 'forget', what: 'bodies', from: 0, to: number })
    const hex = `0x${number.toString(16)}`
    expect((await call('eth_getBlockByNumber', [hex, false])).error).toMatchObject(matcher(geth, 'bodyMissing'))
    expect((await call('eth_getBlockByNumber', ['latest', false])).error ?? null).toBeNull()
  })

  test('receipts are late, without a price, or of a block that is gone', async () => {
    const { act, send, call } = await start()
    await act({ kind: 'lateReceipts', blocks: 2 })
    const { result: hash } = await send({})
    await until(() => receiptOf(direct, hash))
    expect(await receiptOf(call, hash)).toBeNull()
    await evm.control.mine(2)
    expect(await receiptOf(call, hash)).toMatchObject({ effectiveGasPrice: expect.any(String) })
    await act({ kind: 'receiptsWithoutPrice' })
    expect(await receiptOf(call, hash)).not.toHaveProperty('effectiveGasPrice')

    await act({ kind: 'heal' })
    const { result: second } = await send({ nonce: 1 })
    const kept = await until(() => receiptOf(call, second))
    await act({ kind: 'staleReceipts', from: Number(kept.blockNumber) })
    await evm.control.reorganise(1)
    expect(await receiptOf(direct, second)).toBeNull()
    expect(await receiptOf(call, second)).toEqual(kept)
  })

  test('state older than the client keeps it', async () => {
    const { call, account } = await start()
    await evm.control.mine(130)
    expect((await call('eth_getBalance', [account.address, '0x1'])).error).toMatchObject(matcher(geth, 'stateMissing'))
    expect((await call('eth_getBalance', [account.address, 'latest'])).result).toBe(`0x${(10n * ETHER).toString(16)}`)
    const { call: callBesu } = await start(besu)
    expect((await callBesu('eth_getBalance', [account.address, '0x1'])).result).toBe('0x0')
  })
})

describe('a node apart from the chain', () => {
  test('that is behind shows an older head and nothing newer', async () => {
    const { act, send, call, countOf } = await start()
    const { result: hash } = await send({})
    const head = Number((await until(() => receiptOf(direct, hash))).blockNumber)
    await act({ kind: 'behind', blocks: 1 })
    expect(Number((await call('eth_blockNumber', [])).result)).toBe(head - 1)
    expect(await countOf('latest')).toBe(0)
    expect(await receiptOf(call, hash)).toBeNull()
    expect((await call('eth_getTransactionByHash', [hash])).result).toMatchObject({ hash, blockNumber: null })
    expect((await call('eth_getBlockByNumber', [`0x${head.toString(16)}`, false])).result).toBeNull()
    const latest = (await call('eth_getBlockByNumber', ['latest', false])).result as { number: string }
    expect(Number(latest.number)).toBe(head - 1)
  })

  test('counts what is not there, or not what is', async () => {
    const { act, send, account, countOf } = await start()
    await act({ kind: 'pendingCount', address: account.address, is: 2 })
    expect(await countOf('pending')).toBe(2)
    await act({ kind: 'pendingCount', address: account.address, is: 'latest' })
    await evm.control.pauseMining()
    await send({})
    expect(await countOf('pending')).toBe(0)
    await act({ kind: 'heal' })
    expect(await countOf('pending')).toBe(1)
  })

  test('has no finality, an old one, or one that is none', async () => {
    const { act, call } = await start()
    const finalized = () => call('eth_getBlockByNumber', ['finalized', false])
    await act({ kind: 'finality', is: 'stuck' })
    const before = (await finalized()).result
    await evm.control.mine(70)
    expect((await finalized()).result).toEqual(before)
    await act({ kind: 'finality', is: 'null' })
    expect((await finalized()).result).toBeNull()
    await act({ kind: 'finality', is: 'missing' })
    expect((await finalized()).error).toMatchObject(matcher(geth, 'finalizedMissing'))
    await act({ kind: 'finality', is: 'zero' })
    expect((await finalized()).result).toMatchObject({ number: '0x0' })
    await act({ kind: 'finality', is: 'latest' })
    expect((await finalized()).result).toMatchObject({ number: (await direct('eth_blockNumber', [])).result })
  })

  test('is one of several behind an address, by request or by call', async () => {
    const current = await start()
    const old = await start()
    await old.act({ kind: 'behind', blocks: 1 })
    const balancer = await startBalancer({ backends: [current.node.rpcUrl, old.node.rpcUrl] })
    started.push(balancer)
    const head = Number((await direct('eth_blockNumber', [])).result)
    const batch = [1, 2, 3].map((id) => ({ jsonrpc: '2.0', id, method: 'eth_blockNumber', params: [] }))
    const numbers = async () => {
      const answers = (await (await post(balancer.rpcUrl, batch)).json()) as { result: string }[]
      return answers.map(({ result }) => Number(result) - head)
    }
    expect([await numbers(), await numbers()]).toEqual([
      [0, 0, 0],
      [-1, -1, -1],
    ])
    await post(`${balancer.rpcUrl}/control/act`, { kind: 'route', order: [0, 1], each: 'call' })
    expect(await numbers()).toEqual([0, -1, 0])
    await expect(balancer.control.act({ kind: 'route', order: [2] })).rejects.toThrow('backends are 0 to 1')
  })
})

test('a node lacks methods, tags and ways to name a block', async () => {
  const { act, call, account } = await start()
  const words = matcher(geth, 'methodNotFound')
  expect((await call('debug_traceTransaction', [])).error).toMatchObject(words)
  expect((await call('anvil_mine', [])).error).toMatchObject(words)
  await act({ kind: 'lacks', methods: ['eth_maxPriorityFeePerGas'] })
  expect((await call('eth_maxPriorityFeePerGas', [])).error?.message).toContain('eth_maxPriorityFeePerGas')
  await act({ kind: 'refuses', what: 'blockObjects' })
  const { hash } = (await direct('eth_getBlockByNumber', ['latest', false])).result as { hash: string }
  const byHash = () => call('eth_getBalance', [account.address, { blockHash: hash }])
  expect((await byHash()).error?.code).toBe(-32602)
  await act({ kind: 'refuses', what: 'pendingTag' })
  expect((await call('eth_call', [{ to: PAYEE }, 'pending'])).error).toMatchObject(matcher(geth, 'pendingMissing'))
  await act({ kind: 'heal' })
  expect((await byHash()).result).toBe(`0x${(10n * ETHER).toString(16)}`)
  expect((await call('eth_maxPriorityFeePerGas', [])).result).toMatch(/^0x/)
})

describe('pools', () => {
  test('keep a transaction whose fee cap is below the base fee until it falls', async () => {
    const { send, call, countOf } = await start()
    await direct('anvil_setNextBlockBaseFeePerGas', [`0x${(200n * GWEI).toString(16)}`])
    await evm.control.mine(1)
    const { result: hash } = await send({})
    expect((await call('eth_getTransactionByHash', [hash])).result).toMatchObject({ hash, blockNumber: null })
    expect(await countOf('pending')).toBe(1)
    expect((await send({})).error).toMatchObject(matcher(geth, 'alreadyKnown'))
    const refused = await start(nitro)
    expect((await refused.send({})).error).toMatchObject(matcher(nitro, 'feeCapBelowBaseFee'))
    await direct('anvil_setNextBlockBaseFeePerGas', [`0x${GWEI.toString(16)}`])
    await evm.control.mine(1)
    expect(await until(() => receiptOf(call, hash))).toMatchObject({ transactionHash: hash })
  })

  test('count what waits, but besu takes what the account cannot pay', async () => {
    await evm.control.pauseMining()
    const rich = { value: 6n * ETHER }
    const { send } = await start()
    expect((await send(rich)).result).toMatch(/^0x/)
    expect((await send({ ...rich, nonce: 1 })).error).toMatchObject(matcher(geth, 'insufficientFundsQueued'))
    const { send: sendToBesu } = await start(besu)
    expect((await sendToBesu({ value: 11n * ETHER })).result).toMatch(/^0x/)
  })

  test('allow one transaction in flight for an account with delegated code', async () => {
    const { send, account } = await start()
    await direct('anvil_setCode', [account.address, `0xef0100${PAYEE.slice(2)}`])
    await evm.control.pauseMining()
    expect((await send({ nonce: 1 })).error).toMatchObject(matcher(geth, 'delegatedGap'))
    expect((await send({})).result).toMatch(/^0x/)
    expect((await send({ nonce: 1 })).error).toMatchObject(matcher(geth, 'delegatedLimit'))
  })

  test('wait for a predecessor that is late', async () => {
    const { node, account } = await start(nitro)
    const call = caller(node.rpcUrl)
    const [first, second] = await Promise.all([sign(account, {}), sign(account, { nonce: 1 })])
    const late = call('eth_sendRawTransaction', [second])
    await call('eth_sendRawTransaction', [first])
    expect((await late).result).toMatch(/^0x/)
  })
})
