import { type NodeProxy, type SolanaAct, type SolanaSituation, startSolanaProxy } from '@waiaas/devnet'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { askNode, assertBooks, assertPaidOnce, type CaseWallet, eventually, startCaseWallet } from './bench.ts'
import { personalitiesOfSolana, SOL, type SolanaTruth, startSolanaTruth } from './solana-truth.ts'

let truth: SolanaTruth
beforeAll(async () => {
  truth = await startSolanaTruth()
})
afterAll(() => truth.stop())

const REFUSALS: readonly SolanaSituation[] = [
  'nodeUnhealthy',
  'preflightFailure',
  'blockhashNotFound',
  'signatureVerification',
  'minContextSlot',
]
const PAID = SOL / 100n
const LIFETIME_BLOCKS = 200

describe.each(personalitiesOfSolana)('%s', (_, personality) => {
  let node: NodeProxy<SolanaAct>
  let wallet: CaseWallet
  beforeAll(async () => {
    node = await startSolanaProxy({ upstream: truth.rpcUrl, personality })
    wallet = await startCaseWallet(truth, [node.rpcUrl])
  })
  afterAll(async () => {
    await wallet.close()
    await node.stop()
  })
  beforeEach(async () => {
    await node.control.act({ kind: 'heal' })
    await node.control.behave()
  })

  const slot = () => askNode<number>(truth.rpcUrl, 'getSlot', { commitment: 'processed' })
  /** A payment that lands while the node says nothing of it. */
  const payUnseen = async () => {
    const payer = await wallet.payer()
    await node.control.misbehave({
      method: 'getSignatureStatuses',
      times: 'always',
      action: { kind: 'refuse', status: 503 },
    })
    const sent = await wallet.pay(payer, PAID)
    await eventually(() => truth.balance(sent.to)).toBe(PAID)
    return sent
  }

  test('takes the bytes and answers that it does not: one payment', async () => {
    const payer = await wallet.payer()
    const sent = []
    for (const situation of REFUSALS.filter((each) => personality.says[each] !== undefined)) {
      await node.control.act({ kind: 'nextSend', answer: { situation } })
      sent.push(await wallet.pay(payer, PAID))
    }
    await assertPaidOnce(wallet, ...sent)
    expect(await truth.made(payer.address)).toBe(sent.length)
  })

  test('answers with words that nobody knows, and lands it: one payment', async () => {
    const payer = await wallet.payer()
    await node.control.act({ kind: 'nextSend', answer: { code: -32003, message: 'Transaction rejected' } })
    const sent = await wallet.pay(payer, PAID)
    await assertPaidOnce(wallet, sent)
    expect(await truth.made(payer.address)).toBe(1)
  })

  test('comes back from a snapshot without the payment: it waits, and the operator proves it elsewhere', async () => {
    const sent = await payUnseen()
    await truth.control.mine(LIFETIME_BLOCKS)
    await node.control.act({ kind: 'snapshot', firstAvailable: await slot() })
    await node.control.behave()
    const notice = { code: 'HISTORY_UNAVAILABLE', message: expect.stringContaining('127.0.0.1') }
    await wallet.until(sent.id, { status: 'SUBMITTED', notice })
    wallet.http.clock.advance(3600)
    await eventually(slot).toBeGreaterThan((await slot()) + 20)
    expect(await wallet.attempts(sent.id)).toHaveLength(1)
    await wallet.http.operate('POST', `/v1/transactions/${sent.id}/prove`, { rpcUrl: truth.rpcUrl })
    await assertPaidOnce(wallet, sent)
  })

  test('has a hole where the payment is: it waits, and is found when the hole is filled', async ({ skip }) => {
    skip(!personality.history, 'without history it has no blocks that could miss one')
    const from = await slot()
    const sent = await payUnseen()
    await node.control.act({ kind: 'hole', from, to: await slot() })
    await truth.control.mine(LIFETIME_BLOCKS)
    await node.control.behave()
    await wallet.until(sent.id, { status: 'SUBMITTED', notice: { code: 'HISTORY_UNAVAILABLE' } })
    expect(await wallet.attempts(sent.id)).toHaveLength(1)
    await node.control.act({ kind: 'heal' })
    await assertPaidOnce(wallet, sent)
  })

  test('has forgotten the signature: its block shows it', async ({ skip }) => {
    skip(!personality.history, 'without history it has no blocks')
    const sent = await payUnseen()
    const [attempt] = await wallet.attempts(sent.id)
    await node.control.act({ kind: 'forget', signatures: [attempt!.hash] })
    await truth.control.mine(LIFETIME_BLOCKS)
    await node.control.behave()
    await assertPaidOnce(wallet, sent)
  })

  test('drops the bytes: a new signature only after the proof that the old one is dead', async ({ skip }) => {
    skip(!personality.history, 'without history nothing is proven')
    const payer = await wallet.payer()
    await node.control.act({ kind: 'nextSend', effect: 'drop', times: 'always' })
    const sent = await wallet.pay(payer, PAID)
    await wallet.until(sent.id, { status: 'SUBMITTED' })
    await eventually(slot).toBeGreaterThan((await slot()) + 20)
    expect(await wallet.attempts(sent.id)).toHaveLength(1)
    await truth.control.mine(LIFETIME_BLOCKS)
    await eventually(async () => (await wallet.attempts(sent.id)).length).toBe(2)
    await node.control.act({ kind: 'heal' })
    await assertPaidOnce(wallet, sent)
    expect(await truth.made(payer.address)).toBe(1)
  })

  test('drops the bytes of a payment that is cancelled: it ends when nothing of it can land any more', async ({
    skip,
  }) => {
    skip(!personality.history, 'without history nothing is proven')
    const payer = await wallet.payer()
    await node.control.act({ kind: 'nextSend', effect: 'drop', times: 'always' })
    const sent = await wallet.pay(payer, PAID)
    await wallet.until(sent.id, { status: 'SUBMITTED' })
    const cancelled = await wallet.http.operate('POST', `/v1/transactions/${sent.id}/cancel`)
    expect(cancelled).toMatchObject({ status: 'SUBMITTED', closing: true })
    await truth.control.mine(LIFETIME_BLOCKS)
    await wallet.until(sent.id, { status: 'CANCELLED' })
    expect(await wallet.attempts(sent.id)).toHaveLength(1)
    await assertBooks(wallet, payer)
  })
})
