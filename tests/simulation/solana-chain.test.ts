import { base58 } from '@scure/base'
import { expect, test } from 'vitest'
import { createSolanaCluster } from './solana-cluster.ts'
import { payment, seededRandom, signatureOf, testClient, testKey, testTimers, toBase64 } from './solana-doubles.ts'
import { noSolanaFaults, type SolanaFaultKind } from './solana-faults.ts'
import { createTrunk } from './solana-trunk.ts'

const SOL = 1_000_000_000n
const SYSTEM_PROGRAM = '11111111111111111111111111111111'
const RECENT_BLOCKHASHES = 'SysvarRecentB1ockHashes11111111111111111111'
const url = 'http://node.invalid'
const payer = testKey(1)
const payee = testKey(2).address
const nonce = testKey(3).address

function world(faults: Partial<Record<SolanaFaultKind, number>> = {}) {
  const timers = testTimers()
  const all = { ...noSolanaFaults, ...faults }
  const options = { random: seededRandom('chain'), timers, faults: all, urls: [url], genesisHash: SYSTEM_PROGRAM }
  const cluster = createSolanaCluster(options)
  cluster.fund(payer.address, 100n * SOL)
  return { cluster, timers, node: testClient(cluster.exchange, timers, url) }
}

/** A legacy payment under a durable nonce, which its first instruction advances. */
function underNonce(value: string, lamports: bigint): Buffer {
  const accounts = [payer.address, nonce, payee, SYSTEM_PROGRAM, RECENT_BLOCKHASHES]
  const transfer = Buffer.alloc(12)
  transfer.writeUInt32LE(2, 0)
  transfer.writeBigUInt64LE(lamports, 4)
  const message = Buffer.concat([
    Buffer.of(1, 0, 2, accounts.length),
    ...accounts.map((each) => base58.decode(each)),
    base58.decode(value),
    Buffer.of(2, 3, 3, 1, 4, 0, 4, 4, 0, 0, 0, 3, 2, 0, 2, 12),
    transfer,
  ])
  return Buffer.concat([Buffer.of(1), payer.sign(message), message])
}

test('a transaction under a durable nonce may land hours later, once, and not after another has used the nonce', async () => {
  const { cluster, timers } = world()
  const value = testKey(9).address
  cluster.createNonce(nonce, payer.address, value)
  const [used, beaten] = [underNonce(value, SOL), underNonce(value, 2n * SOL)]
  await timers.pass(5 * 3_600_000)
  expect(cluster.truth.canEverLand(used)).toBe(true)
  expect(cluster.truth.canEverLand(beaten)).toBe(true)
  cluster.truth.land(used, 'soon')
  await timers.pass(60_000)
  cluster.truth.land(beaten, 'soon')
  cluster.truth.land(used, 'soon')
  await timers.pass(60_000)
  expect(cluster.truth.transfersTo(payee)).toMatchObject([{ lamports: SOL }])
  expect(cluster.truth.canEverLand(beaten)).toBe(false)
  const { message } = cluster.truth.outs()[0]!.transaction!
  expect(cluster.truth.landedMessage(message)).toMatchObject({ signature: signatureOf(used), level: 'finalized' })
})

test('blocks that a node lists are as many as their heights say, and each names the one before', async () => {
  const { timers, node } = world({ skippedSlots: 0.2 })
  await timers.pass(100_000)
  const end = await node.result<number>('getSlot')
  const slots = await node.result<number[]>('getBlocks', end - 100, end)
  expect(slots.length).toBeLessThan(95)
  type Block = { blockHeight: number; blockhash: string; previousBlockhash: string; parentSlot: number }
  const blocks: Block[] = []
  for (const slot of slots)
    blocks.push(await node.result<Block>('getBlock', slot, { transactionDetails: 'signatures' }))
  for (const [index, block] of blocks.entries()) {
    if (index === 0) continue
    expect(block.previousBlockhash).toBe(blocks[index - 1]!.blockhash)
    expect(block.parentSlot).toBe(slots[index - 1])
    expect(block.blockHeight).toBe(blocks[0]!.blockHeight + index)
  }
  const skipped = slots.find((slot, index) => slots[index + 1] !== slot + 1)! + 1
  expect(await node.code('getBlock', skipped)).toBe(-32007)
})

test('a simulated week is cheap: nothing is made for slots that nobody looks at', async () => {
  const { cluster, timers, node } = world({ skippedSlots: 0.05 })
  const { value } = await node.result<{ value: { blockhash: string } }>('getLatestBlockhash')
  const bytes = payment(payer, payee, SOL, value.blockhash)
  await node.ask('sendTransaction', toBase64(bytes), { encoding: 'base64', skipPreflight: true })
  await timers.pass(7 * 86_400_000)
  const options = { searchTransactionHistory: true }
  const statuses = await node.result<{ value: unknown[] }>('getSignatureStatuses', [signatureOf(bytes)], options)
  expect(statuses.value).toMatchObject([{ confirmationStatus: 'finalized' }])
  expect(cluster.truth.slot()).toBeGreaterThan(1_500_000)
})

test('a trunk finds blocks by slot and by height across gaps', () => {
  const trunk = createTrunk(100, 50, 10)
  trunk.append(110, 112)
  trunk.append(120, 121)
  trunk.append(130, 130)
  expect(trunk.head()).toEqual({ slot: 130, height: 65 })
  expect(trunk.slots(111, 129)).toEqual([111, 112, 120, 121])
  expect([99, 100, 112, 119, 121, 500].map((slot) => trunk.atOrBelow(slot)?.height)).toEqual([
    undefined,
    50,
    62,
    62,
    64,
    65,
  ])
  expect([49, 62, 63, 65, 66].map((height) => trunk.atHeight(height)?.slot)).toEqual([
    undefined,
    112,
    120,
    130,
    undefined,
  ])
  expect([112, 113, 120].map((slot) => trunk.has(slot))).toEqual([true, false, true])
})
