import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, createLogger, newId, openDatabase, systemTimers, type Timers } from '@openpista/common'
import { type AgentView, type Effect, formatUnits, type NetworkName, type RouteName, routes } from '@waiaas/core'
import type { Checkpoint } from '@waiaas/core/checkpoint'
import { type Kysely, sql } from 'kysely'
import type { ChainAdapter } from '../../chains/chain-adapter.ts'
import { encodeCalldata } from '../../chains/evm/encode-calldata.ts'
import { testAdapters } from '../../chains/test-adapters.fixture.ts'
import { autoStopSettings, DaemonConfig } from '../../config.ts'
import { type AutoStopSettings, createAutoStop } from '../../engine/auto-stop.ts'
import { createEngine } from '../../engine/create-engine.ts'
import type { Engine, EngineJobs, EngineStops } from '../../engine/engine.ts'
import { openSteadyClock, type SteadyClock } from '../../engine/steady-clock.ts'
import { createViews } from '../../engine/view.ts'
import { createWalletSource } from '../../engine/wallet-source.ts'
import { startJobs } from '../../jobs/jobs.ts'
import { cheapKdfParams } from '../../signer/cheap-kdf.fixture.ts'
import { initKeystore, openKeystore } from '../../signer/keystore.ts'
import type { KdfParams } from '../../signer/sealed.ts'
import { appendEvent } from '../../store/events.ts'
import { migrations, type Tables } from '../../store/tables.ts'
import { composeHttp, type HttpParts } from '../compose.ts'
import { listen } from '../listen.ts'
import { openApiDocument } from '../openapi.ts'
import type { Limits } from '../pipeline.ts'
import { checkDocumented } from './check-documented.ts'

export const LOCAL_KEY = 'the key in run/daemon.json'
export const PASSWORD = 'a master password for tests'

export type TestHttp = {
  url: string
  db: Kysely<Tables>
  clock: MovableClock
  fetch: (path: string, init?: RequestInit) => Promise<Response>
  /** Calls a route as the operator and expects success. */
  operate: <Answer>(method: string, path: string, body?: unknown) => Promise<Answer>
  adminToken: string
  engine: Engine & EngineJobs & EngineStops
  folder: string
  /** Has the signer vouch for an entry of the log. */
  signCheckpoint: (checkpoint: Checkpoint) => Promise<void>
  sql: (text: string) => Promise<void>
  /** @param keep leaves the folder for the next one. */
  close: (keep?: 'keep') => Promise<void>
}

export type MovableClock = Clock & {
  timers: Timers
  /** Lets time pass. */
  advance: (seconds: number) => void
  /** Sets the wall clock, forward or back; no time passes. */
  jump: (seconds: number) => void
}

export type HttpOptions = {
  limits?: Partial<Limits>
  pages?: string
  /** Chains for the real engine; without them an engine takes its place that lets every payment wait. */
  chains?: ReadonlyMap<NetworkName, ChainAdapter>
  /** Payments of one agent that may wait at once. */
  maxQueued?: number
  /** Off unless something of it is set. */
  autoStop?: Partial<AutoStopSettings>
  /** A machine's clock that another one has moved already. */
  clock?: MovableClock
  /** What a look at the password costs; little unless set. */
  kdfparams?: KdfParams
  /** Goes on where another one was closed. */
  folder?: string
}

const usualAutoStop = autoStopSettings(DaemonConfig.parse({}))

/** The HTTP surface over a real socket, database and keystore. */
export async function startHttp(options: HttpOptions = {}): Promise<TestHttp> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'waiaas-http-'))
  const clock = options.clock ?? movableClock()
  if (!existsSync(join(folder, 'keystore'))) {
    await initKeystore(join(folder, 'keystore'), Buffer.from(PASSWORD), options.kdfparams ?? cheapKdfParams())
  }
  const keystore = await openKeystore(join(folder, 'keystore'), Buffer.from(PASSWORD))
  const database = await openDatabase<Tables>({ path: join(folder, 'test.db'), migrations, synchronous: 'NORMAL' })
  const db = database.kysely as unknown as Kysely<Tables>
  const nowhere = testAdapters([{ network: 'evm-local', rpcUrls: ['http://127.0.0.1:9'] }])
  const adapters = options.chains ?? new Map(nowhere.map((adapter) => [adapter.network.name, adapter]))
  const signer = signerOver(keystore)
  const log = createLogger('test', 'silent')
  const { timers } = clock
  const steady = await openSteadyClock({ db, clock, timers, log })
  const real = await createEngine({
    db,
    adapters,
    signer,
    clock: steady,
    timers,
    newId,
    connectNode: (network, rpcUrl) => testAdapters([{ network, rpcUrls: [rpcUrl] }])[0]!,
    prices: async () => new Map(),
    log,
    approvalUrl: (id) => `http://127.0.0.1/approve/${id}`,
    settings: {
      environment: 'testnet',
      rebroadcastMillis: 1000,
      finalityMillis: 0,
      maxSignatures: 5,
      maxQueued: options.maxQueued ?? 100,
      retryMillis: 0,
    },
    onStep: () => {},
  })
  await real.recover()
  const autoStop = createAutoStop({
    db,
    clock: steady,
    log,
    killSwitch: real.killSwitch,
    engine: real,
    settings: { ...usualAutoStop, enabled: false, ...options.autoStop },
  })
  const jobs = startJobs({ engine: real, autoStop, adapters, timers, log, tickMillis: 100 })
  const http = await composeHttp({
    db,
    clock: steady,
    logger: log,
    signer,
    engine: options.chains === undefined ? { ...real, ...waitingEngine(db, steady) } : real,
    adapters,
    encodeCalldata,
    environment: 'testnet',
    recoveryWaits: { withOwner: 1800, withoutOwner: 86_400 },
    configured: {
      'policy.without_owner': 'delay',
      'security.rate_limit_public_rpm': options.limits?.publicPerMinute ?? 100_000,
      'security.rate_limit_session_rpm': options.limits?.sessionPerMinute ?? 100_000,
      'security.rate_limit_operator_rpm': options.limits?.operatorPerMinute ?? 100_000,
    },
    allowedHosts: ['wallet.example'],
    pages: { folder: options.pages ?? join(folder, 'no-pages'), demoOwnerUrl: 'http://127.0.0.1:4000/sign' },
    localKey: LOCAL_KEY,
    monotonic: timers.monotonic,
    version: '0.0.0',
    openApi: () => openApiDocument('0.0.0'),
    stopping: new AbortController().signal,
    requestShutdown: () => {},
  })
  const listener = await listen(http.app.fetch, { hostname: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${listener.port}`
  const send = async (path: string, init?: RequestInit) => {
    const answer = await fetch(`${url}${path}`, init)
    await checkDocumented(`${url}${path}`, init?.method ?? 'GET', answer)
    return answer
  }
  const login = async () => {
    const answer = await send('/v1/admin/login', post({ password: PASSWORD }))
    return ((await answer.json()) as { token: string }).token
  }
  const adminToken = await login()
  let operatorToken = adminToken
  const asOperator = (method: string, path: string, body: unknown) =>
    send(path, { ...post(body, { Authorization: `Bearer ${operatorToken}` }), method })
  return {
    url,
    db,
    clock,
    fetch: send,
    adminToken,
    engine: real,
    folder,
    signCheckpoint: async (checkpoint) => void keystore.signCheckpoint(checkpoint),
    sql: async (text) => void (await sql.raw(text).execute(db)),
    operate: async (method, path, body) => {
      let answer = await asOperator(method, path, body)
      if (answer.status === 401) {
        operatorToken = await login()
        answer = await asOperator(method, path, body)
      }
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
      return (await answer.json()) as never
    },
    close: async (keep) => {
      http.close()
      await listener.close(100)
      await jobs.close()
      await real.close()
      if (keep === undefined) for (const adapter of adapters.values()) await adapter.close()
      await database.close()
      keystore.close()
      if (keep === undefined) rmSync(folder, { recursive: true })
    },
  }
}

export function post(body: unknown, headers: Record<string, string> = {}): RequestInit {
  if (body === undefined) return { method: 'POST', headers }
  return { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

/** An agent with a session, and a transaction that waits for its owner. */
export async function agentWithPayment(http: TestHttp, name: string, ownerAddress?: string) {
  const agent = await http.operate<AgentView>('POST', '/v1/agents', { name, ownerAddress })
  const session = await http.operate<{ id: string; token: string }>('POST', '/v1/sessions', { agentId: agent.id })
  const sent = await http.fetch(
    '/v1/transactions/send',
    post(
      { to: '0x00000000000000000000000000000000000000AA', humanAmount: '0.6', network: 'evm-local' },
      { Authorization: `Bearer ${session.token}`, 'Idempotency-Key': newId() },
    ),
  )
  const transaction = (await sent.json()) as { id: string }
  return { agent, session, transactionId: transaction.id }
}

/** A path of the table with every parameter filled in. */
export function pathOf(name: RouteName, id = newId()): string {
  return routes[name].path.replace(':id', id)
}

function movableClock(): MovableClock {
  let passed = 0
  let ahead = 0
  return {
    seconds: () => Math.floor(Date.now() / 1000) + passed + ahead,
    millis: () => Date.now() + (passed + ahead) * 1000,
    timers: { ...systemTimers, monotonic: () => performance.now() + passed * 1000 },
    advance: (seconds) => {
      passed += seconds
    },
    jump: (seconds) => {
      ahead += seconds
    },
  }
}

type HttpSigner = HttpParts['signer']

function signerOver(keystore: Awaited<ReturnType<typeof openKeystore>>): HttpSigner {
  return {
    createKey: async (chain) => keystore.createKey(chain),
    sign: async (keyId, bytes) => keystore.sign(keyId, bytes),
    checkPassword: (password) => keystore.checkPassword(Buffer.from(password)),
    secret: async (name) => keystore.secret(name),
    halt: async () => keystore.halt(),
    resume: async () => keystore.resume(),
    halted: async () => keystore.halted(),
    lastCheckpoint: async () => keystore.lastCheckpoint(),
  }
}

/** Stores what it is asked and lets it wait for the owner; moves nothing. */
function waitingEngine(db: Kysely<Tables>, clock: SteadyClock): Omit<Engine, 'sign'> {
  const view = createViews({
    db,
    walletOf: createWalletSource(db),
    approvalUrl: (tx) => `http://127.0.0.1/approve/${tx}`,
    clock,
  }).find
  const move = async (id: string, status: 'CONFIRMED' | 'CANCELLED', actor: string) => {
    await db.updateTable('transactions').set({ status }).where('id', '=', id).execute()
    const row = await db.selectFrom('transactions').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    await appendEvent(db, clock.seconds(), { type: `TX_${status}`, actor, agentId: row.agent_id, transactionId: id })
    return (await view(id))!
  }
  return {
    send: async (caller, request, key) => {
      const known = await db
        .selectFrom('transactions')
        .select('id')
        .where('idempotency_key', '=', key)
        .executeTakeFirst()
      if (known !== undefined) return (await view(known.id))!
      if (request.type !== 'TRANSFER') throw new TypeError('this engine knows transfers only')
      const id = newId()
      const wallet = await db
        .selectFrom('wallets')
        .selectAll()
        .where('agent_id', '=', caller.agentId)
        .where('chain', '=', 'evm')
        .executeTakeFirstOrThrow()
      const asset = { network: 'evm-local' as const, symbol: 'ETH', decimals: 18 }
      const amount = 600000000000000000n
      const effect: Effect = { kind: 'spend', asset, amount, to: request.to }
      const now = clock.seconds()
      await db
        .insertInto('transactions')
        .values({
          id,
          agent_id: caller.agentId,
          session_id: caller.sessionId,
          origin: 'session',
          wallet_id: wallet.id,
          network: 'evm-local',
          type: request.type,
          request: JSON.stringify(request),
          idempotency_key: key,
          fingerprint: '',
          status: 'QUEUED',
          tier: 'APPROVAL',
          reasons: '[]',
          effects: JSON.stringify([{ ...effect, amount: `${amount}`, humanAmount: formatUnits(amount, 18) }]),
          draft: JSON.stringify({ amount: `${amount}`, asset, to: request.to, plan: null }),
          max_fee: '21000',
          fee: null,
          policy_version: 1,
          executes_at: null,
          approval_expires_at: now + 3600,
          approval_nonce: newId(),
          approved_at: null,
          error_code: null,
          error_message: null,
          hash: null,
          created_at: now,
          updated_at: now,
        })
        .execute()
      const event = { type: 'TX_QUEUED', actor: `session:${caller.sessionId}`, agentId: caller.agentId }
      await appendEvent(db, now, { ...event, transactionId: id })
      return (await view(id))!
    },
    simulate: async () => {
      throw new Error('this engine does not simulate')
    },
    cancel: (id, actor) => move(id, 'CANCELLED', actor),
    approve: (id, { ownerAddress }) => move(id, 'CONFIRMED', `owner:${ownerAddress}`),
    reject: (id, ownerAddress) => move(id, 'CANCELLED', `owner:${ownerAddress}`),
    view,
    wait: async (id) => (await view(id))!,
    recover: async () => {},
    close: async () => {},
  }
}
