import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { askNode, assertBooks, assertPaidOnce, type CaseWallet, eventually, startCaseWallet } from './bench.ts'
import { type Answer, type Call, type LyingNode, startLyingNode } from './lying-node.ts'
import { SOL, type SolanaTruth, signatureOf, startSolanaTruth } from './solana-truth.ts'

// DefiLlama/chainlist#3168: endpoints serve another chain than they are listed for, some of them for a while only.
let truth: SolanaTruth
let other: SolanaTruth
let node: LyingNode
let wallet: CaseWallet
beforeAll(async () => {
  truth = await startSolanaTruth()
  other = await startSolanaTruth()
  // Both have the thousand slots below an origin.
  await truth.control.mine(1_100)
  await other.control.mine(1_700)
})
afterAll(async () => {
  await other.stop()
  await truth.stop()
})
beforeEach(async () => {
  node = await startLyingNode(truth.rpcUrl)
  wallet = await startCaseWallet(truth, [node.rpcUrl])
  return async () => {
    await wallet.close()
    await node.stop()
  }
})

const PAID = SOL / 100n
const MAINNET = '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKukVNQXtYz4d'

/** What the endpoint returns while it serves the other cluster, where every blockhash of now ends soon. */
async function elsewhere({ method, params = [] }: Call): Promise<Answer> {
  if (method === 'getGenesisHash') return { result: MAINNET }
  try {
    const result = await askNode<unknown>(other.rpcUrl, method, ...params)
    if (method === 'getEpochInfo' && JSON.stringify(params).includes('processed')) await other.control.mine(400)
    return { result }
  } catch {
    return { error: { code: -32007, message: 'Slot was skipped, or missing due to ledger jump' } }
  }
}

/** The endpoint takes bytes, and no validator gets them. */
const drops = ({ method, params }: Call) =>
  method === 'sendTransaction' ? { result: signatureOf(params![0] as string) } : undefined

/** Looks until there are two signatures, and more often than reading the whole life of a lost blockhash takes. */
async function lookLong(id: string): Promise<void> {
  for (let look = 0; look < 80 && (await wallet.attempts(id)).length === 1; look++) {
    await wallet.http.engine.follow('solana-local')
  }
}

test('the only endpoint serves another cluster for a while: nothing is proven there, or signed again', async () => {
  const payer = await wallet.payer()
  await other.fund(payer.address, payer.coins)
  let bytes: unknown[] | undefined
  node.lie((call) => {
    if (call.method === 'sendTransaction') bytes ??= call.params
    return drops(call)
  })
  const sent = await wallet.pay(payer, PAID)
  await wallet.until(sent.id, { status: 'SUBMITTED' })
  await truth.control.pauseMining()
  node.lie(elsewhere)
  await lookLong(sent.id)
  expect(await wallet.attempts(sent.id)).toHaveLength(1)
  expect(await wallet.view(sent.id)).toMatchObject({ status: 'SUBMITTED' })
  await askNode(truth.rpcUrl, 'sendTransaction', ...bytes!)
  await truth.control.resumeMining()
  await wallet.http.operate('POST', `/v1/transactions/${sent.id}/prove`, { rpcUrl: truth.rpcUrl })
  await assertPaidOnce(wallet, sent)
  expect(await truth.made(payer.address)).toBe(1)
})

test('the first of two endpoints serves another cluster: the second one proves what became of a payment', async () => {
  const second = await startLyingNode(truth.rpcUrl)
  onTestFinished(() => second.stop())
  second.lie(drops)
  await wallet.close()
  wallet = await startCaseWallet(truth, [node.rpcUrl, second.rpcUrl])
  const payer = await wallet.payer()
  await other.fund(payer.address, payer.coins)
  node.lie(drops)
  const sent = await wallet.pay(payer, PAID)
  await wallet.until(sent.id, { status: 'SUBMITTED' })
  await truth.control.pauseMining()
  node.lie(elsewhere)
  await lookLong(sent.id)
  expect(await wallet.attempts(sent.id)).toHaveLength(1)
  await wallet.http.operate('POST', `/v1/transactions/${sent.id}/cancel`)
  await truth.control.resumeMining()
  await truth.control.mine(200)
  await wallet.until(sent.id, { status: 'CANCELLED' })
  await assertBooks(wallet, payer)
})

test('the only endpoint serves another cluster before it is signed: its blockhash is not used', async () => {
  const payer = await wallet.payer()
  await other.fund(payer.address, payer.coins)
  await wallet.feeOf(payer)
  let confirmations = 0
  node.lie((call) => {
    if (call.method === 'getGenesisHash') confirmations += 1
    return elsewhere(call)
  })
  const sent = await wallet.pay(payer, PAID)
  const isDecided = async () => confirmations > 0 || (await wallet.attempts(sent.id)).length > 0
  await eventually(isDecided).toBe(true)
  expect(await wallet.attempts(sent.id)).toEqual([])
  expect(await wallet.view(sent.id)).toMatchObject({ status: 'EXECUTING' })
  expect(await other.made(payer.address)).toBe(0)
})
