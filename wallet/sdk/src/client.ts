import type { EventView, TokenView, TraceView, TransactionView, WalletAssetsView } from '@waiaas/core'
import { checkId, checkSend } from './check-input.ts'
import { WAIaaSError } from './error.ts'
import { followEvents } from './events.ts'
import type { AnswerOf, BodyOf, QueryOf } from './route-types.ts'
import { type ClientOptions, createTransport, type Transport } from './transport.ts'

/**
 * What an agent program does with its wallet, by its session token.
 *
 * @example
 * const wallet = new WAIaaSClient({ baseUrl: 'http://127.0.0.1:3100', sessionToken })
 * const sent = await wallet.send({ to, humanAmount: '0.001', network: 'evm-local' }, { wait: 30 })
 */
export class WAIaaSClient {
  readonly #transport: Transport
  #token: string

  constructor(options: ClientOptions & { sessionToken: string }) {
    this.#token = options.sessionToken
    this.#transport = createTransport(options, () => ({ Authorization: `Bearer ${this.#token}` }))
  }

  /** Goes on with another token of the same agent. */
  setSessionToken(token: string): void {
    this.#token = token
  }

  /**
   * Exchanges the token for a new one, after half of its lifetime, and goes on with it.
   *
   * @throws WAIaaSError RENEWAL_CONFLICT when another program has renewed this session: read its token.
   */
  async renewSession(id: string): Promise<AnswerOf<'renewSession'>> {
    const answer = await this.#transport.call<'renewSession'>('put', '/v1/sessions/:id/renew', { params: checkId(id) })
    this.#token = answer.token
    return answer
  }

  /** Forgets the token: every call needs one set first. */
  clearSessionToken(): void {
    this.#token = ''
  }

  /** Who this is, with its wallets; `{ include: 'balances' }` also tells what they have. */
  getWallet(query: QueryOf<'wallet'> = {}): Promise<AnswerOf<'wallet'>> {
    return this.#transport.call<'wallet'>('get', '/v1/wallet', { query })
  }

  getAddress(query: QueryOf<'walletAddress'> = {}): Promise<AnswerOf<'walletAddress'>> {
    return this.#transport.call<'walletAddress'>('get', '/v1/wallet/address', { query })
  }

  getBalance(query: QueryOf<'walletBalance'> = {}): Promise<AnswerOf<'walletBalance'>> {
    return this.#transport.call<'walletBalance'>('get', '/v1/wallet/balance', { query })
  }

  /** The native coin and every token that is listed or that a policy allows. */
  getAssets(query: QueryOf<'walletAssets'> = {}): Promise<WalletAssetsView> {
    return this.#transport.call<'walletAssets'>('get', '/v1/wallet/assets', { query })
  }

  async listTokens(query: QueryOf<'listTokens'> = {}): Promise<TokenView[]> {
    const { items } = await this.#transport.call<'listTokens'>('get', '/v1/tokens', { query })
    return items
  }

  /** Calldata for a function of an ABI. Whole numbers above 2^53 are given as digits in a string. */
  encodeCalldata(body: BodyOf<'encodeCalldata'>): Promise<AnswerOf<'encodeCalldata'>> {
    return this.#transport.call<'encodeCalldata'>('post', '/v1/utils/encode-calldata', { body })
  }

  /**
   * Asks for a payment. Whatever happens on the way, it is made at most once: every try carries the same key.
   *
   * @param options.idempotencyKey one value per payment, to go on after a restart of the calling program;
   * made here when left out.
   * @param options.wait seconds (up to 60) to hold the answer until the payment is final.
   * @throws WAIaaSError with the code of the strictest rule when the policy denies.
   */
  async send(
    request: BodyOf<'send'>,
    options: { idempotencyKey?: string; wait?: number } = {},
  ): Promise<TransactionView> {
    checkSend(request)
    return await this.#transport.call<'send'>('post', '/v1/transactions/send', {
      body: request,
      idempotencyKey: options.idempotencyKey ?? crypto.randomUUID(),
      ...(options.wait === undefined ? {} : { wait: Math.min(60, Math.max(0, Math.floor(options.wait))) }),
    })
  }

  /** `send` by the name that the first version gave it. */
  sendToken(
    request: BodyOf<'send'>,
    options: { idempotencyKey?: string; wait?: number } = {},
  ): Promise<TransactionView> {
    return this.send(request, options)
  }

  /**
   * Has a transaction judged and signed that was made elsewhere; `signedTransaction` of the answer is what to send.
   * Without one it waits, for time or for the owner: ask `getTransaction` again.
   */
  async signTransaction(request: BodyOf<'sign'>, options: { idempotencyKey?: string } = {}): Promise<TransactionView> {
    if (request.transaction === '') throw WAIaaSError.invalid('`transaction` is empty.')
    const idempotencyKey = options.idempotencyKey ?? crypto.randomUUID()
    return await this.#transport.call<'sign'>('post', '/v1/transactions/sign', { body: request, idempotencyKey })
  }

  /** Why a transaction was treated as it was. */
  async getTrace(id: string): Promise<TraceView> {
    return await this.#transport.call<'getTrace'>('get', '/v1/transactions/:id/trace', { params: checkId(id) })
  }

  /** A text that teaches this API: quickstart, wallet, transactions, policies or admin. */
  async getSkill(name: string): Promise<string> {
    const { content } = await this.#transport.call<'getSkill'>('get', '/v1/skills/:name', { params: { name } })
    return content
  }

  getNonce(): Promise<AnswerOf<'nonce'>> {
    return this.#transport.call<'nonce'>('get', '/v1/nonce')
  }

  /** What `send` would do and what the policy would say. Nothing is stored. */
  async simulate(request: BodyOf<'simulate'>): Promise<AnswerOf<'simulate'>> {
    checkSend(request)
    return await this.#transport.call<'simulate'>('post', '/v1/transactions/simulate', { body: request })
  }

  async getTransaction(id: string): Promise<TransactionView> {
    return await this.#transport.call<'getTransaction'>('get', '/v1/transactions/:id', { params: checkId(id) })
  }

  /** Own transactions, newest first; pass `cursor` of the last page for the next. */
  listTransactions(query: QueryOf<'listTransactions'> = {}): Promise<AnswerOf<'listTransactions'>> {
    return this.#transport.call<'listTransactions'>('get', '/v1/transactions', { query })
  }

  /** Own transactions that wait for time or for the owner. */
  async listPendingTransactions(): Promise<TransactionView[]> {
    const { items } = await this.#transport.call<'listPending'>('get', '/v1/transactions/pending')
    return items
  }

  /**
   * Ends a payment that waits. One that is SUBMITTED on an EVM network gets a rival that does nothing: ask `getTransaction` until
   * the chain has decided; it is then CANCELLED or CONFIRMED.
   *
   * @throws WAIaaSError TX_ALREADY_PROCESSED where it is too late.
   */
  async cancel(id: string): Promise<TransactionView> {
    return await this.#transport.call<'cancel'>('post', '/v1/transactions/:id/cancel', { params: checkId(id) })
  }

  /** Everything that happens to this agent, after event number `after` (default: from now on). Reconnects. */
  events(options: { after?: number; signal?: AbortSignal } = {}): AsyncGenerator<EventView, void> {
    return followEvents(this.#transport, options)
  }
}
