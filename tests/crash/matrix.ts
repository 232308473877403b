import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type TestedChain, TOKENS } from './chains.ts'
import { type DoomedWallet, startDoomedWallet } from './doomed-wallet.ts'
import { assertBooks, assertMade, newPayer, newPayment, type Sent, sendAgain, setPolicies } from './payers.ts'
import { around, named } from './points.ts'

const WAIT_SECONDS = 61
const APPROVAL_SECONDS = 301
const LARGE = 20n
const MIDDLE = 5n

/** Kills the started wallet at every durable step of every kind of payment on one chain. */
export function crashMatrix(
  steps: { sendMethod: string; kinds: readonly string[] },
  start: () => Promise<TestedChain>,
): void {
  const bench = openBench(start)
  paymentCases(bench, steps)
  waitingCases(bench)
  ownerCases(bench, steps)
  sweepCases(bench, steps)
  auditCase(bench)
}

/** The same for payments in coins alone. */
export function crashTransfers(sendMethod: string, start: () => Promise<TestedChain>): void {
  const bench = openBench(start)
  paymentCases(bench, { sendMethod, kinds: ['TRANSFER'] })
  auditCase(bench)
}

function openBench(start: () => Promise<TestedChain>): Bench {
  vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })
  let chain: TestedChain
  let wallet: DoomedWallet
  beforeAll(async () => {
    chain = await start()
    wallet = await startDoomedWallet({ [`WAIAAS_RPC_${chain.network.replace('-', '_').toUpperCase()}`]: chain.rpcUrl })
    await setPolicies(wallet, chain)
  })
  afterAll(async () => {
    await wallet?.stop()
    await chain?.stop()
  })
  return () => ({ chain, wallet })
}

function auditCase(bench: Bench): void {
  test('the log of all these lives is whole', async () => {
    expect(await bench().wallet.admin().verifyAudit()).toMatchObject({ ok: true })
  })
}

type Bench = () => { chain: TestedChain; wallet: DoomedWallet }
type Steps = { sendMethod: string; kinds: readonly string[] }

/** Two payments of one wallet and one of another, under way when the wallet dies. */
async function threePayments({ chain, wallet }: ReturnType<Bench>, kind: string): Promise<Sent[]> {
  const payers = [await newPayer(wallet, chain), await newPayer(wallet, chain)]
  const sent = [await newPayment(chain, kind, payers[0]!, 0), await newPayment(chain, kind, payers[1]!, 0)]
  // A token account has one delegate at a time.
  if (kind !== 'APPROVE') sent.push(await newPayment(chain, kind, payers[0]!, 1))
  return sent
}

const sendAll = (sent: readonly Sent[]) => Promise.all(sent.map((each) => sendAgain(each, 0)))

function paymentCases(bench: Bench, { sendMethod, kinds }: Steps): void {
  const call = `call ${sendMethod}`
  const all = ['TX_REQUESTED', 'TX_ALLOWED', 'TX_SIGNED', 'TX_SUBMITTED', 'TX_CONFIRMED'].map(
    (type) => `commit ${type}`,
  )
  const pointsOf = (kind: string) =>
    kind === 'TRANSFER' ? around(...all, 'ask sign', call) : around('commit TX_SIGNED', call, 'commit TX_CONFIRMED')

  describe.each(kinds.map((kind) => [kind]))('%s', (kind) => {
    test.each(named(pointsOf(kind)))('%s: each is made once', async (_, point) => {
      const { chain, wallet } = bench()
      const sent = await threePayments(bench(), kind)
      await wallet.dieAt(point, () => sendAll(sent))
      await assertMade(wallet, chain, sent)
    })
  })

  const again = around('commit TX_OUTCOME_UNKNOWN', 'commit TX_ACCEPTED', call, 'commit TX_CONFIRMED')
  test.each(named(again))('TRANSFER, killed after commit TX_SIGNED, and %s when it is taken up', async (_, second) => {
    const { chain, wallet } = bench()
    const sent = await threePayments(bench(), 'TRANSFER')
    const first = { when: 'after', what: 'commit TX_SIGNED', victim: 'both' } as const
    await wallet.dieTwice(first, second, () => sendAll(sent))
    await assertMade(wallet, chain, sent)
  })
}

function waitingCases(bench: Bench): void {
  const delayed = async () => {
    const { chain, wallet } = bench()
    const payer = await newPayer(wallet, chain)
    const to = chain.newAddress()
    const amount = MIDDLE * chain.coin
    const request = { network: chain.network, to, amount: String(amount) } as const
    return { payer, key: crypto.randomUUID(), payment: { request, amount, arrived: () => chain.balance(to) } }
  }

  test.each(named(around('commit TX_QUEUED', 'commit TX_DELAY_OVER')))(
    'DELAY, %s: it waits, then it is made once',
    async (_, point) => {
      const { chain, wallet } = bench()
      const sent = await delayed()
      const isTimer = point.what === 'commit TX_DELAY_OVER'
      if (isTimer) expect(await sendAgain(sent, 0)).toMatchObject({ status: 'QUEUED' })
      await wallet.dieAt(point, async () => (isTimer ? wallet.passTime(WAIT_SECONDS) : await sendAgain(sent, 0)))
      if (!isTimer) {
        expect(await sendAgain(sent, 0)).toMatchObject({ status: 'QUEUED' })
        wallet.passTime(WAIT_SECONDS)
      }
      await assertMade(wallet, chain, [sent])
    },
  )

  test.each(named(around('commit TX_CANCELLED')))('CANCEL, %s: nothing leaves', async (_, point) => {
    const { chain, wallet } = bench()
    const sent = await delayed()
    const { id } = await sendAgain(sent, 0)
    await wallet.dieAt(point, () => sent.payer.client().cancel(id))
    const again = sent.payer.client().cancel(id)
    if (point.when === 'before') expect(await again).toMatchObject({ status: 'CANCELLED' })
    else await expect(again).rejects.toMatchObject({ code: 'TX_ALREADY_PROCESSED' })
    wallet.passTime(WAIT_SECONDS)
    expect(await sendAgain(sent)).toMatchObject({ id, status: 'CANCELLED' })
    expect(await sent.payment.arrived()).toBe(0n)
    await assertBooks(wallet, chain, sent.payer)
  })
}

function ownerCases(bench: Bench, { sendMethod }: Steps): void {
  const asked = async () => {
    const { chain, wallet } = bench()
    const payer = await newPayer(wallet, chain)
    const to = chain.newAddress()
    const amount = LARGE * chain.coin
    const request = { network: chain.network, to, amount: String(amount) } as const
    const sent: Sent = {
      payer,
      key: crypto.randomUUID(),
      payment: { request, amount, arrived: () => chain.balance(to) },
    }
    const { id, status, tier } = await sendAgain(sent, 0)
    expect({ status, tier }).toEqual({ status: 'QUEUED', tier: 'APPROVAL' })
    return { sent, id }
  }

  const approving = around('commit TX_APPROVED', 'commit TX_SIGNED', `call ${sendMethod}`)
  test.each(named(approving))('APPROVAL, %s: it is made once', async (_, point) => {
    const { chain, wallet } = bench()
    const { sent, id } = await asked()
    await wallet.dieAt(point, () => sent.payer.owner().approve(id))
    const isForgotten = point.what === 'commit TX_APPROVED' && point.when === 'before'
    if (isForgotten) await sent.payer.owner().approve(id)
    else await expect(sent.payer.owner().approve(id)).rejects.toMatchObject({ code: 'TX_ALREADY_PROCESSED' })
    await assertMade(wallet, chain, [sent])
  })

  test.each(named(around('commit TX_REJECTED')))('REJECT, %s: nothing leaves', async (_, point) => {
    const { chain, wallet } = bench()
    const { sent, id } = await asked()
    await wallet.dieAt(point, () => sent.payer.owner().reject(id))
    if (point.when === 'before') await sent.payer.owner().reject(id)
    expect(await sent.payer.client().getTransaction(id)).toMatchObject({ status: 'CANCELLED' })
    expect(await sent.payment.arrived()).toBe(0n)
    await assertBooks(wallet, chain, sent.payer)
  })

  test.each(named(around('commit TX_APPROVAL_EXPIRED')))('EXPIRY, %s: nothing leaves', async (_, point) => {
    const { chain, wallet } = bench()
    const { sent, id } = await asked()
    await wallet.dieAt(point, async () => wallet.passTime(APPROVAL_SECONDS))
    expect(await sendAgain(sent)).toMatchObject({ id, status: 'EXPIRED' })
    expect(await sent.payment.arrived()).toBe(0n)
    await assertBooks(wallet, chain, sent.payer)
  })
}

function sweepCases(bench: Bench, { sendMethod }: Steps): void {
  const all = around(
    'commit TX_REQUESTED',
    'commit TX_ALLOWED',
    'commit TX_SIGNED',
    `call ${sendMethod}`,
    'commit TX_CONFIRMED',
  )
  test.each(named(all))('SWEEP, %s: everything goes home once', async (_, point) => {
    const { chain, wallet } = bench()
    const payer = await newPayer(wallet, chain)
    await payer.owner().verify(payer.agentId)
    await wallet.dieAt(point, () => wallet.admin().withdraw(payer.agentId))
    // Asked for again until nothing is left to bring, as its operator would.
    const bring = async () => (await wallet.admin().withdraw(payer.agentId)).items.length
    await expect.poll(bring, { timeout: 60_000, interval: 100 }).toBe(0)
    const rows = wallet.query('SELECT hash, fee, status FROM transactions WHERE agent_id = ?', payer.agentId)
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['CONFIRMED']))
    expect((await chain.made(payer.address)).toSorted()).toEqual(rows.map(({ hash }) => hash).toSorted())
    expect(await chain.tokens(payer.ownerAddress)).toBe(TOKENS)
    const fees = rows.reduce((sum, { fee }) => sum + BigInt(fee!), 0n)
    const [home, left] = [await chain.balance(payer.ownerAddress), await chain.balance(payer.address)]
    expect(home + left).toBe(100n * chain.coin - fees)
    expect(left).toBeLessThan(chain.coin / 100n)
  })
}
