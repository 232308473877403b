import { reachedLimit, type Spent } from '../domain/limits.ts'
import type { Budget } from './worker.ts'

/** What was asked for, as far as it is there to give. */
export function narrowBudget(asked: Partial<Budget>, most: Budget): Budget {
  return {
    rounds: Math.min(asked.rounds ?? most.rounds, most.rounds),
    tokens: smaller(asked.tokens ?? 0, most.tokens),
    usd: smaller(asked.usd ?? 0, most.usd),
  }
}

/** What is left of a budget; `undefined` when nothing is. */
export function restOf(budget: Budget, used: Spent & { rounds: number }): Budget | undefined {
  if (usedUp(budget, used) !== undefined) return undefined
  const spent = Number(used.cost) / COST_OF_A_DOLLAR
  return {
    rounds: budget.rounds - used.rounds,
    tokens: budget.tokens === 0 ? 0 : budget.tokens - used.tokens,
    usd: budget.usd === 0 ? 0 : budget.usd - spent,
  }
}

/** Which part of a budget is used up, in words. */
export function usedUp(budget: Budget, used: Spent & { rounds: number }): string | undefined {
  if (used.rounds >= budget.rounds) return `${budget.rounds} rounds`
  const limits = { turn: budget, session: NO_LIMIT, day: NO_LIMIT }
  const reached = reachedLimit(limits, { turn: used, session: NOTHING, day: NOTHING }, NO_GRANTS)
  if (reached === undefined) return undefined
  return reached.unit === 'usd' ? reached.limit : `${reached.limit} tokens`
}

const COST_OF_A_DOLLAR = 1e12
const NO_LIMIT = { tokens: 0, usd: 0 }
const NOTHING: Spent = { tokens: 0, cost: 0n }
const NO_GRANTS = { turn: 0, session: 0, day: 0 }

/** Of two limits, where zero is none. */
function smaller(one: number, other: number): number {
  if (one === 0 || other === 0) return one + other
  return Math.min(one, other)
}
