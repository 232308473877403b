/** What was used of models. `cost` is in 10^-12 US dollars; answers of models without a known price cost nothing here. */
export type Spent = { tokens: number; cost: bigint }

/** What a limit is counted over. */
export type LimitScope = 'turn' | 'session' | 'day'

export const limitScopes = ['turn', 'session', 'day'] as const satisfies readonly LimitScope[]

/** The most that may be used; zero is no limit. `usd` is in whole dollars and may have a fraction. */
export type Limits = Readonly<Record<LimitScope, { tokens: number; usd: number }>>

/** One limit that was reached. */
export type ReachedLimit = { scope: LimitScope; unit: 'tokens' | 'usd'; used: string; limit: string }

const COST_OF_A_DOLLAR = 1_000_000_000_000n

/**
 * The first limit that has been reached. `grants` says how many times the owner let each scope have as much again.
 */
export function reachedLimit(
  limits: Limits,
  spent: Readonly<Record<LimitScope, Spent>>,
  grants: Readonly<Record<LimitScope, number>>,
): ReachedLimit | undefined {
  for (const scope of limitScopes) {
    const { tokens, usd } = limits[scope]
    const times = 1 + grants[scope]
    const used = spent[scope]
    if (tokens > 0 && used.tokens >= tokens * times) {
      return { scope, unit: 'tokens', used: count(used.tokens), limit: count(tokens * times) }
    }
    const most = BigInt(Math.round(usd * 1_000_000)) * (COST_OF_A_DOLLAR / 1_000_000n) * BigInt(times)
    if (usd > 0 && used.cost >= most) {
      return { scope, unit: 'usd', used: dollars(used.cost), limit: dollars(most) }
    }
  }
  return undefined
}

/** `$1.2345`: an amount of 10^-12 US dollars, for people. */
export function dollars(cost: bigint): string {
  const tenThousandths = (cost * 10_000n + COST_OF_A_DOLLAR / 2n) / COST_OF_A_DOLLAR
  const digits = (tenThousandths % 10_000n).toString().padStart(4, '0')
  return `$${tenThousandths / 10_000n}.${digits.slice(0, 2)}${digits.slice(2).replace(/0+$/, '')}`
}

function count(tokens: number): string {
  return tokens.toLocaleString('en-US')
}
