import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AppError,
  type Clock,
  createLogger,
  type Database,
  immediate,
  newId,
  openDatabase,
  systemTimers,
  type Timers,
} from '@openpista/common'
import { checksumAddress, defaultPolicies, type NetworkName, networkOf } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Account, ChainAdapter } from '../../chains/chain-adapter.ts'
import { nextPolicyVersion, removePolicy, savePolicy } from '../../store/policies.ts'
import { migrations, type Tables } from '../../store/tables.ts'
import { createEngine } from '../create-engine.ts'
import type { Engine, EngineByHand, EngineJobs, EngineStops } from '../engine.ts'
import type { EngineParts, Step } from '../parts.ts'
import { openSteadyClock, type SteadyClock } from '../steady-clock.ts'

/** The clock of a machine, and what waits for time to pass on it. */
export type MovableClock = Clock & {
  timers: Timers
  /** Lets time pass. */
  move: (seconds: number) => void
  /** Sets the wall clock, forward or back; no time passes. */
  jump: (seconds: number) => void
}

export function movableClock(start = 1_800_000_000): MovableClock {
  let now = start
  let passed = 0
  return {
    seconds: () => now,
    millis: () => now * 1000,
    timers: { ...systemTimers, monotonic: () => passed * 1000 },
    move: (seconds) => {
      now += seconds
      passed += seconds
    },
    jump: (seconds) => {
      now += seconds
    },
  }
}

/** A key of the agent. Its id is its chain. */
export type WorldKey = { account: Account; sign: (bytes: Uint8Array) => Uint8Array }

/** A signer with a switch. */
export function switchableSigner(keys: Readonly<Record<string, WorldKey>>) {
  let halted = false
  return {
    sign: async (keyId: string, bytes: Uint8Array) => {
      if (halted) throw new AppError('KEYSTORE_LOCKED', 'The signer is halted.')
      return keys[keyId]!.sign(bytes)
    },
    halted: async () => halted,
    halt: async () => {
      halted = true
    },
    resume: async () => {
      halted = false
    },
    setHalted: (value: boolean) => {
      halted = value
    },
  }
}

export type World = {
  engine: Engine & EngineByHand & EngineJobs & EngineStops
  db: Database<Tables>
  clock: MovableClock
  /** The daemon's own clock over it. */
  steady: SteadyClock
  agentId: string
  caller: { agentId: string; sessionId: string }
  signer: ReturnType<typeof switchableSigner>
  log: EngineParts['log']
  /** Closes engine and database and opens them again, as a restart does. */
  restart: (whileDown?: () => void) => Promise<void>
  close: () => Promise<void>
}

export type WorldOptions = {
  adapters: ReadonlyMap<NetworkName, ChainAdapter>
  /** File of the database; a new one in a folder of its own by default. */
  path?: string
  policies?: { type: string; rules: Record<string, unknown> }[]
  prices?: EngineParts['prices']
  connectNode?: EngineParts['connectNode']
  /** By chain family; by default keys whose signatures only the chain in memory accepts. */
  keys?: Readonly<Record<string, WorldKey>>
  owner?: string
  clock?: MovableClock
  settings?: Partial<EngineParts['settings']>
  onStep?: (step: Step, id: string) => void
}

/** The wallet's address in every world. */
export const WALLET = address(0xaa)
export const AGENT = '01890000-0000-7000-8000-000000000001'

const SESSION = 'session'

/** An EVM address made of one byte. */
export function address(byte: number): string {
  return checksumAddress(byte.toString(16).padStart(2, '0').repeat(20))
}

/** An engine over a real database file with one agent, its wallet, and policies. */
export async function createWorld(options: WorldOptions): Promise<World> {
  const folder = options.path === undefined ? mkdtempSync(join(tmpdir(), 'waiaas-engine-')) : undefined
  const path = options.path ?? join(folder!, 'wallet.db')
  const clock = options.clock ?? movableClock()
  const keys = options.keys ?? fakeKeys
  const signer = switchableSigner(keys)
  const log = createLogger('test', 'silent')
  const open = async () => {
    const db = await openDatabase<Tables>({ path, migrations, synchronous: 'FULL' })
    await seed(db, options, keys, clock.seconds())
    const steady = await openSteadyClock({ db: db.kysely, clock, timers: clock.timers, log })
    const engine = await createEngine({
      db: db.kysely,
      adapters: options.adapters,
      signer,
      clock: steady,
      timers: clock.timers,
      newId,
      connectNode: options.connectNode ?? ((network) => options.adapters.get(network)!),
      prices: options.prices ?? (async () => new Map()),
      log,
      approvalUrl: (id) => `http://localhost/approve/${id}`,
      settings: {
        environment: 'testnet',
        rebroadcastMillis: 1000,
        finalityMillis: 0,
        maxSignatures: 5,
        maxQueued: 100,
        retryMillis: 0,
        ...options.settings,
      },
      onStep: options.onStep ?? (() => undefined),
    })
    return { db, engine, steady }
  }
  let opened = await open()
  const close = async () => {
    await opened.engine.close()
    await opened.db.close()
  }
  return {
    get engine() {
      return opened.engine
    },
    get db() {
      return opened.db
    },
    get steady() {
      return opened.steady
    },
    clock,
    signer,
    log,
    agentId: AGENT,
    caller: { agentId: AGENT, sessionId: SESSION },
    restart: async (whileDown) => {
      await close()
      whileDown?.()
      opened = await open()
    },
    close: async () => {
      await close()
      if (folder !== undefined) rmSync(folder, { recursive: true })
    },
  }
}

async function seed(
  db: Database<Tables>,
  options: WorldOptions,
  keys: Readonly<Record<string, WorldKey>>,
  now: number,
): Promise<void> {
  if ((await db.kysely.selectFrom('agents').select('id').executeTakeFirst()) !== undefined) return
  const [network] = options.adapters.keys()
  const times = { created_at: now, updated_at: now }
  await db.kysely
    .insertInto('agents')
    .values({
      id: AGENT,
      name: 'agent',
      status: 'ACTIVE',
      owner_address: options.owner ?? null,
      owner_family: options.owner === undefined ? null : 'evm',
      owner_verified_at: null,
      owner_network: null,
      default_network: network!,
      ...times,
    })
    .execute()
  for (const chain of new Set([...options.adapters.keys()].map((name) => networkOf(name).family))) {
    const { address, publicKey } = keys[chain]!.account
    const wallet = { id: newId(), agent_id: AGENT, chain, address, public_key: publicKey, key_id: chain }
    await db.kysely
      .insertInto('wallets')
      .values({ ...wallet, created_at: now })
      .execute()
  }
  const session = { id: SESSION, agent_id: AGENT, token_hash: SESSION, previous_token_hash: null, ttl: 86_400 }
  const ends = { expires_at: now + 86_400, absolute_expires_at: now + 86_400, revoked_at: null, created_at: now }
  await db.kysely
    .insertInto('sessions')
    .values({ ...session, ...ends, renewal_count: 0, max_renewals: 30, constraints: '{}' })
    .execute()
  for (const { type, rules } of options.policies ?? defaultPolicies()) {
    const row = { id: newId(), agent_id: null, network: null, type, rules: JSON.stringify(rules) }
    await db.kysely
      .insertInto('policies')
      .values({ ...row, priority: 0, enabled: 1, version: 1, ...times })
      .execute()
  }
}

/** Exchanges all policies, as an operator's change does. */
export async function replacePolicies(world: World, policies: NonNullable<WorldOptions['policies']>): Promise<void> {
  const at = world.clock.seconds()
  const db = world.db.kysely as unknown as Kysely<Tables>
  await immediate(db, async (transaction) => {
    const version = await nextPolicyVersion(transaction)
    const before = await transaction.selectFrom('policies').select('id').execute()
    for (const { id } of before) await removePolicy(transaction, id, version)
    for (const { type, rules } of policies) {
      const scope = { agent_id: null, network: null, priority: 0, enabled: 1 as const }
      const times = { created_at: at, updated_at: at }
      await savePolicy(transaction, { id: newId(), type, rules: JSON.stringify(rules), version, ...scope, ...times })
    }
  })
}

export const SOLANA_WALLET = '7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV'

const fakeKeys: Readonly<Record<string, WorldKey>> = {
  evm: { account: { address: WALLET, publicKey: '' }, sign: () => new Uint8Array(65) },
  solana: { account: { address: SOLANA_WALLET, publicKey: '' }, sign: () => new Uint8Array(64) },
}
