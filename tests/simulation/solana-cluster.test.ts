import { expect, test } from 'vitest'
import { createSolanaCluster, type SolanaCluster } from './solana-cluster.ts'
import {
  payment,
  seededRandom,
  signatureOf,
  type TestClient,
  type TestTimers,
  testClient,
  testKey,
  testTimers,
  toBase64,
} from './solana-doubles.ts'
import { drawSolanaFaults, noSolanaFaults, type SolanaFaultKind, type SolanaFaults } from './solana-faults.ts'

const SOL = 1_000_000_000n
const [first, second] = ['http://one.invalid', 'http://two.invalid']
const genesisHash = '4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY'
const payer = testKey(1)
const payee = testKey(2).address
const confirmed = { commitment: 'confirmed' }
const sending = { encoding: 'base64', skipPreflight: true, maxRetries: 0 }

type World = { cluster: SolanaCluster; timers: TestTimers; node: TestClient; other: TestClient }

function world(faults: Partial<Record<SolanaFaultKind, number>> = {}, seed = 'seed'): World {
  const timers = testTimers()
  const random = seededRandom(seed)
  const all: SolanaFaults = { ...noSolanaFaults, ...faults }
  const cluster = createSolanaCluster({ random, timers, faults: all, urls: [first, second], genesisHash })
  cluster.fund(payer.address, 100n * SOL)
  const client = (url: string) => testClient(cluster.exchange, timers, url)
  return { cluster, timers, node: client(first), other: client(second) }
}

type Latest = { context: { slot: number }; value: { blockhash: string; lastValidBlockHeight: number } }
const latest = (node: TestClient) => node.result<Latest>('getLatestBlockhash', confirmed)

async function signed(node: TestClient, lamports = SOL, unitPrice = 0n) {
  const { context, value } = await latest(node)
  const bytes = payment(payer, payee, lamports, value.blockhash, unitPrice)
  return { bytes, signature: signatureOf(bytes), slot: context.slot, ...value }
}

const send = (node: TestClient, bytes: Uint8Array) => node.ask('sendTransaction', toBase64(bytes), sending)

async function status(node: TestClient, signature: string, searchTransactionHistory = true) {
  type Statuses = { value: ({ confirmationStatus: string; err: unknown } | null)[] }
  const options = { searchTransactionHistory }
  return (await node.result<Statuses>('getSignatureStatuses', [signature], options)).value[0]!
}

test('a payment is processed, confirmed and finalized, and its fee is taken', async () => {
  const { cluster, timers, node } = world()
  const { bytes, signature } = await signed(node)
  expect(cluster.truth.canEverLand(signature)).toBe(false)
  expect(await send(node, bytes)).toMatchObject({ result: signature })
  const seen: string[] = []
  for (let step = 0; step < 100; step++) {
    const level = (await status(node, signature))?.confirmationStatus
    if (level !== undefined && seen[seen.length - 1] !== level) seen.push(level)
    await timers.pass(300)
  }
  expect(seen).toEqual(['processed', 'confirmed', 'finalized'])
  expect(cluster.truth.landed(signature)).toMatchObject({ level: 'finalized', fault: null, fee: 5_000n })
  expect(cluster.truth.canEverLand(signature)).toBe(false)
  expect(cluster.truth.transfersTo(payee)).toMatchObject([{ signature, from: payer.address, lamports: SOL }])
  expect(cluster.truth.falls(payer.address)).toMatchObject([{ signature, lamports: SOL + 5_000n, fee: 5_000n }])
  expect(cluster.truth.balance(payee, 'finalized')).toBe(SOL)
})

test('a transaction may land until its last block is final, and no longer', async () => {
  const { cluster, timers, node } = world({ sendNowhere: 1 })
  const { bytes, signature, lastValidBlockHeight } = await signed(node)
  await send(node, bytes)
  while (cluster.truth.height('finalized') <= lastValidBlockHeight) {
    expect(cluster.truth.canEverLand(signature)).toBe(true)
    await timers.pass(2_000)
  }
  expect(cluster.truth.canEverLand(signature)).toBe(false)
  cluster.truth.land(bytes, 'soon')
  await timers.pass(10_000)
  expect(cluster.truth.landed(signature)).toBeUndefined()
})

test('held bytes land in the very last block, one above lastValidBlockHeight', async () => {
  const { cluster, timers, node } = world({ sendLastBlock: 1 })
  const { bytes, signature, lastValidBlockHeight } = await signed(node)
  expect(await send(node, bytes)).toMatchObject({ result: signature })
  while (cluster.truth.height('processed') <= lastValidBlockHeight) {
    expect(cluster.truth.landed(signature)).toBeUndefined()
    await timers.pass(100)
  }
  expect(cluster.truth.landed(signature)).toMatchObject({ height: lastValidBlockHeight + 1, fault: null })
})

test('the same bytes land once, however often and wherever they are sent', async () => {
  const { cluster, timers, node, other } = world()
  const { bytes, signature } = await signed(node)
  for (const client of [node, other, node, node]) {
    await send(client, bytes)
    await timers.pass(3_000)
  }
  expect(cluster.truth.transfersTo(payee, 'processed')).toHaveLength(1)
  expect(cluster.truth.outs()).toMatchObject([{ transaction: { signature }, times: { length: 4 } }])
})

test('what a node refuses may land, and an answer says nothing about what becomes of the bytes', async () => {
  const landed: boolean[] = []
  for (let seed = 0; seed < 20; seed++) {
    const { cluster, timers, node } = world({ sendWrongVerdict: 1, sendNowhere: 0.5 }, `seed ${seed}`)
    const { bytes, signature } = await signed(node)
    expect(await send(node, bytes)).toMatchObject({ error: { code: -32003 } })
    await timers.pass(10_000)
    landed.push(cluster.truth.landed(signature) !== undefined)
  }
  expect(landed).toContain(true)
  expect(landed).toContain(false)
})

test('a request that is withdrawn in the last moment leaves nothing behind; one that is cut off after it does', async () => {
  const { cluster, timers, node } = world()
  const { bytes, signature } = await signed(node)
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'sendTransaction', params: [toBase64(bytes), sending] })
  const withdrawn = cluster.exchange({ url: first, body: () => undefined })
  await timers.pass(1_000)
  expect(await withdrawn).toBe('not sent')
  expect(cluster.truth.outs()).toEqual([])

  const abort = new AbortController()
  const cut = cluster.exchange({ url: first, body: () => body, signal: abort.signal }).catch(() => 'cut')
  await timers.pass(11)
  abort.abort()
  expect(await cut).toBe('cut')
  await timers.pass(5_000)
  expect(cluster.truth.landed(signature)).toBeDefined()
})

test('a node from a snapshot knows nothing from before, and says so', async () => {
  const { cluster, timers, node, other } = world({ outage: 1, snapshotRestart: 1 })
  const paid = await landedPayment(cluster, timers, [node, other])
  for (const client of [node, other]) {
    const bound = await within(timers, async () => {
      const answer = await client.ask('getFirstAvailableBlock')
      return typeof answer !== 'string' && (answer.result as number) > paid.slot ? (answer.result as number) : undefined
    })
    expect(bound).toBeGreaterThan(paid.slot)
    expect(await whileUp(timers, client, 'getBlock', paid.slot)).toMatchObject({ error: { code: -32001 } })
    expect(await whileUp(timers, client, 'getTransaction', paid.signature)).toMatchObject({ result: null })
  }
})

test('a node with a hole in its history names an old first block and calls what it lacks skipped', async () => {
  const { cluster, timers, node } = world({ outage: 1, hiddenHole: 1 })
  const before = (await whileUp(timers, node, 'getFirstAvailableBlock')) as { result: number }
  const hole = await within(timers, async () => {
    await timers.pass(20_000)
    const end = cluster.truth.slot() - 40
    const range = [end - 400, end, { commitment: 'finalized' }]
    const answer = (await whileUp(timers, node, 'getBlocks', ...range)) as { result: number[] }
    const listed = answer.result
    return listed.find((slot, index) => index > 0 && slot - listed[index - 1]! > 20)
  })
  expect(await whileUp(timers, node, 'getBlock', hole! - 10)).toMatchObject({ error: { code: -32007 } })
  expect(await whileUp(timers, node, 'getFirstAvailableBlock')).toMatchObject(before)
})

test('a node without history refuses to search it, and knows what is new', async () => {
  const { cluster, timers, node } = world({ noHistory: 1 })
  const { bytes, signature } = await signed(node)
  await send(node, bytes)
  await timers.pass(3_000)
  expect(cluster.truth.landed(signature)).toBeDefined()
  expect(await node.code('getSignatureStatuses', [signature], { searchTransactionHistory: true })).toBe(-32011)
  expect(await node.code('getTransaction', signature)).toBe(-32011)
  expect(await node.code('getBlock', 250_000)).toBe(-32011)
  expect(await status(node, signature, false)).toMatchObject({ err: null })
})

test('a minority fork shows a transaction that is not there afterwards, and may come again', async () => {
  let wasDropped = 0
  for (let seed = 0; seed < 30; seed++) {
    const faults = { minorityFork: 1, onFork: 1, skippedSlots: 0.2, forkLoss: 1 }
    const { cluster, timers, node } = world(faults, `seed ${seed}`)
    const { bytes, signature } = await signed(node)
    await send(node, bytes)
    await timers.pass(100_000)
    if (cluster.truth.onForks(signature) === 0) continue
    wasDropped += 1
    expect(cluster.truth.transfersTo(payee).length).toBeLessThanOrEqual(1)
    expect(await status(node, signature)).toEqual(cluster.truth.landed(signature) ? expect.anything() : null)
  }
  expect(wasDropped).toBeGreaterThan(3)
})

test('after healing every node is complete and in step', async () => {
  const faults = {
    outage: 1,
    hiddenHole: 1,
    behind: 1,
    frozen: 1,
    noHistory: 1,
    finalityStall: 1,
    halt: 1,
    shortLedger: 1,
  }
  const { cluster, timers, node, other } = world(faults)
  const { bytes, signature } = await signedWhenUp(timers, node)
  cluster.truth.land(bytes, 'soon')
  await timers.pass(400_000)
  cluster.heal()
  await timers.pass(30_000)
  for (const client of [node, other]) {
    expect(await status(client, signature)).toMatchObject({ confirmationStatus: 'finalized' })
    const height = await client.result<number>('getBlockHeight', { commitment: 'processed' })
    expect(cluster.truth.height('processed') - height).toBeLessThanOrEqual(1)
  }
})

test('the same seed gives the same answers and the same truth', async () => {
  for (const seed of ['a', 'b', 'c']) expect(await trace(seed)).toEqual(await trace(seed))
  expect(await trace('a')).not.toEqual(await trace('b'))
})

test('every fault is met within 200 seeds', async () => {
  const unmet = new Set(Object.keys(noSolanaFaults))
  for (let seed = 0; seed < 200 && unmet.size > 0; seed++) {
    const drawn = Object.entries(drawSolanaFaults(seededRandom(`seed ${seed}/faults`)))
    if (!drawn.some(([kind, rate]) => rate > 0 && unmet.has(kind))) continue
    const { counts } = await busyRun(`seed ${seed}`)
    for (const [kind, count] of Object.entries(counts)) if (count > 0) unmet.delete(kind)
  }
  expect([...unmet]).toEqual([])
})

async function trace(seed: string): Promise<unknown> {
  const { answers, outs, transfers, counts } = await busyRun(seed)
  return { answers, outs, transfers, counts: { ...counts } }
}

/** Ten payments over some 600 slots under whatever faults the seed draws, with the questions that a wallet has. */
async function busyRun(seed: string) {
  const faults = drawSolanaFaults(seededRandom(`${seed}/faults`))
  const { cluster, timers, node, other } = world(faults, seed)
  const answers: unknown[] = []
  for (let count = 0; count < 10; count++) {
    const client = count % 2 === 0 ? node : other
    const got = await client.ask('getLatestBlockhash', confirmed)
    answers.push(got)
    const value = typeof got === 'string' ? undefined : (got.result as Latest | undefined)?.value
    if (value !== undefined) {
      const bytes = payment(payer, payee, SOL, value.blockhash, BigInt(count))
      answers.push(await send(client, bytes), await send(other, bytes))
      const options = { searchTransactionHistory: true }
      answers.push(await client.ask('getSignatureStatuses', [signatureOf(bytes)], options))
    }
    await timers.pass(20_000)
    const slot = cluster.truth.slot()
    answers.push(
      await client.ask('getBlockHeight', { commitment: 'finalized' }),
      await client.ask('getBlocks', slot - 300, slot - 50),
      await client.ask('getBlock', slot - 100, { transactionDetails: 'signatures' }),
      await client.ask('getBlock', 250_000 + count, { transactionDetails: 'none' }),
      await client.ask('getBlock', slot - 5, confirmed),
      await client.ask('isBlockhashValid', value?.blockhash ?? genesisHash),
      await client.ask('getFirstAvailableBlock'),
      await client.ask('minimumLedgerSlot'),
      await client.ask('getRecentPrioritizationFees'),
      await client.ask('getSignaturesForAddress', payer.address),
      await client.post(batch(['getSlot', 'getHealth', 'getBlockHeight'])),
    )
  }
  const { truth, counts } = cluster
  return { answers, outs: truth.outs().map(({ times }) => times), transfers: truth.transfersTo(payee), counts }
}

function batch(methods: readonly string[]): string {
  return JSON.stringify(methods.map((method, id) => ({ jsonrpc: '2.0', id, method, params: [] })))
}

async function within<Value>(timers: TestTimers, look: () => Promise<Value | undefined>): Promise<Value | undefined> {
  for (let step = 0; step < 100; step++) {
    const value = await look()
    if (value !== undefined) return value
    await timers.pass(5_000)
  }
  return undefined
}

/** The answer of a node that is away now and then. */
async function whileUp(timers: TestTimers, client: TestClient, method: string, ...params: unknown[]) {
  return await within(timers, async () => {
    const said = await client.ask(method, ...params)
    return said === 'not sent' ? undefined : said
  })
}

async function signedWhenUp(timers: TestTimers, node: TestClient) {
  const { result } = (await whileUp(timers, node, 'getLatestBlockhash', confirmed)) as { result: Latest }
  const bytes = payment(payer, payee, SOL, result.value.blockhash)
  return { bytes, signature: signatureOf(bytes) }
}

async function landedPayment(cluster: SolanaCluster, timers: TestTimers, [node]: readonly TestClient[]) {
  const { bytes, signature } = await signedWhenUp(timers, node!)
  cluster.truth.land(bytes, 'soon')
  await timers.pass(3_000)
  return { signature, slot: cluster.truth.landed(signature)!.slot }
}
