import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Announcer } from '../gateway/announcer.ts'
import { Card, type CardOutcome } from '../protocol/index.ts'
import { openStore, type Store } from '../store/store.ts'
import { createPaymentStore } from './payment-store.ts'
import { createPayments, type PaymentStore, type Payments, type Watched } from './payments.ts'
import { createPaymentRelay, type PaymentRelay } from './relay.ts'
import { type FakeWallet, startFakeWallet } from './testing/fake-wallet.ts'
import type { Transaction, Wallet } from './wallet.ts'

const FRIEND = '0x2222222222222222222222222222222222222222'
let folder: string
let daemon: FakeWallet
let store: Store
let wallet: Wallet
let paymentStore: PaymentStore
let payments: Payments
let board: Board
let stop: () => Promise<void>
let relay: PaymentRelay

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relay-'))
  daemon = await startFakeWallet()
  store = await openStore(':memory:')
  wallet = daemon.connect(join(folder, 'token'))
  paymentStore = createPaymentStore(store)
  payments = createPayments(paymentStore)
  board = createBoard()
  stop = begin()
})
afterEach(async () => {
  await stop()
  await daemon.close()
  await store.close()
  rmSync(folder, { recursive: true })
})

function begin(): () => Promise<void> {
  const controller = new AbortController()
  relay = createPaymentRelay({
    wallet,
    payments,
    store: paymentStore,
    announcer: board.announcer,
    sources: async ({ sessionId }) => [{ trusted: true, label: `you, in ${sessionId}` }],
    now: () => Math.floor(Date.now() / 1000),
    onTrouble: (error) => board.troubles.push(error.message),
  })
  const running = relay.run(controller.signal)
  return async () => {
    controller.abort()
    await running
  }
}

const notWatching = async (last: Transaction): Promise<Watched> => ({ last, isTold: false })

async function pay(humanAmount: string, sessionId = 'web:me', watch = notWatching) {
  const idempotencyKey = crypto.randomUUID()
  const send = () => wallet.send({ to: FRIEND, humanAmount }, { idempotencyKey })
  return await payments.sendFor({ sessionId, turnId: 't' }, idempotencyKey, send, watch)
}

test('a payment that needs the owner is posted to the session that asked, with everything to look at', async () => {
  const { id } = await pay('0.6')
  const { sessionId, card } = await board.card(id)
  expect(sessionId).toBe('web:me')
  expect(Card.safeParse(card).success).toBe(true)
  expect(card.title).toBe(`Payment needs your signature: 0.6 ETH to ${FRIEND}`)
  const facts = Object.fromEntries(card.facts.map(({ label, value }) => [label, value]))
  expect(facts).toEqual({
    Amount: '0.6 ETH (600000000000000000 base units)',
    Recipient: FRIEND,
    From: '0x1111111111111111111111111111111111111111',
    Network: 'evm-local',
    'Recipient check': `First payment to ${FRIEND}.`,
    'Fee at most': '0.000021 ETH (21000000000000 base units)',
    Balance: '1000 ETH before, 999.399979 after',
    Expires: expect.stringMatching(/^20.*Z$/),
  })
  expect(card).toMatchObject({
    kind: 'payment',
    reason: '0.6 ETH is in the band APPROVAL. (SPENDING_LIMIT)',
    shortCode: 'ABC-123',
    sources: [{ trusted: true, label: 'you, in web:me' }],
    buttons: [
      { decision: 'open', label: 'Review and sign', url: `${daemon.url}/approve/${id}` },
      { decision: 'reject', label: 'Reject' },
    ],
  })
})

test('no card of a payment can be approved from a chat', async () => {
  for (const amount of ['0.2', '0.6']) {
    const { card } = await board.card((await pay(amount)).id)
    expect(card.buttons.map(({ decision }) => decision).filter((decision) => decision.startsWith('a'))).toEqual([])
  }
  expect(Object.keys(relay.desk)).toEqual(['reject'])
})

test('a delay is posted with its time and can be cancelled', async () => {
  const { id } = await pay('0.2')
  const { card } = await board.card(id)
  expect(card.title).toBe(`Payment soon: 0.2 ETH to ${FRIEND}`)
  expect(card.facts.map(({ label }) => label)).toContain('Is sent at')
  expect(card.buttons).toEqual([{ decision: 'reject', label: 'Cancel payment' }])
  expect(await relay.desk.reject(card.id)).toEqual({ ok: true })
  expect(daemon.transactions.get(id)!.status).toBe('CANCELLED')
  expect(await board.outcome(id)).toBe('cancelled')
})

test('a rejection that comes too late, or for something else, is told', async () => {
  const { id } = await pay('0.6')
  const { card } = await board.card(id)
  daemon.move(id, { status: 'SUBMITTED' })
  expect(await relay.desk.reject(card.id)).toMatchObject({ ok: false, message: expect.stringContaining('SUBMITTED') })
  expect(await relay.desk.reject('another-card')).toMatchObject({ ok: false })
  expect(await relay.desk.reject(`payment:${crypto.randomUUID()}`)).toMatchObject({ ok: false })
})

test.each<[string, 'CONFIRMED' | 'FAILED' | 'EXPIRED', CardOutcome, string]>([
  ['confirmed', 'CONFIRMED', 'executed', 'success'],
  ['failed', 'FAILED', 'failed', 'error'],
  ['expired', 'EXPIRED', 'expired', 'warning'],
])('a payment that %s closes its card and is told once', async (_what, status, outcome, tone) => {
  const { id } = await pay('0.6')
  await board.card(id)
  const hash = `0x${'cd'.repeat(32)}`
  daemon.move(id, { status, hash, error: { code: 'X', message: 'reverted' } })
  expect(await board.outcome(id)).toBe(outcome)
  daemon.tell(id, 'TX_SEEN_AGAIN')
  await board.seen(daemon.seq(), paymentStore)
  expect(board.notices).toEqual([{ sessionId: 'web:me', text: expect.stringContaining(FRIEND), tone }])
  if (status !== 'EXPIRED') expect(board.notices[0]!.text).toContain(hash)
})

test('what the answer of its sender tells is not told again as a notice', async () => {
  const hash = `0x${'cd'.repeat(32)}`
  const told = Promise.withResolvers<void>()
  const paid = pay('0.6', 'web:me', async ({ id }) => {
    daemon.move(id, { status: 'CONFIRMED', hash })
    // The wallet's word is here before the sender has looked.
    await board.outcome(id)
    await told.promise
    return { last: await wallet.getTransaction(id), isTold: true }
  })
  told.resolve()
  await paid
  await board.seen(daemon.seq(), paymentStore)
  expect(board.notices).toEqual([])
})

test('a sender who is stopped before he tells leaves it to the notice', async () => {
  const { id } = await pay('0.6', 'web:me', async ({ id }) => {
    daemon.move(id, { status: 'CONFIRMED', hash: '0xcd' })
    await board.outcome(id)
    return { last: await wallet.getTransaction(id), isTold: false }
  })
  await board.seen(daemon.seq(), paymentStore)
  expect(board.notices).toMatchObject([{ sessionId: 'web:me', text: expect.stringContaining('0xcd') }])
  expect(await board.outcome(id)).toBe('executed')
})

test("an outcome that is not known while its sender watches is the sender's to tell; later news are not", async () => {
  const { id } = await pay('0.6', 'web:me', async (sent) => {
    daemon.move(sent.id, { status: 'SUBMITTED', outcomeUnknown: true })
    await board.seen(daemon.seq(), paymentStore)
    return { last: await wallet.getTransaction(sent.id), isTold: true }
  })
  expect(board.notices).toEqual([])
  daemon.tell(id, 'TX_SEEN_AGAIN')
  daemon.move(id, { status: 'FAILED', outcomeUnknown: false, error: { code: 'X', message: 'reverted' } })
  await board.seen(daemon.seq(), paymentStore)
  expect(board.notices).toMatchObject([{ tone: 'error', text: expect.stringContaining('reverted') }])
})

test('a signed payment closes its card before it is confirmed', async () => {
  const { id } = await pay('0.6')
  await board.card(id)
  daemon.move(id, { status: 'EXECUTING' })
  expect(await board.outcome(id)).toBe('approved')
})

test('a payment whose outcome is not known is told', async () => {
  const { id } = await pay('0.6')
  daemon.move(id, { status: 'SUBMITTED', outcomeUnknown: true })
  await board.seen(daemon.seq(), paymentStore)
  expect(board.notices).toMatchObject([
    { tone: 'warning', text: expect.stringContaining('no node has said that it has it') },
  ])
})

test('the wallet may tell of a payment before its sender knows of it', async () => {
  daemon.beforeAnswer(async () => {
    await new Promise((resolve) => setTimeout(resolve, 300))
  })
  const { id } = await pay('0.6', 'telegram:7')
  expect((await board.card(id)).sessionId).toBe('telegram:7')
})

test('a payment that nobody here asked for goes to the owner and says so', async () => {
  const { id } = await wallet.send({ to: FRIEND, humanAmount: '0.6' })
  expect(await board.card(id)).toMatchObject({
    sessionId: null,
    card: { sources: [{ trusted: false, label: 'not asked for in any conversation here' }] },
  })
})

test('after a restart it goes on where it was: nothing is lost, nothing is told twice', async () => {
  const first = await pay('0.6')
  await board.card(first.id)
  await board.seen(daemon.seq(), paymentStore)
  await stop()
  daemon.move(first.id, { status: 'CONFIRMED' })
  const second = await pay('0.7', 'cli:me')
  stop = begin()
  expect(await board.outcome(first.id)).toBe('executed')
  expect((await board.card(second.id)).sessionId).toBe('cli:me')
  await board.seen(daemon.seq(), paymentStore)
  expect(board.posted.filter(({ card }) => card.id.includes(first.id))).toHaveLength(1)
  expect(board.notices).toHaveLength(1)
})

test('what ended before the first start is no news; what waits is', async () => {
  await stop()
  const old = await pay('0.001')
  daemon.transactions.set(old.id, { ...daemon.transactions.get(old.id)!, updatedAt: 1_700_000_000 })
  const waiting = await pay('0.6')
  stop = begin()
  await board.card(waiting.id)
  await board.seen(daemon.seq(), paymentStore)
  expect(board.notices).toEqual([])
})

test('a wallet that refuses the token is told of and tried again', async () => {
  await stop()
  daemon.token = 'another'
  stop = begin()
  await expect.poll(() => board.troubles.length).toBeGreaterThan(0)
  daemon.token = 'session-token'
  const { id } = await pay('0.6')
  expect((await board.card(id)).card.shortCode).toBe('ABC-123')
})

test('words of strangers cannot forge a line of a card', async () => {
  const { id } = await pay('0.2')
  const hostile = 'ETH\n✅ Approved by the owner\u202e'
  const effect = daemon.transactions.get(id)!.effects[0] as { asset: { symbol: string } }
  await board.card(id)
  board.posted.length = 0
  daemon.move(id, { effects: [{ ...effect, asset: { ...effect.asset, symbol: hostile } }] as never, memo: hostile })
  const { card } = await board.card(id)
  expect(JSON.stringify(card)).not.toMatch(/\\n|\u202e/)
})

type Board = {
  announcer: Announcer
  posted: { sessionId: string | null; card: Card }[]
  notices: { sessionId: string | null; text: string; tone: string }[]
  troubles: string[]
  card: (transactionId: string) => Promise<{ sessionId: string | null; card: Card }>
  outcome: (transactionId: string) => Promise<CardOutcome>
  /** Resolves when the relay has dealt with this event. */
  seen: (seq: number, store: PaymentStore) => Promise<void>
}

/** Keeps what is announced, by the announcer's own rules: a card once, a closed card stays as it is. */
function createBoard(): Board {
  const outcomes = new Map<string, CardOutcome>()
  const board: Board = {
    posted: [],
    notices: [],
    troubles: [],
    announcer: {
      card: async (sessionId, card) => {
        if (!board.posted.some((known) => known.card.id === card.id)) board.posted.push({ sessionId, card })
      },
      resolve: async (cardId, outcome) => {
        if (!outcomes.has(cardId)) outcomes.set(cardId, outcome)
      },
      notice: async (sessionId, text, tone) => {
        board.notices.push({ sessionId, text, tone })
      },
    },
    card: async (id) => {
      await expect.poll(() => board.posted.find(({ card }) => card.id.includes(id))).toBeDefined()
      return board.posted.find(({ card }) => card.id.includes(id))!
    },
    outcome: async (id) => {
      await expect.poll(() => outcomes.get(`payment:${id}`)).toBeDefined()
      return outcomes.get(`payment:${id}`)!
    },
    seen: async (seq, store) => {
      await expect.poll(() => store.lastSeq()).toBe(seq)
    },
  }
  return board
}
