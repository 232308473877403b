import type { Limits, ReachedLimit } from './domain/limits.ts'
import { reachedLimit } from './domain/limits.ts'
import type { LimitQuestion } from './gateway/human-approver.ts'
import type { Store } from './store/store.ts'
import { grantLimit, limitGrants, type UsageKeys, usedIn } from './store/usage.ts'
import { workerOfSession } from './store/workers.ts'

export type TurnLimitParts = {
  store: Store
  limits: Limits & { maxRounds: number }
  /** The person: true lets it go on. */
  confirm: (question: LimitQuestion, signal: AbortSignal) => Promise<boolean>
  now: () => number
  about: { sessionId: string; turnId: string; channel: string }
}

/**
 * The limits of one turn: rounds, tokens and money. A limit that is reached becomes a card; a yes lets it be used
 * once more, in full, and is stored. What a worker uses counts for the turn and session that it works for. Answers the words to stop with, or `undefined` to go on.
 */
export function createTurnLimits(
  parts: TurnLimitParts,
): (rounds: number, signal: AbortSignal) => Promise<string | undefined> {
  const { store, limits, confirm, now, about } = parts
  let mostRounds = limits.maxRounds

  async function checkRounds(rounds: number, signal: AbortSignal): Promise<string | undefined> {
    if (rounds < mostRounds) return undefined
    const facts = [{ label: 'Rounds', value: `${rounds}` }]
    const title = `${rounds} rounds with the model, and no end. Go on?`
    const more = await confirm({ ...about, title, facts, reason: `Yes allows ${limits.maxRounds} more.` }, signal)
    if (!more) return `Max tool rounds exceeded (${rounds}).`
    mostRounds += limits.maxRounds
    return undefined
  }

  async function checkUse(signal: AbortSignal): Promise<string | undefined> {
    for (;;) {
      const at = new Date(now())
      const root = await workerOfSession(store.db, about.sessionId)
      const { turn, session } = { turn: root?.root_turn ?? about.turnId, session: root?.root_id ?? about.sessionId }
      const keys: UsageKeys = { turn, session, day: localDay(at) }
      const used = await usedIn(store.db, keys, new Date(at).setHours(0, 0, 0, 0))
      const reached = reachedLimit(limits, used, await limitGrants(store.db, keys))
      if (reached === undefined) return undefined
      const stopped = `The limit ${WORDS[reached.scope].of} is reached: ${amount(reached)}.`
      if (!(await confirm({ ...about, ...limitQuestion(reached) }, signal))) return stopped
      await store.write((transaction) => grantLimit(transaction, reached.scope, keys[reached.scope]))
    }
  }

  return async (rounds, signal) => (await checkRounds(rounds, signal)) ?? (await checkUse(signal))
}

const WORDS = {
  turn: { of: 'of one turn', period: 'turn' },
  session: { of: 'of this session', period: 'session' },
  day: { of: 'of today', period: 'day' },
} as const

function limitQuestion(reached: ReachedLimit): Pick<LimitQuestion, 'title' | 'facts' | 'reason'> {
  const { of, period } = WORDS[reached.scope]
  return {
    title: `The limit ${of} is reached. Go on?`,
    facts: [
      { label: 'Used', value: reached.unit === 'usd' ? reached.used : `${reached.used} tokens` },
      { label: 'Limit', value: reached.unit === 'usd' ? reached.limit : `${reached.limit} tokens` },
    ],
    reason: `Yes allows as much again for this ${period}.`,
  }
}

function amount({ unit, used, limit }: ReachedLimit): string {
  return unit === 'usd' ? `${used} of ${limit}` : `${used} of ${limit} tokens`
}

/** `2026-11-21`, where the owner is. */
function localDay(at: Date): string {
  const two = (value: number) => `${value}`.padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}
