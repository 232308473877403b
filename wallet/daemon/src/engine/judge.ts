import type { AppError } from '@openpista/common'
import {
  type Asset,
  assetKey,
  countedFee,
  type Effect,
  type ErrorCode,
  evaluate,
  type Facts,
  judgeConstraints,
  type NetworkName,
  networkOf,
  type Question,
  questionKey,
  questionsFor,
  type ReadPolicy,
  type Reason,
  type SessionRequest,
  type Subject,
  traceHash,
  usdValue,
  type Verdict,
} from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Draft } from '../chains/chain-adapter.ts'
import { type Agent, findSpender, type Spender } from '../store/agents.ts'
import { findCounterparty } from '../store/counterparties.ts'
import type { JudgementRecord } from '../store/judgements.ts'
import { countOf, type LedgerEntry, spentUnder, spentUsd } from '../store/ledger.ts'
import { sessionLimits, sessionTotals } from '../store/sessions.ts'
import { readSetting, settingKeys } from '../store/settings.ts'
import type { Tables } from '../store/tables.ts'
import type { TransactionRow } from '../store/transactions.ts'
import { fault } from './fault.ts'
import type { Context, Prices } from './parts.ts'
import type { InForce } from './policy-source.ts'
import type { SteadyClock } from './steady-clock.ts'

export type Judgement = {
  verdict: Verdict
  policyVersion: number
  /** What the rules said, and on which facts. */
  record: JudgementRecord
  /** The owner should decide, but there is none: it waits instead. */
  downgraded: boolean
  /** What the transaction takes from the limits. */
  entries: LedgerEntry[]
  /** The session whose budget it takes from, where it has one. */
  budgetOf: string | null
}

/** Who asked, and for what kind of request. */
export type Asked = SessionRequest & {
  /** Null where no session speaks: the operator's dry run. */
  sessionId: string | null
  /** True where the owner has signed for exactly this: then a revoked session does not matter any more. */
  approved: boolean
}

export type JudgeOptions = {
  agent: Agent
  network: NetworkName
  draft: Draft
  prices: ReadonlyMap<string, bigint>
  /** Unix seconds. */
  now: number
  asked: Asked
  /** Policies to judge by instead of the stored ones: for a dry run. */
  inForce?: InForce
}

/**
 * Judges a draft by the policies in force. Reads policies and totals through `db`: inside the transaction that
 * reserves, no other payment gets in between.
 */
export async function judge(
  { clock, policies: policiesOf }: Pick<Context, 'clock' | 'policies'>,
  db: Kysely<Tables>,
  options: JudgeOptions,
): Promise<Judgement> {
  const { agent, network, draft, prices, now, asked } = options
  const { ago } = clock
  const { effects, maxFee, plainFee, marketFee } = draft
  const subject: Subject = { network, effects, maxFee, plainFee, ...(marketFee === undefined ? {} : { marketFee }) }
  const { policies, version: policyVersion } = options.inForce ?? (await policiesOf(db, agent.id, network))
  const facts: Facts = { now, prices, ...(await answer(db, agent.id, ago, questionsFor(policies, subject))) }
  const session = await judgeSession(db, asked, subject, ago)
  const said = evaluate(policies, subject, facts)
  const verdict = withReasons(said, session.reasons)
  const entries = ledgerEntries(subject, prices)
  const record = { subject, facts, verdict: said, policyVersion, traceHash: traceHash(subject, said, policyVersion) }
  const { budgetOf } = session
  if (verdict.tier !== 'APPROVAL' || agent.owner_address !== null) {
    return { verdict, policyVersion, record, entries, budgetOf, downgraded: false }
  }
  const denies = (await readSetting(db, settingKeys.withoutOwner)) === 'deny'
  return {
    verdict: denies ? denied(verdict) : held(verdict),
    policyVersion,
    record,
    entries,
    budgetOf,
    downgraded: !denies,
  }
}

/** Whether policies deny something whatever was spent and paid before: then more effects and a fee cannot help it. */
export function deniedAnyway(
  policies: readonly ReadPolicy[],
  subject: Subject,
  { now, prices }: Pick<Facts, 'now' | 'prices'>,
): boolean {
  const questions = questionsFor(policies, subject)
  const addresses = questions.flatMap((question) => (question.kind === 'counterparty' ? [question.address] : []))
  const spent = new Map(questions.map((question) => [questionKey(question), 0n]))
  const counterparties = new Map(addresses.map((address) => [address, { known: true, lookAlikes: [] }]))
  return evaluate(policies, subject, { now, prices, spent, counterparties }).tier === 'DENY'
}

/** Assets whose price a judgement may need. */
export async function pricesFor(prices: Prices, network: NetworkName, effects: readonly Effect[]) {
  const assets = [nativeAsset(network), ...effects.flatMap((effect) => ('asset' in effect ? [effect.asset] : []))]
  return await prices([...new Map(assets.map((asset) => [assetKey(asset), asset])).values()])
}

export function nativeAsset(network: NetworkName): Asset {
  return { network, ...networkOf(network).native }
}

/** Why nothing may be spent at all, if so: agent not active, or kill switch. A suspended agent may still be emptied. */
export function spendingFault(
  agent: Spender,
  origin: TransactionRow['origin'] = 'session',
): AppError<ErrorCode> | undefined {
  const spends = origin === 'session'
  if (agent.status === 'SUSPENDED' && spends) return fault('AGENT_SUSPENDED', `The agent ${agent.name} is suspended.`)
  if (agent.status === 'TERMINATED' && spends)
    return fault('AGENT_TERMINATED', `The agent ${agent.name} was terminated.`)
  return (agent.kill_switch ?? 'NORMAL') === 'NORMAL'
    ? undefined
    : fault('SYSTEM_LOCKED', 'The kill switch is on: nothing is sent.')
}

export async function agentOf(db: Kysely<Tables>, id: string): Promise<Spender> {
  const agent = await findSpender(db, id)
  if (agent === undefined) throw fault('AGENT_NOT_FOUND', `There is no agent ${id}.`)
  return agent
}

/** The message of the reason that decided. */
export function decidingMessage(verdict: Pick<Verdict, 'tier' | 'code' | 'reasons'>): string {
  const strictest = verdict.reasons.filter(({ tier }) => tier === verdict.tier)
  return (
    (strictest.find(({ code }) => code === verdict.code) ?? strictest[0])?.message ?? 'The policy does not allow it.'
  )
}

/** What the session's own constraints say; a session that was revoked meanwhile allows nothing more. */
async function judgeSession(
  db: Kysely<Tables>,
  asked: Asked,
  subject: Subject,
  ago: SteadyClock['ago'],
): Promise<{ reasons: Reason[]; budgetOf: string | null }> {
  const { sessionId } = asked
  if (sessionId === null) return { reasons: [], budgetOf: null }
  const limits = await sessionLimits(db, sessionId)
  if (limits === undefined) throw new Error(`there is no session ${sessionId}`)
  const totals = await sessionTotals(db, sessionId, limits.constraints, ago)
  const reasons = judgeConstraints(limits.constraints, asked, subject, totals)
  if (limits.revoked && !asked.approved) {
    reasons.push({ rule: 'SESSION', tier: 'DENY', code: 'SESSION_REVOKED', message: 'The session was revoked.' })
  }
  return { reasons, budgetOf: limits.budget ? sessionId : null }
}

/** A verdict with further denials. The code of a rule that spoke before stays. */
function withReasons(verdict: Verdict, denials: readonly Reason[]): Verdict {
  const [first] = denials
  if (first === undefined) return verdict
  const known = verdict.code === undefined || verdict.code === 'POLICY_DENIED' ? first.code : verdict.code
  const code = known === undefined ? {} : { code: known }
  return { ...verdict, tier: 'DENY', ...code, reasons: [...verdict.reasons, ...denials] }
}

function held(verdict: Verdict): Verdict {
  const message = 'No owner is registered who could approve this; it waits instead.'
  return { ...verdict, tier: 'DELAY', reasons: [...verdict.reasons, { rule: 'WITHOUT_OWNER', tier: 'DELAY', message }] }
}

function denied(verdict: Verdict): Verdict {
  const reason: Reason = {
    rule: 'WITHOUT_OWNER',
    tier: 'DENY',
    code: 'POLICY_DENIED',
    message: 'No owner is registered who could approve this.',
  }
  return { ...verdict, tier: 'DENY', code: 'POLICY_DENIED', reasons: [...verdict.reasons, reason] }
}

async function answer(
  db: Kysely<Tables>,
  agentId: string,
  ago: SteadyClock['ago'],
  questions: readonly Question[],
): Promise<Pick<Facts, 'spent' | 'counterparties'>> {
  const spent = new Map<string, bigint>()
  const counterparties = new Map<string, { known: boolean; lookAlikes: readonly string[] }>()
  for (const question of new Map(questions.map((question) => [questionKey(question), question])).values()) {
    if (question.kind === 'counterparty') {
      counterparties.set(question.address, await findCounterparty(db, agentId, question.address))
    } else {
      spent.set(questionKey(question), await totalOf(db, agentId, ago(question.seconds), question))
    }
  }
  return { spent, counterparties }
}

async function totalOf(
  db: Kysely<Tables>,
  agentId: string,
  from: number,
  question: Exclude<Question, { kind: 'counterparty' }>,
): Promise<bigint> {
  switch (question.kind) {
    case 'spent':
      return await spentUnder(db, agentId, question.limitKey, from)
    case 'spentUsd':
      return await spentUsd(db, agentId, from)
    case 'count':
      return await countOf(db, agentId, from)
  }
}

function ledgerEntries(subject: Subject, prices: ReadonlyMap<string, bigint>): LedgerEntry[] {
  const entry = (kind: LedgerEntry['kind'], asset: Asset, amount: bigint): LedgerEntry => {
    const price = prices.get(assetKey(asset))
    return { kind, asset, amount, usdMicros: price === undefined ? undefined : usdValue(amount, asset.decimals, price) }
  }
  const native = nativeAsset(subject.network)
  return [
    ...subject.effects.flatMap((effect) =>
      effect.kind === 'spend' || effect.kind === 'grant' ? [entry(effect.kind, effect.asset, effect.amount)] : [],
    ),
    entry('fee', native, subject.maxFee - countedFee(subject)),
    ...(countedFee(subject) === 0n ? [] : [entry('excess-fee', native, countedFee(subject))]),
  ]
}
