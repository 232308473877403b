import { AppError, immediate, type Logger } from '@openpista/common'
import { canonicalHash, type Json, limitKeys, type NetworkName, policiesInForce } from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import { z } from 'zod'
import { suspendAgent } from '../store/agents.ts'
import { appendEvent } from '../store/events.ts'
import { spentUnder, spentUsd } from '../store/ledger.ts'
import { policiesOf } from '../store/policies.ts'
import { readSetting, settingKeys, writeSetting } from '../store/settings.ts'
import type { Tables } from '../store/tables.ts'
import {
  type AutoStopLimits,
  type AutoStopState,
  emptyState,
  type Finding,
  type Happening,
  observe,
} from './auto-stop-rules.ts'
import type { EngineByHand } from './engine.ts'
import type { KillSwitch } from './kill-switch.ts'
import type { SteadyClock } from './steady-clock.ts'

export type AutoStopSettings = AutoStopLimits & {
  enabled: boolean
  /** Suspend the agent, or stop everything. */
  action: 'suspend' | 'kill_switch'
}

export type AutoStop = {
  /** Looks at every event since the last run, and acts on what it finds. Not to be run twice at once. */
  run: () => Promise<void>
}

type Parts = {
  db: Kysely<Tables>
  clock: SteadyClock
  log: Logger
  killSwitch: Pick<KillSwitch, 'activate'>
  engine: Pick<EngineByHand, 'stopAgent'>
  settings: AutoStopSettings
}

type EventRow = Selectable<Tables['events']>

const BATCH = 500

/** Reads the event log and stops an agent that behaves like one gone astray. What it remembers is stored. */
export function createAutoStop(parts: Parts): AutoStop {
  return {
    run: async () => {
      if (!parts.settings.enabled) return
      for (let more = true; more; ) more = await runBatch(parts)
    },
  }
}

async function runBatch(parts: Parts): Promise<boolean> {
  const { db, settings, clock } = parts
  const seen = Number((await readSetting(db, settingKeys.autoStopSeen)) ?? 0)
  const events = await db.selectFrom('events').selectAll().where('seq', '>', seen).orderBy('seq').limit(BATCH).execute()
  const last = events.at(-1)
  if (last === undefined) return false
  const seenNow = { seen: last.seq, now: Math.max(clock.seconds(), last.at) }
  const outcomes: Outcome[] = []
  for (const [agentId, own] of Map.groupBy(events, (event) => event.agent_id)) {
    if (agentId !== null) outcomes.push(await lookAt(parts, agentId, own, seenNow.now))
  }
  const stops = outcomes.flatMap(({ findings }) => findings).filter(({ level }) => level === 'stop')
  // First the stop, then the note that these events were seen: a crash in between stops once more.
  const stopped = settings.action === 'kill_switch' && stops.length > 0 && (await activate(parts, stops[0]!))
  if (settings.action === 'suspend') {
    for (const { agentId, findings } of outcomes) {
      if (findings.some(({ level }) => level === 'stop')) parts.engine.stopAgent(agentId)
    }
  }
  await immediate(db, (transaction) => store(transaction, parts, outcomes, stopped, seenNow))
  return events.length === BATCH
}

type Outcome = { agentId: string; state: AutoStopState; findings: Finding[] }

async function lookAt(parts: Parts, agentId: string, events: readonly EventRow[], now: number): Promise<Outcome> {
  const { db, settings } = parts
  const row = await db.selectFrom('auto_stop').select('state').where('agent_id', '=', agentId).executeTakeFirst()
  let state: AutoStopState = row === undefined ? emptyState : JSON.parse(row.state)
  const findings: Finding[] = []
  const next = (happening: Happening | undefined) => {
    if (happening === undefined) return
    const observed = observe(state, happening, settings)
    state = observed.state
    if (happening.kind === 'resumed') findings.length = 0
    findings.push(...observed.findings)
  }
  for (const event of events) next(happeningOf(event, parts.clock.ago(HOUR, event.at)))
  const spending = events.findLast(({ type }) => type === 'TX_ALLOWED' || type === 'TX_QUEUED')
  if (spending !== undefined) {
    next({ kind: 'spent', at: now, percent: await dailyPercent(parts, agentId, spending.transaction_id!) })
  }
  return { agentId, state, findings }
}

/** Failures that the stop itself has made say nothing about the agent. */
const OWN_FAILURES = ['SYSTEM_LOCKED', 'AGENT_SUSPENDED', 'AGENT_TERMINATED']

/** @param hourAgo the stamp an hour before it. */
function happeningOf(event: EventRow, hourAgo: number): Happening | undefined {
  const { at, type } = event
  const data = JSON.parse(event.data) as { [key: string]: unknown }
  switch (type) {
    case 'TX_REQUESTED': {
      if (!event.actor.startsWith('session:')) return undefined
      const { memo, ...request } = data.request as { [key: string]: Json }
      return { kind: 'requested', at, hourAgo, fingerprint: canonicalHash(request) }
    }
    case 'TX_FAILED':
      return OWN_FAILURES.includes(String(data.code)) ? undefined : { kind: 'failed', at }
    case 'TX_CONFIRMED':
      return { kind: 'confirmed', at }
    case 'AGENT_RESUMED':
      return { kind: 'resumed', at }
    case 'POLICY_VIOLATION': {
      const reasons = data.reasons as { rule: string; tier: string }[]
      const late = reasons.some(({ rule, tier }) => rule === 'TIME_RESTRICTION' && tier === 'DENY')
      return late ? { kind: 'denied for the time', at, hourAgo } : undefined
    }
    default:
      return undefined
  }
}

const HOUR = 3600
const DAY = 86_400

/** As much of a spending limit as is read here; what cannot be read denies everything anyway. */
const Windows = z.object({
  windows: z
    .array(
      z.object({
        seconds: z.number(),
        on_exceed: z.string().optional(),
        asset: z.string(),
        max: z.bigint().optional(),
        max_usd: z.bigint().optional(),
      }),
    )
    .default([]),
})

type Window = z.output<typeof Windows>['windows'][number]

/**
 * How much of the fullest window of a day or more is used, in percent. Where a window asks the owner for what lies
 * above it, payments that the owner decides do not count: the window says how much the agent may spend alone.
 */
async function dailyPercent({ db, settings, clock }: Parts, agentId: string, transactionId: string): Promise<number> {
  const { network } = await db
    .selectFrom('transactions')
    .select('network')
    .where('id', '=', transactionId)
    .executeTakeFirstOrThrow()
  let fullest = 0
  for (const window of await windowsOf(db, agentId, network)) {
    const from = clock.ago(window.seconds)
    const all = percentOf(window, await spentIn(db, agentId, window, from))
    // Reads many rows, so only where it could matter.
    const exact = window.on_exceed !== 'APPROVAL' || all < settings.dailyWarnPercent
    const own = exact ? all : percentOf(window, await spentAlone(db, agentId, window, from))
    fullest = Math.max(fullest, own)
  }
  return fullest
}

async function windowsOf(db: Kysely<Tables>, agentId: string, network: NetworkName): Promise<Window[]> {
  const policies = policiesInForce(await policiesOf(db, agentId), agentId, network)
  const limits = policies.find(({ type }) => type === 'SPENDING_LIMIT')
  const parsed = Windows.safeParse(limits?.reading?.rules)
  return parsed.success ? parsed.data.windows.filter(({ seconds }) => seconds >= DAY) : []
}

/** `amount` in the window's asset, `usd` in micro-dollars where prices are known. */
type Spent = { amount: bigint; usd: bigint }

async function spentIn(db: Kysely<Tables>, agentId: string, window: Window, from: number): Promise<Spent> {
  return {
    amount: window.max === undefined ? 0n : await spentUnder(db, agentId, window.asset, from),
    usd: window.max_usd === undefined ? 0n : await spentUsd(db, agentId, from),
  }
}

/** The same without payments that the owner approved or is asked for. */
async function spentAlone(db: Kysely<Tables>, agentId: string, window: Window, from: number): Promise<Spent> {
  const rows = await db
    .selectFrom('transactions')
    .innerJoin('ledger', 'ledger.transaction_id', 'transactions.id')
    .select(['ledger.asset', 'ledger.amount', 'ledger.usd_micros'])
    .where('transactions.agent_id', '=', agentId)
    .where('transactions.tier', 'is not', 'APPROVAL')
    .where('ledger.state', '<>', 'RELEASED')
    .where('ledger.at', '>=', from)
    .execute()
  const counted = rows.filter(({ asset }) => keysOf(asset).includes(window.asset))
  return {
    amount: counted.reduce((sum, { amount }) => sum + BigInt(amount), 0n),
    usd: rows.reduce((sum, { usd_micros }) => sum + BigInt(usd_micros ?? 0), 0n),
  }
}

/** The limit keys that an asset key counts under. */
function keysOf(asset: string): string[] {
  const [network, address] = asset.split('/') as [NetworkName, string]
  return address === 'native' ? limitKeys({ network }) : [asset]
}

function percentOf({ max, max_usd }: Window, { amount, usd }: Spent): number {
  return Math.max(max === undefined ? 0 : percent(amount, max), max_usd === undefined ? 0 : percent(usd, max_usd))
}

function percent(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number((part * 100n) / whole)
}

async function activate(parts: Parts, { rule, message }: Finding): Promise<boolean> {
  try {
    await parts.killSwitch.activate('auto-stop', `${rule}: ${message}`)
    return true
  } catch (error) {
    if (error instanceof AppError && error.code === 'KILL_SWITCH_ACTIVE') return false
    throw error
  }
}

async function store(
  db: Kysely<Tables>,
  { settings, log }: Parts,
  outcomes: readonly Outcome[],
  stopped: boolean,
  { seen, now }: { seen: number; now: number },
): Promise<void> {
  for (const { agentId, state, findings } of outcomes) {
    const text = JSON.stringify(state)
    await db
      .insertInto('auto_stop')
      .values({ agent_id: agentId, state: text })
      .onConflict((conflict) => conflict.column('agent_id').doUpdateSet({ state: text }))
      .execute()
    const say = async (type: string, { rule, message }: Finding) => {
      log.warn({ agentId, rule }, message)
      await appendEvent(db, now, { type, actor: 'auto-stop', agentId, data: { rule, message } })
    }
    for (const finding of findings) if (finding.level === 'warn') await say('AUTO_STOP_WARNING', finding)
    const stop = findings.find(({ level }) => level === 'stop')
    if (stop === undefined) continue
    const why = { actor: 'auto-stop', why: `${stop.rule}: ${stop.message}` }
    const acted = settings.action === 'kill_switch' ? stopped : await suspendAgent(db, now, agentId, why)
    if (acted) await say('AUTO_STOP_TRIGGERED', stop)
  }
  await writeSetting(db, settingKeys.autoStopSeen, String(seen))
}
