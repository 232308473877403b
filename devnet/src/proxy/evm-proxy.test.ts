import { createPublicClient, createWalletClient, http } from 'viem'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EvmNode, startEvmNode } from '../evm-node.ts'
import type { EvmPersonality, EvmSituation } from '../personalities/evm-personality.ts'
import { evmPersonalities } from '../personalities/personalities.ts'
import { caller, ETHER, type Fields, GWEI, matcher, open, PAYEE, sign } from './evm-proxy.fixture.ts'

let evm: EvmNode

beforeAll(async () => {
  evm = await startEvmNode({})
})
afterAll(() => evm.stop())

/** Situations that a signed transaction brings about by itself, where the personality knows them. */
const BY_TRANSACTION: Partial<Record<EvmSituation, Fields>> = {
  feeAboveCap: { gas: 15_000_000n, maxFeePerGas: 1000n * GWEI },
  oversized: {
    data: `0x${'00'.repeat(129 * 1024)}`,
    gas: 15_000_000n,
    maxFeePerGas: 2n * GWEI,
    maxPriorityFeePerGas: GWEI,
  },
  gasLimitAboveBlock: { gas: 31_000_000n, maxFeePerGas: 2n * GWEI, maxPriorityFeePerGas: GWEI },
  gasLimitAboveCap: { gas: 20_000_000n, maxFeePerGas: 40n * GWEI, maxPriorityFeePerGas: GWEI },
  wrongChain: { chainId: 5 },
  intrinsicGas: { gas: 20_000n },
  insufficientFunds: { value: 11n * ETHER },
}

describe.each(Object.values(evmPersonalities))('$name', (personality: EvmPersonality) => {
  test('carries out a payment', async () => {
    const { node, account } = await open(evm, personality)
    const chain = { ...foundry, rpcUrls: { default: { http: [node.rpcUrl] } } }
    const reader = createPublicClient({ chain, transport: http(), pollingInterval: 20 })
    const wallet = createWalletClient({ account, chain, transport: http() })
    const before = await reader.getBalance({ address: PAYEE })
    const hash = await wallet.sendTransaction({
      to: PAYEE,
      value: 7n,
      gas: 21_000n,
      maxFeePerGas: 100n * GWEI,
      maxPriorityFeePerGas: 50n * GWEI,
    })
    const receipt = await reader.waitForTransactionReceipt({ hash })
    expect(receipt.status).toBe('success')
    expect(await reader.getBalance({ address: PAYEE })).toBe(before + 7n)
    expect((await caller(node.rpcUrl)('web3_clientVersion', [])).result).toBe(personality.clientVersion)
    await node.stop()
  })

  // A gateway has the words and the pool of the client behind it, which is tried once.
  if (personality !== evmPersonalities.geth && personality.pool === evmPersonalities.geth.pool) return

  test('refuses what its client refuses, in its words', async () => {
    const { node, send } = await open(evm, personality)
    for (const [situation, fields] of Object.entries(BY_TRANSACTION) as [EvmSituation, Fields][]) {
      if (!personality.says[situation]) continue
      if (situation === 'feeAboveCap' && personality.pool.feeCap === undefined) continue
      if (situation === 'gasLimitAboveCap' && personality.pool.maxGas === undefined) continue
      if (situation === 'insufficientFunds' && personality.pool.balance === 'unchecked') continue
      expect((await send(fields)).error, situation).toMatchObject(matcher(personality, situation))
    }
    if (personality.says.tipTooLow && personality.pool.minTip > 0n) {
      const tip = { maxPriorityFeePerGas: personality.pool.minTip - 1n }
      expect((await send(tip)).error).toMatchObject(matcher(personality, 'tipTooLow'))
    }
    await node.stop()
  })

  test('refuses nonces and repeats in its words', async () => {
    const { node, account, send, call } = await open(evm, personality)
    expect((await send({})).result).toMatch(/^0x/)
    // Anvil returns the hash first, and makes the block then.
    const count = async () => (await call('eth_getTransactionCount', [account.address, 'latest'])).result
    await expect.poll(count).toBe('0x1')
    expect((await send({ value: 2n })).error).toMatchObject(matcher(personality, 'nonceTooLow'))
    const repeated = personality.pool.knownAfterMining ? 'alreadyKnown' : 'nonceTooLow'
    expect((await send({})).error).toMatchObject(matcher(personality, repeated))
    const gap = { nonce: 1_000 }
    if (personality.says.nonceTooHigh) {
      expect((await send(gap)).error).toMatchObject(matcher(personality, 'nonceTooHigh'))
    } else {
      expect((await send(gap)).result).toMatch(/^0x/)
    }
    await node.stop()
  })

  test('replaces by its rule', async () => {
    const { node, send } = await open(evm, personality)
    await evm.control.pauseMining()
    try {
      expect((await send({})).result).toMatch(/^0x/)
      if (personality.pool.replacement === 'never') {
        expect((await send({ value: 2n })).error).toMatchObject(matcher(personality, 'nonceTooLow'))
      } else {
        expect((await send({})).error).toMatchObject(matcher(personality, 'alreadyKnown'))
        const dearer = (percent: bigint) => ({
          maxFeePerGas: (100n * GWEI * (100n + percent)) / 100n,
          maxPriorityFeePerGas: (50n * GWEI * (100n + percent)) / 100n,
        })
        const { percent } = personality.pool.replacement
        const words = matcher(personality, 'replacementUnderpriced')
        expect((await send(dearer(percent / 2n))).error).toMatchObject(words)
        expect((await send(dearer(percent + 1n))).result).toMatch(/^0x/)
      }
    } finally {
      await evm.control.resumeMining()
      await node.stop()
    }
  })

  test('has words for every situation of its table', async () => {
    const { node, account, call } = await open(evm, personality)
    const raw = await sign(account, {})
    for (const situation of Object.keys(personality.says) as EvmSituation[]) {
      if (!personality.says[situation]) continue
      await node.control.act({ kind: 'nextSend', effect: 'drop', answer: { situation } })
      expect((await call('eth_sendRawTransaction', [raw])).error, situation).toMatchObject({
        code: personality.says[situation]?.code,
      })
    }
    await node.stop()
  })
})
