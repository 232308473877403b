import type {
  AgentView,
  EventView,
  KillSwitchView,
  PolicyView,
  ReplayView,
  SessionView,
  SettingsView,
  TokenView,
  TraceView,
  TransactionView,
} from '@waiaas/core'
import { checkId } from './check-input.ts'
import { WAIaaSError } from './error.ts'
import { followEvents } from './events.ts'
import type { OwnerProof } from './owner-client.ts'
import type { AnswerOf, BodyOf, QueryOf } from './route-types.ts'
import { type ClientOptions, createTransport, type Transport } from './transport.ts'

/** What the operator does. Log in first, or bring a token. */
export class WAIaaSAdminClient {
  readonly #transport: Transport
  #token: string | undefined

  constructor(options: ClientOptions & { adminToken?: string }) {
    this.#token = options.adminToken
    this.#transport = createTransport(
      options,
      (): Record<string, string> => (this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` }),
    )
  }

  health(): Promise<AnswerOf<'health'>> {
    return this.#transport.call<'health'>('get', '/health')
  }

  /** The API of the daemon as an OpenAPI 3.1 document. */
  openApi(): Promise<AnswerOf<'openApi'>> {
    return this.#transport.call<'openApi'>('get', '/doc')
  }

  /** Keeps the token for the calls that follow. */
  async login(password: string): Promise<AnswerOf<'login'>> {
    if (password === '') throw WAIaaSError.invalid('The password is empty.')
    const answer = await this.#transport.call<'login'>('post', '/v1/admin/login', { body: { password } })
    this.#token = answer.token
    return answer
  }

  async logout(): Promise<void> {
    await this.#transport.call<'logout'>('post', '/v1/admin/logout')
    this.#token = undefined
  }

  status(): Promise<AnswerOf<'adminStatus'>> {
    return this.#transport.call<'adminStatus'>('get', '/v1/admin/status')
  }

  async shutdown(): Promise<void> {
    await this.#transport.call<'shutdown'>('post', '/v1/admin/shutdown')
  }

  createAgent(body: BodyOf<'createAgent'>): Promise<AgentView> {
    return this.#transport.call<'createAgent'>('post', '/v1/agents', { body })
  }

  async listAgents(): Promise<AgentView[]> {
    const { items } = await this.#transport.call<'listAgents'>('get', '/v1/agents')
    return items
  }

  async getAgent(id: string): Promise<AgentView> {
    return await this.#transport.call<'getAgent'>('get', '/v1/agents/:id', { params: checkId(id) })
  }

  async updateAgent(id: string, body: BodyOf<'updateAgent'>): Promise<AgentView> {
    return await this.#transport.call<'updateAgent'>('put', '/v1/agents/:id', { params: checkId(id), body })
  }

  /** Makes a key on another chain, unless the agent has one there. */
  async addWallet(id: string, chain: BodyOf<'addWallet'>['chain']): Promise<AgentView> {
    const call = { params: checkId(id), body: { chain } }
    return await this.#transport.call<'addWallet'>('post', '/v1/agents/:id/wallets', call)
  }

  /** @param proof the owner's hand-over, once an owner is locked in. */
  async setOwner(id: string, ownerAddress: string, proof: OwnerProof = {}): Promise<AgentView> {
    const call = { params: checkId(id), body: { ownerAddress }, headers: proof }
    return await this.#transport.call<'setOwner'>('put', '/v1/agents/:id/owner', call)
  }

  /** Removes an owner address that has never signed. */
  async removeOwner(id: string): Promise<AgentView> {
    return await this.#transport.call<'removeOwner'>('delete', '/v1/agents/:id/owner', { params: checkId(id) })
  }

  /** From then on the agent reads only. */
  async suspendAgent(id: string): Promise<AgentView> {
    return await this.#transport.call<'suspendAgent'>('post', '/v1/agents/:id/suspend', { params: checkId(id) })
  }

  async resumeAgent(id: string): Promise<AgentView> {
    return await this.#transport.call<'resumeAgent'>('post', '/v1/agents/:id/resume', { params: checkId(id) })
  }

  /** Ends an agent that has nothing left. */
  async terminateAgent(id: string): Promise<AgentView> {
    return await this.#transport.call<'terminateAgent'>('delete', '/v1/agents/:id', { params: checkId(id) })
  }

  /** Sends everything to the owner who has locked in. */
  async withdraw(id: string): Promise<AnswerOf<'withdraw'>> {
    return await this.#transport.call<'withdraw'>('post', '/v1/agents/:id/withdraw', { params: checkId(id) })
  }

  /** Stops everything at once. */
  activateKillSwitch(): Promise<KillSwitchView> {
    return this.#transport.call<'killSwitch'>('post', '/v1/admin/kill-switch')
  }

  getKillSwitchStatus(): Promise<KillSwitchView> {
    return this.#transport.call<'getKillSwitch'>('get', '/v1/admin/kill-switch')
  }

  /** @param proof the owner's part, where an owner is locked in. */
  recover(proof: OwnerProof = {}): Promise<KillSwitchView> {
    return this.#transport.call<'recover'>('post', '/v1/admin/recover', { headers: proof })
  }

  /** Signs session tokens with a new key; old ones stay good for five minutes. */
  rotateSecret(): Promise<AnswerOf<'rotateSecret'>> {
    return this.#transport.call<'rotateSecret'>('post', '/v1/admin/rotate-secret')
  }

  createSession(body: BodyOf<'createSession'>): Promise<AnswerOf<'createSession'>> {
    return this.#transport.call<'createSession'>('post', '/v1/sessions', { body })
  }

  async listSessions(agentId: string): Promise<SessionView[]> {
    const { items } = await this.#transport.call<'listSessions'>('get', '/v1/sessions', { query: { agentId } })
    return items
  }

  async revokeSession(id: string): Promise<SessionView> {
    return await this.#transport.call<'revokeSession'>('delete', '/v1/sessions/:id', { params: checkId(id) })
  }

  /** @param proof the owner's part, where the change loosens the policy of an agent with a locked-in owner. */
  createPolicy(body: BodyOf<'createPolicy'>, proof: OwnerProof = {}): Promise<PolicyView> {
    return this.#transport.call<'createPolicy'>('post', '/v1/policies', { body, headers: proof })
  }

  async listPolicies(query: QueryOf<'listPolicies'> = {}): Promise<PolicyView[]> {
    const { items } = await this.#transport.call<'listPolicies'>('get', '/v1/policies', { query })
    return items
  }

  /** @param proof as for `createPolicy`. */
  async updatePolicy(id: string, body: BodyOf<'updatePolicy'>, proof: OwnerProof = {}): Promise<PolicyView> {
    const call = { params: checkId(id), body, headers: proof }
    return await this.#transport.call<'updatePolicy'>('put', '/v1/policies/:id', call)
  }

  /** @param proof as for `createPolicy`. */
  async deletePolicy(id: string, proof: OwnerProof = {}): Promise<void> {
    await this.#transport.call<'deletePolicy'>('delete', '/v1/policies/:id', { params: checkId(id), headers: proof })
  }

  simulatePolicy(body: BodyOf<'simulatePolicy'>): Promise<AnswerOf<'simulatePolicy'>> {
    return this.#transport.call<'simulatePolicy'>('post', '/v1/policies/simulate', { body })
  }

  /** What a draft would have said to the transactions of the last days. */
  replayPolicy(body: BodyOf<'replayPolicy'>): Promise<ReplayView> {
    return this.#transport.call<'replayPolicy'>('post', '/v1/policies/replay', { body })
  }

  async listTokens(query: QueryOf<'listTokens'> = {}): Promise<TokenView[]> {
    const { items } = await this.#transport.call<'listTokens'>('get', '/v1/tokens', { query })
    return items
  }

  /** Lists a token, with the symbol and decimals that its chain tells. It allows nothing by itself. */
  addToken(body: BodyOf<'addToken'>): Promise<TokenView> {
    return this.#transport.call<'addToken'>('post', '/v1/tokens', { body })
  }

  async removeToken(query: QueryOf<'removeToken'>): Promise<void> {
    await this.#transport.call<'removeToken'>('delete', '/v1/tokens', { query })
  }

  getSettings(): Promise<SettingsView> {
    return this.#transport.call<'getSettings'>('get', '/v1/admin/settings')
  }

  /** @param change new values; null goes back to what config.toml says. */
  updateSettings(change: BodyOf<'updateSettings'>): Promise<SettingsView> {
    return this.#transport.call<'updateSettings'>('put', '/v1/admin/settings', { body: change })
  }

  /** Why a transaction was treated as it was. */
  async getTrace(id: string): Promise<TraceView> {
    return await this.#transport.call<'getTrace'>('get', '/v1/transactions/:id/trace', { params: checkId(id) })
  }

  /** Transactions of all agents, or of `agentId`, newest first; pass `cursor` of the last page for the next. */
  listTransactions(query: QueryOf<'listTransactions'> = {}): Promise<AnswerOf<'listTransactions'>> {
    return this.#transport.call<'listTransactions'>('get', '/v1/transactions', { query })
  }

  async getTransaction(id: string): Promise<TransactionView> {
    return await this.#transport.call<'getTransaction'>('get', '/v1/transactions/:id', { params: checkId(id) })
  }

  /**
   * Ends a payment that waits, and gives up one that is out: ask `getTransaction` until `closing` is over; it is then
   * CANCELLED or CONFIRMED.
   *
   * @throws WAIaaSError TX_ALREADY_PROCESSED where it is too late.
   */
  async cancel(id: string): Promise<TransactionView> {
    return await this.#transport.call<'cancel'>('post', '/v1/transactions/:id/cancel', { params: checkId(id) })
  }

  /** Continues a payment that was given up. @throws WAIaaSError TX_ALREADY_PROCESSED, AGENT_SUSPENDED. */
  async continueTransaction(id: string): Promise<TransactionView> {
    const path = '/v1/transactions/:id/continue'
    return await this.#transport.call<'continueTransaction'>('post', path, { params: checkId(id) })
  }

  /** Sets the highest fee, in base units, for closing a payment that was given up. */
  async raiseMaxFee(id: string, maxFee: string): Promise<TransactionView> {
    const path = '/v1/transactions/:id/max-fee'
    return await this.#transport.call<'raiseMaxFee'>('post', path, { params: checkId(id), body: { maxFee } })
  }

  /**
   * Proves on this node what became of a payment, and ends it if that is certain. Takes as long as the node takes.
   *
   * @throws WAIaaSError OUTCOME_UNKNOWN, whose message says what the node lacks; CHAIN_ERROR.
   */
  async proveTransaction(id: string, rpcUrl: string): Promise<TransactionView> {
    const path = '/v1/transactions/:id/prove'
    return await this.#transport.call<'proveTransaction'>('post', path, { params: checkId(id), body: { rpcUrl } })
  }

  /** Ends a payment without a proof. */
  async writeOff(id: string, body: BodyOf<'writeOffTransaction'>): Promise<TransactionView> {
    const path = '/v1/transactions/:id/write-off'
    return await this.#transport.call<'writeOffTransaction'>('post', path, { params: checkId(id), body })
  }

  /** Accounts for which nothing is signed until they are released. */
  async listHeldAccounts(): Promise<AnswerOf<'listHeldAccounts'>['items']> {
    return (await this.#transport.call<'listHeldAccounts'>('get', '/v1/admin/accounts/held')).items
  }

  /** False where the account was not held. @throws WAIaaSError INVALID_ADDRESS. */
  async releaseAccount(body: BodyOf<'releaseAccount'>): Promise<boolean> {
    return (await this.#transport.call<'releaseAccount'>('post', '/v1/admin/accounts/release', { body })).released
  }

  /** Audit entries after number `after`, oldest first. */
  async listAudit(query: QueryOf<'listAudit'> = {}): Promise<AnswerOf<'listAudit'>['items']> {
    const { items } = await this.#transport.call<'listAudit'>('get', '/v1/admin/audit', { query })
    return items
  }

  verifyAudit(): Promise<AnswerOf<'verifyAudit'>> {
    return this.#transport.call<'verifyAudit'>('post', '/v1/admin/audit/verify')
  }

  /** Everything that happens, after event number `after` (default: from now on). Reconnects. */
  events(options: { after?: number; signal?: AbortSignal } = {}): AsyncGenerator<EventView, void> {
    return followEvents(this.#transport, options)
  }
}
