import { randomUUID } from 'node:crypto'
import type { AgentView, NetworkName, TransactionView } from '@waiaas/core'
import { expect } from 'vitest'
import { callRpc } from '../../scripts/demo/json-rpc.ts'
import { testAdapters } from '../../wallet/daemon/src/chains/test-adapters.fixture.ts'
import { post, startHttp, type TestHttp } from '../../wallet/daemon/src/http/testing/start-http.ts'

/** A chain as the cases see it, past every node that may lie about it. */
export type Truth = {
  network: NetworkName
  family: 'evm' | 'solana'
  coin: bigint
  fund: (address: string, amount: bigint) => Promise<void>
  balance: (address: string) => Promise<bigint>
  /** How many transactions this address has paid for. */
  made: (address: string) => Promise<number>
  newAddress: () => string
}

export type Payer = { id: string; address: string; token: string; coins: bigint }
export type Sent = { payer: Payer; id: string; to: string; amount: bigint }

export type AttemptRow = {
  sequence: string | null
  hash: string
  raw: Uint8Array
  purpose: string
  state: string
}

/** The wallet's HTTP surface over the real engine and one network. */
export type CaseWallet = {
  http: TestHttp
  truth: Truth
  /** An agent with ten coins, far limits and a session. */
  payer: (coins?: bigint, policies?: Record<string, unknown>) => Promise<Payer>
  send: (payer: Payer, body: Record<string, unknown>) => Promise<{ status: number; body: TransactionView & Failure }>
  /** A payment of some coins to a new address. */
  pay: (payer: Payer, amount: bigint) => Promise<Sent>
  /** What a small payment may cost in fees now. */
  feeOf: (payer: Payer) => Promise<string>
  view: (id: string) => Promise<TransactionView>
  /** The row, once it looks like this. */
  until: (id: string, expected: object) => Promise<TransactionView>
  /** Moves the clock by so many seconds, minute by minute, and then on until the row looks like this. */
  passTime: (id: string, seconds: number, expected: object) => Promise<TransactionView>
  attempts: (id: string) => Promise<AttemptRow[]>
  close: () => Promise<void>
}

type Failure = { code?: string; message?: string }

export async function startCaseWallet(truth: Truth, rpcUrls: readonly string[]): Promise<CaseWallet> {
  const { network, family } = truth
  const [adapter] = testAdapters([{ network, rpcUrls }])
  const http = await startHttp({ chains: new Map([[network, adapter!]]) })
  const view = (id: string) => http.operate<TransactionView>('GET', `/v1/transactions/${id}`)
  const send: CaseWallet['send'] = async ({ token }, body) => {
    const headers = { Authorization: `Bearer ${token}`, 'Idempotency-Key': randomUUID() }
    const answer = await http.fetch('/v1/transactions/send', post({ network, ...body }, headers))
    return { status: answer.status, body: (await answer.json()) as TransactionView & Failure }
  }
  const until: CaseWallet['until'] = async (id, expected) => {
    await expect.poll(() => view(id)).toMatchObject(expected)
    return await view(id)
  }
  return {
    http,
    truth,
    payer: async (coins = 10n, policies = {}) => {
      const made = await http.operate<AgentView>('POST', '/v1/agents', { name: randomUUID() })
      const { address } = made.wallets.find(({ chain }) => chain === family)!
      await truth.fund(address, coins * truth.coin)
      const rules = { SPENDING_LIMIT: { instant_max: `${10n ** 30n}` }, COUNTERPARTY: { first_payment: 'INSTANT' } }
      for (const [type, each] of Object.entries({ ...rules, ...policies })) {
        await http.operate('POST', '/v1/policies', { agentId: made.id, type, rules: each })
      }
      const { token } = await http.operate<{ token: string }>('POST', '/v1/sessions', { agentId: made.id })
      return { id: made.id, address, token, coins: coins * truth.coin }
    },
    send,
    pay: async (payer, amount) => {
      const to = truth.newAddress()
      const { status, body } = await send(payer, { to, amount: `${amount}` })
      if (status >= 300) throw new Error(`${status} ${body.code} ${body.message}`)
      return { payer, id: body.id, to, amount }
    },
    feeOf: async ({ token }) => {
      const headers = { Authorization: `Bearer ${token}` }
      const body = { network, to: truth.newAddress(), amount: '1000000' }
      const answer = await http.fetch('/v1/transactions/simulate', post(body, headers))
      return ((await answer.json()) as { maxFee: string }).maxFee
    },
    view,
    until,
    passTime: async (id, seconds, expected) => {
      for (let passed = 0; passed < seconds; passed += 60) {
        http.clock.advance(Math.min(60, seconds - passed))
        // The daemon looks at least once in each minute, however slow the machine is.
        await http.engine.follow(network)
        await http.engine.runDue()
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      let looks = 0
      const looked = async () => {
        // On a slow machine what time counts from may have come after some of it had passed.
        if (looks++ > 0) http.clock.advance(10)
        await http.engine.follow(network)
        await http.engine.runDue()
        return await view(id)
      }
      await expect.poll(looked, { interval: 250 }).toMatchObject(expected)
      return await view(id)
    },
    attempts: (id) =>
      http.db
        .selectFrom('attempts')
        .select(['sequence', 'hash', 'raw', 'purpose', 'state'])
        .where('transaction_id', '=', id)
        .orderBy('created_at')
        .orderBy('id')
        .execute(),
    close: () => http.close(),
  }
}

/** The chain has this payment once, its row says so, and the limits hold what left the account, and nothing else. */
export async function assertPaidOnce(wallet: CaseWallet, ...sent: readonly Sent[]): Promise<void> {
  const { truth } = wallet
  for (const { id, to, amount } of sent) {
    await wallet.until(id, { status: 'CONFIRMED' })
    expect(await truth.balance(to)).toBe(amount)
  }
  for (const payer of new Set(sent.map((each) => each.payer))) await assertBooks(wallet, payer)
}

/** What was booked is what the account lacks; nothing is reserved; every transaction in the chain belongs to a row. */
export async function assertBooks({ http, truth }: CaseWallet, { id, address, coins }: Payer): Promise<void> {
  const books = async () => {
    const rows = await http.db.selectFrom('ledger').selectAll().where('agent_id', '=', id).execute()
    const reserved = rows.filter(({ state }) => state === 'RESERVED').length
    const spent = rows
      .filter(({ state, native }) => state === 'COMMITTED' && native === 1)
      .reduce((sum, { amount }) => sum + BigInt(amount), 0n)
    const final = await http.db
      .selectFrom('attempts')
      .select('hash')
      .where('address', '=', address)
      .where('state', '=', 'FINAL')
      .execute()
    return { reserved, spent, made: final.length }
  }
  await expect.poll(books).toEqual({
    reserved: 0,
    spent: coins - (await truth.balance(address)),
    made: await truth.made(address),
  })
}

/** The wallet answers with this once what it waits for has happened. */
export function eventually<Value>(read: () => Value | Promise<Value>) {
  return expect.poll(read)
}

export async function askNode<Result>(rpcUrl: string, method: string, ...params: unknown[]): Promise<Result> {
  return (await callRpc(rpcUrl, method, params)) as Result
}
