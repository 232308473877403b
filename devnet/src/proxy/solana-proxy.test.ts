import {
  appendTransactionMessageInstruction,
  type Blockhash,
  createTransactionMessage,
  generateKeyPairSigner,
  getBase64EncodedWireTransaction,
  type KeyPairSigner,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
} from '@solana/kit'
import { getTransferSolInstruction } from '@solana-program/system'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { solanaPersonalities } from '../personalities/personalities.ts'
import type { SolanaPersonality, SolanaSituation } from '../personalities/solana-personality.ts'
import { type SolanaNode, startSolanaNode } from '../solana-node.ts'
import { startSolanaProxy } from './solana-proxy.ts'

type Answer = { result?: unknown; error?: { code: number; message: string; data?: unknown } }
type Call = (method: string, params?: readonly unknown[]) => Promise<Answer>
type Value<T> = { value: T; context: { slot: number } }

let solana: SolanaNode
let payer: KeyPairSigner

beforeAll(async () => {
  solana = await startSolanaNode({ slotMs: 20, finalizedAfter: 4 })
  payer = await generateKeyPairSigner()
  await solana.control.fund(payer.address, 10n ** 12n)
})
afterAll(() => solana.stop())

async function open(personality: SolanaPersonality) {
  const node = await startSolanaProxy({ upstream: solana.rpcUrl, personality })
  return { node, call: caller(node.rpcUrl) }
}

function caller(url: string): Call {
  return async (method, params = []) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    })
    return (await response.json()) as Answer
  }
}

let amount = 1_000_000n

/** A signed payment that no other test makes, as `sendTransaction` takes it. */
async function payment(call: Call) {
  const latest = (await call('getLatestBlockhash', [{ commitment: 'processed' }])).result as Value<{
    blockhash: Blockhash
  }>
  const { address } = await generateKeyPairSigner()
  amount += 1n
  const transaction = await signTransactionMessageWithSigners(
    pipe(
      createTransactionMessage({ version: 0 }),
      (tx) => setTransactionMessageFeePayerSigner(payer, tx),
      (tx) =>
        setTransactionMessageLifetimeUsingBlockhash(
          { blockhash: latest.value.blockhash, lastValidBlockHeight: 0n },
          tx,
        ),
      (tx) =>
        appendTransactionMessageInstruction(
          getTransferSolInstruction({ source: payer, destination: address, amount }),
          tx,
        ),
    ),
  )
  const params = [getBase64EncodedWireTransaction(transaction), { encoding: 'base64' }] as const
  return { params, address, amount }
}

async function until<T>(look: () => Promise<T | undefined | null>): Promise<T> {
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== null) return seen
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const statusOf = async (call: Call, signature: unknown, config = {}) =>
  (
    (await call('getSignatureStatuses', [[signature], config])).result as Value<
      ({ slot: number; confirmationStatus: string } | null)[]
    >
  ).value[0]

const isFinal = (call: Call, signature: unknown) =>
  until(async () => {
    const status = await statusOf(call, signature)
    return status?.confirmationStatus === 'finalized' ? status : undefined
  })

describe.each(Object.values(solanaPersonalities))('$name', (personality: SolanaPersonality) => {
  test('carries out a payment, and refuses it the second time', async () => {
    const { node, call } = await open(personality)
    const { params, address, amount } = await payment(call)
    const { result: signature } = await call('sendTransaction', params)
    await isFinal(call, signature)
    expect(((await call('getBalance', [address])).result as Value<number>).value).toBe(Number(amount))
    expect((await call('sendTransaction', params)).error).toMatchObject({
      code: -32002,
      message: personality.says.alreadyProcessed?.message,
    })
    const history = await call('getTransaction', [signature, { maxSupportedTransactionVersion: 0 }])
    if (personality.history) expect(history.result).toMatchObject({ slot: expect.any(Number) })
    else expect(history.error?.code).toBe(-32011)
    await node.stop()
  })

  test('has words for every situation of its table', async () => {
    const { node, call } = await open(personality)
    const { params } = await payment(call)
    for (const situation of Object.keys(personality.says) as SolanaSituation[]) {
      await node.control.act({ kind: 'nextSend', effect: 'drop', answer: { situation } })
      const words = personality.says[situation]
      expect((await call('sendTransaction', params)).error, situation).toMatchObject({ code: words?.code })
    }
    await node.stop()
  })
})

describe('acts', () => {
  test('a transaction is taken though the answer is an error', async () => {
    const { node, call } = await open(solanaPersonalities.agave)
    await node.control.act({ kind: 'nextSend', answer: { situation: 'signatureVerification' } })
    const { params, address } = await payment(call)
    expect((await call('sendTransaction', params)).error?.code).toBe(-32003)
    const balance = await until(
      async () => ((await call('getBalance', [address])).result as Value<number>).value || undefined,
    )
    expect(balance).toBe(Number(amount))
    await node.stop()
  })

  test('a method is missing', async () => {
    const { node, call } = await open(solanaPersonalities.agave)
    await node.control.act({ kind: 'lacks', methods: ['getBlocks'] })
    expect((await call('getBlocks', [2_000])).error).toEqual({ code: -32601, message: 'Method not found' })
    await node.stop()
  })

  test('a transaction is held until released', async () => {
    const { node, call } = await open(solanaPersonalities.agave)
    await node.control.act({ kind: 'nextSend', effect: 'hold' })
    const { params } = await payment(call)
    const { result: signature } = await call('sendTransaction', params)
    expect(await statusOf(call, signature)).toBeNull()
    await node.control.act({ kind: 'release' })
    expect(await statusOf(call, signature)).toMatchObject({ slot: expect.any(Number) })
    await node.stop()
  })

  test('a block with transactions of version 1 is shown to those who can read them, its signatures to all', async () => {
    const { node, call } = await open(solanaPersonalities.agave)
    const { params } = await payment(call)
    const { result: signature } = await call('sendTransaction', params)
    const { slot } = await isFinal(call, signature)
    for (const options of [{}, { maxSupportedTransactionVersion: 0 }, { transactionDetails: 'accounts' }]) {
      expect((await call('getBlock', [slot, options])).error?.code).toBe(-32015)
    }
    for (const options of [{ maxSupportedTransactionVersion: 255 }, { transactionDetails: 'signatures' }]) {
      expect((await call('getBlock', [slot, options])).result).toMatchObject({ blockhash: expect.any(String) })
    }
    await node.stop()
  })

  test('a node restarted from a snapshot has nothing older, and one with a hole does not say so', async () => {
    const { node, call } = await open(solanaPersonalities.agave)
    const { params } = await payment(call)
    const { result: signature } = await call('sendTransaction', params)
    const { slot } = await isFinal(call, signature)
    await node.control.act({ kind: 'snapshot', firstAvailable: slot + 1 })
    expect(await statusOf(call, signature, { searchTransactionHistory: true })).toBeNull()
    expect((await call('getTransaction', [signature, { maxSupportedTransactionVersion: 0 }])).result).toBeNull()
    expect((await call('getFirstAvailableBlock')).result).toBe(slot + 1)
    expect((await call('getBlock', [slot])).error?.code).toBe(-32001)

    await node.control.act({ kind: 'heal' })
    await node.control.act({ kind: 'hole', from: slot, to: slot })
    expect((await call('getBlock', [slot])).error?.code).toBe(-32007)
    expect((await call('getBlocks', [slot, slot + 1, { commitment: 'confirmed' }])).result).toEqual([slot + 1])
    expect(await statusOf(call, signature)).toBeNull()
    expect((await call('getFirstAvailableBlock')).result).toBeLessThan(slot)
    await node.stop()
  })

  test('a node that is behind says so, and shows an older head', async () => {
    const { node, call } = await open(solanaPersonalities.agave)
    await node.control.mine(200)
    await solana.control.pauseMining()
    const direct = caller(solana.rpcUrl)
    const head = (await direct('getSlot', [{ commitment: 'processed' }])).result as number
    await node.control.act({ kind: 'behind', slots: 150 })
    expect((await call('getSlot', [{ commitment: 'processed' }])).result).toBe(head - 150)
    expect((await call('getHealth')).error).toEqual({
      code: -32005,
      message: 'Node is behind by 150 slots',
      data: { numSlotsBehind: 150 },
    })
    const old = (await call('getLatestBlockhash', [{ commitment: 'confirmed' }])).result as Value<{ blockhash: string }>
    const block = (await direct('getBlock', [head - 151, { transactionDetails: 'none' }])).result as {
      blockhash: string
    }
    expect(old.value.blockhash).toBe(block.blockhash)
    const { params } = await payment(direct)
    expect((await call('sendTransaction', params)).error?.code).toBe(-32005)
    await solana.control.resumeMining()
    await node.stop()
  })
})

test('the node lists its blocks and what is in them', async () => {
  const call = caller(solana.rpcUrl)
  const { params } = await payment(call)
  const { result: signature } = await call('sendTransaction', params)
  const { slot } = await isFinal(call, signature)
  const shown = (await call('getBlock', [slot, { transactionDetails: 'signatures', rewards: false }])).result as {
    signatures: string[]
    previousBlockhash: string
    parentSlot: number
  }
  expect(shown.signatures).toEqual([signature])
  const parent = (await call('getBlock', [shown.parentSlot, { transactionDetails: 'none' }])).result
  expect(parent).toMatchObject({ blockhash: shown.previousBlockhash })
  const full = (await call('getBlock', [slot, { maxSupportedTransactionVersion: 0 }])).result as {
    transactions: object[]
  }
  expect(full.transactions).toEqual([expect.objectContaining({ meta: expect.objectContaining({ err: null }) })])
  expect((await call('getBlocksWithLimit', [slot - 2, 3])).result).toEqual([slot - 2, slot - 1, slot])
  expect((await call('getBlock', [1])).error?.code).toBe(-32001)
  expect((await call('getBlock', [slot + 1_000_000])).error?.code).toBe(-32004)
})
