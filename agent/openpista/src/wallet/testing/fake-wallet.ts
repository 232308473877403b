import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AnswerOf } from '@waiaas/sdk'
import { connectWallet, type Simulation, type Transaction, type Wallet, type WalletEvent } from '../wallet.ts'

/**
 * A wallet daemon as its clients see it, on a real socket: verdict by amount (0.01 INSTANT, 0.1 NOTIFY, 0.5 DELAY,
 * 10 APPROVAL, above DENY), one network, 1000 ETH. Time and the owner are the test.
 */
export type FakeWallet = {
  url: string
  transactions: Map<string, Transaction>
  /** Puts a transaction into a state and tells of it. */
  move: (id: string, change: Partial<Transaction>) => void
  /** Tells of a transaction without a change. */
  tell: (id: string, type: string) => void
  /** The last event's number. */
  seq: () => number
  token: string
  connect: (tokenFile: string) => Wallet
  /** Lets nothing above this many coins pass at once. */
  limitTo: (coins: number) => void
  /** Told of a transaction before its sender has the answer. */
  beforeAnswer: (wait: () => Promise<void>) => void
  close: () => Promise<void>
}

export const FAKE_NETWORK = 'evm-local'
const AGENT = '01900000-0000-7000-8000-000000000001'
const FROM = '0x1111111111111111111111111111111111111111'
const ASSET = { network: FAKE_NETWORK, symbol: 'ETH', decimals: 18 }
const BALANCE = 1000

type State = {
  transactions: Map<string, Transaction>
  byKey: Map<string, { body: string; id: string }>
  events: WalletEvent[]
  followers: Set<ServerResponse>
  token: string
  known: Set<string>
  pause: () => Promise<void>
  instantMax: number
  url: string
}
type Reply = { status: number; body: unknown }
type Payment = { to: string; humanAmount: string; network?: string; memo?: string }

export async function startFakeWallet(): Promise<FakeWallet> {
  const state: State = {
    transactions: new Map(),
    byKey: new Map(),
    events: [],
    followers: new Set(),
    token: 'session-token',
    known: new Set(),
    pause: async () => {},
    instantMax: 0.01,
    url: '',
  }
  const server = createServer((request, response) => {
    serve(state, request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: state.url,
    transactions: state.transactions,
    move: (id, change) => {
      state.transactions.set(id, { ...state.transactions.get(id)!, ...change, updatedAt: seconds() })
      tell(state, id, 'TX_MOVED')
    },
    tell: (id, type) => tell(state, id, type),
    seq: () => state.events.length,
    get token() {
      return state.token
    },
    set token(value) {
      state.token = value
    },
    connect: (tokenFile) => {
      writeFileSync(tokenFile, `${state.token}\n`, { mode: 0o600 })
      return connectWallet({ url: state.url, tokenFile })
    },
    limitTo: (coins) => {
      state.instantMax = coins
    },
    beforeAnswer: (wait) => {
      state.pause = wait
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function serve(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', state.url)
  const open = url.pathname === '/v1/owner/challenges'
  if (!open && request.headers.authorization !== `Bearer ${state.token}`) {
    return send(response, refuse(401, 'INVALID_TOKEN', 'The token is not valid.'))
  }
  if (url.pathname === '/v1/events')
    return follow(state, Number(url.searchParams.get('after') ?? state.events.length), response)
  const body = await read(request)
  if (url.pathname === '/v1/transactions/send') {
    return send(response, await accept(state, body, String(request.headers['idempotency-key'])))
  }
  send(response, answer(state, `${request.method} ${url.pathname}`, url.searchParams, body))
}

function answer(state: State, call: string, query: URLSearchParams, body: string): Reply {
  const network = query.get('network') ?? FAKE_NETWORK
  if (network !== FAKE_NETWORK) return refuse(400, 'VALIDATION_FAILED', 'unknown network')
  const [, id = '', action] = /^\w+ \/v1\/transactions\/([0-9a-f-]{36})(\/cancel)?$/.exec(call) ?? []
  if (id !== '') return one(state, id, action !== undefined)
  switch (call) {
    case 'GET /v1/wallet': {
      const wallets = [{ id: AGENT, chain: 'evm' as const, address: FROM, publicKey: '0x', networks: [FAKE_NETWORK] }]
      return ok<'wallet'>({ agentId: AGENT, name: 'fake', status: 'ACTIVE', defaultNetwork: FAKE_NETWORK, wallets })
    }
    case 'GET /v1/wallet/address':
      return ok<'walletAddress'>({ agentId: AGENT, network, chain: 'evm', address: FROM })
    case 'GET /v1/wallet/balance':
      return ok<'walletBalance'>({
        network,
        address: FROM,
        balance: wei(BALANCE),
        humanBalance: String(BALANCE),
        ...coin,
      })
    case 'GET /v1/wallet/assets': {
      const asset = { ...coin, balance: wei(BALANCE), humanBalance: String(BALANCE) }
      return ok<'walletAssets'>({ network, address: FROM, assets: [asset] })
    }
    case 'GET /v1/transactions':
      return ok<'listTransactions'>({ items: [...state.transactions.values()].reverse(), hasMore: false })
    case 'POST /v1/transactions/simulate':
      return simulate(state, JSON.parse(body) as Payment)
    case 'POST /v1/owner/challenges':
      return challenge(state, (JSON.parse(body) as { resourceId: string }).resourceId)
    default:
      return refuse(404, 'NOT_FOUND', `There is no ${call}.`)
  }
}

const coin = { symbol: ASSET.symbol, decimals: ASSET.decimals }
const wei = (coins: number) => (BigInt(Math.round(coins * 1e6)) * 10n ** 12n).toString()
const seconds = () => Math.floor(Date.now() / 1000)
const ok = <Name extends Answered>(body: AnswerOf<Name>): Reply => ({ status: 200, body })
type Answered =
  | 'wallet'
  | 'walletAddress'
  | 'walletAssets'
  | 'walletBalance'
  | 'listTransactions'
  | 'simulate'
  | 'getTransaction'

function refuse(status: number, code: string, message: string): Reply {
  return { status, body: { code, message, retryable: false, hint: 'Ask the operator.', requestId: 'r' } }
}

function one(state: State, id: string, cancel: boolean): Reply {
  const found = state.transactions.get(id)
  if (found === undefined) return refuse(404, 'TX_NOT_FOUND', `There is no transaction ${id}.`)
  if (!cancel) return ok<'getTransaction'>(found)
  if (found.status !== 'QUEUED') return refuse(409, 'TX_ALREADY_PROCESSED', `The transaction is ${found.status}.`)
  const { approval: _, ...rest } = found
  const cancelled = { ...rest, status: 'CANCELLED' as const }
  state.transactions.set(id, cancelled)
  tell(state, id, 'TX_CANCELLED')
  return ok<'getTransaction'>(cancelled)
}

function judge(state: State, { to, humanAmount }: Payment): Pick<Simulation, 'tier' | 'reasons' | 'effects'> {
  const coins = Number(humanAmount)
  const tier =
    coins <= state.instantMax
      ? 'INSTANT'
      : coins <= 0.1
        ? 'NOTIFY'
        : coins <= 0.5
          ? 'DELAY'
          : coins <= 10
            ? 'APPROVAL'
            : 'DENY'
  const limit = { rule: 'SPENDING_LIMIT', tier, message: `${humanAmount} ETH is in the band ${tier}.` } as const
  const first = { rule: 'COUNTERPARTY', tier: 'NOTIFY', message: `First payment to ${to}.` } as const
  const effects = [{ kind: 'spend' as const, asset: ASSET, amount: wei(coins), humanAmount, to }]
  return { tier, reasons: state.known.has(to) ? [limit] : [limit, first], effects }
}

function simulate(state: State, payment: Payment): Reply {
  if (Number(payment.humanAmount) > BALANCE) return refuse(400, 'INSUFFICIENT_BALANCE', 'The wallet holds 1000 ETH.')
  const { tier, reasons, effects } = judge(state, payment)
  const after = wei(BALANCE - Number(payment.humanAmount) - 0.000021)
  return ok<'simulate'>({
    effects,
    tier,
    ...(tier === 'DENY' ? { code: 'SPENDING_LIMIT_EXCEEDED' } : {}),
    reasons,
    amount: wei(Number(payment.humanAmount)),
    humanAmount: payment.humanAmount,
    symbol: 'ETH',
    maxFee: wei(0.000021),
    humanMaxFee: '0.000021',
    balance: { before: wei(BALANCE), after },
    ...(tier === 'DELAY' ? { delaySeconds: 300 } : {}),
    policyVersion: 1,
    traceHash: '0'.repeat(64),
  })
}

async function accept(state: State, body: string, key: string): Promise<Reply> {
  const known = state.byKey.get(key)
  if (known !== undefined && known.body !== body)
    return refuse(422, 'IDEMPOTENCY_CONFLICT', 'Another request has this key.')
  if (known !== undefined) return { status: 201, body: state.transactions.get(known.id) }
  const payment = JSON.parse(body) as Payment
  const { tier, reasons, effects } = judge(state, payment)
  if (tier === 'DENY') return refuse(403, 'SPENDING_LIMIT_EXCEEDED', 'Above the limit.')
  const waits = tier === 'DELAY' || tier === 'APPROVAL'
  const id = randomUUID()
  const transaction: Transaction = {
    id,
    agentId: AGENT,
    type: 'TRANSFER',
    network: FAKE_NETWORK,
    from: FROM,
    to: payment.to,
    status: waits ? 'QUEUED' : 'CONFIRMED',
    outcomeUnknown: false,
    closing: false,
    tier,
    reasons,
    effects,
    amount: wei(Number(payment.humanAmount)),
    humanAmount: payment.humanAmount,
    symbol: 'ETH',
    maxFee: wei(0.000021),
    downgraded: false,
    createdAt: seconds(),
    updatedAt: seconds(),
    ...(payment.memo === undefined ? {} : { memo: payment.memo }),
    ...(waits ? {} : { hash: `0x${'ab'.repeat(32)}` }),
    ...(tier === 'DELAY' ? { executesAt: seconds() + 300 } : {}),
    ...(tier === 'APPROVAL' ? { approval: { expiresAt: seconds() + 3600, url: `${state.url}/approve/${id}` } } : {}),
  }
  state.transactions.set(id, transaction)
  state.byKey.set(key, { body, id })
  state.known.add(payment.to)
  tell(state, id, waits ? 'TX_QUEUED' : 'TX_CONFIRMED')
  await state.pause()
  return { status: waits ? 202 : 201, body: transaction }
}

function challenge(state: State, id: string): Reply {
  const found = state.transactions.get(id)
  if (found?.approval === undefined) return refuse(404, 'APPROVAL_NOT_FOUND', 'It does not wait for the owner.')
  const amount = Number(found.humanAmount)
  const approval: Extract<AnswerOf<'challenge'>, { approval: unknown }>['approval'] = {
    transactionId: id,
    agent: { id: AGENT, name: 'fake' },
    network: FAKE_NETWORK,
    from: FROM,
    effects: found.effects,
    maxFee: found.maxFee!,
    humanMaxFee: '0.000021',
    feeSymbol: 'ETH',
    balance: { before: String(BALANCE), after: String(BALANCE - amount - 0.000021), symbol: 'ETH' },
    reasons: found.reasons,
    expiresAt: found.approval.expiresAt,
    shortCode: 'ABC-123',
    status: 'QUEUED',
  }
  const view: AnswerOf<'challenge'> = {
    id: randomUUID(),
    action: 'approve',
    message: 'bWVzc2FnZQ',
    scheme: 'eip712',
    ownerAddress: FROM,
    expiresAt: seconds() + 300,
    approval,
  }
  return { status: 201, body: view }
}

function tell(state: State, transactionId: string, type: string): void {
  const event = { seq: state.events.length + 1, type, agentId: AGENT, transactionId, data: {}, at: seconds() }
  state.events.push(event)
  for (const follower of state.followers) follower.write(`id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`)
}

function follow(state: State, after: number, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(': open\n\n')
  for (const event of state.events.slice(after)) response.write(`data: ${JSON.stringify(event)}\n\n`)
  state.followers.add(response)
  response.on('close', () => state.followers.delete(response))
}

function send(response: ServerResponse, { status, body }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
