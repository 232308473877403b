import type { z } from 'zod'
import { parseUnits } from '../amount.ts'
import type { Effect } from '../effect.ts'
import { type NetworkName, networkOf } from '../network.ts'
import type { Reason } from '../verdict.ts'

/** What is judged: the effects of one transaction, with the most it may cost in fees. */
export type Subject = {
  network: NetworkName
  effects: readonly Effect[]
  /** Fee ceiling in base units of the network's native coin. It is spend too. */
  maxFee: bigint
  /** The part of `maxFee` that comes with any payment; limits by amount do not count it. Absent: all of it. */
  plainFee?: bigint | undefined
  /** The ceiling that the daemon would set at the market price. Absent: it set `maxFee` itself. */
  marketFee?: bigint | undefined
}

/** In whole coins. A price that no network has had counts, whichever node told it. */
const MOST_PLAIN_FEE = '0.01'

/** What a fee takes from limits by amount: all that a plain payment would not have cost. */
export function countedFee({ network, maxFee, plainFee = maxFee }: Omit<Subject, 'effects' | 'marketFee'>): bigint {
  const most = parseUnits(MOST_PLAIN_FEE, networkOf(network).native.decimals)!
  const free = plainFee < most ? plainFee : most
  return maxFee > free ? maxFee - free : 0n
}

/**
 * A question about the past that a rule needs answered before it can judge. The daemon answers it inside
 * the transaction that reserves, so that two judgements never see the same headroom.
 */
export type Question =
  /** Base units of the assets under `limitKey` (see `limit-key.ts`) reserved or spent in the last `seconds`. */
  | { kind: 'spent'; limitKey: string; seconds: number }
  /** Spent or reserved in the last `seconds`, all assets, in micro-dollars. */
  | { kind: 'spentUsd'; seconds: number }
  /** Number of transactions allowed or waiting in the last `seconds`. */
  | { kind: 'count'; seconds: number }
  /** Whether this address was paid before, and known addresses that look like it. */
  | { kind: 'counterparty'; address: string }

/** Everything a judgement depends on besides the transaction. Plain data: rules read no clock and no database. */
export type Facts = {
  /** Unix seconds. */
  now: number
  /** Answers to questions about totals and counts, by `questionKey`. */
  spent: ReadonlyMap<string, bigint>
  /** Answers to questions about addresses, by address. */
  counterparties: ReadonlyMap<string, { known: boolean; lookAlikes: readonly string[] }>
  /** Micro-dollars for one human unit, by `assetKey`; absent where no fresh price is known. */
  prices: ReadonlyMap<string, bigint>
}

/** What a rule says to one effect, or, without `effect`, to the transaction as a whole. */
export type Opinion = Omit<Reason, 'policyId' | 'rule'> & {
  /** The rule takes responsibility for the effect. An effect that no rule permits is denied. */
  permits?: true
}

/** How long what is held waits, in seconds. */
export type Waits = { delaySeconds: number; approvalSeconds: number }

/** Where no policy says how long. */
export const defaultWaits: Waits = { delaySeconds: 300, approvalSeconds: 3600 }

/**
 * One kind of rule: one file, one entry in `policyTypes`. All functions are pure.
 */
export type PolicyType<Type extends string = string, Rules extends z.ZodType = z.ZodType> = {
  type: Type
  description: string
  rules: Rules
  ask(rules: z.output<Rules>, subject: Subject): Question[]
  judge(rules: z.output<Rules>, subject: Subject, facts: Facts): Opinion[]
  /** What holds where no policy of this type is in force. Without it: nothing. */
  absent?(subject: Subject): Opinion[]
  waits?(rules: z.output<Rules>): Waits
  /** Tokens on a network that the rules speak about: what a wallet looks for there. */
  tokens?(rules: z.output<Rules>, network: NetworkName): string[]
  /**
   * True only where nothing passes under `rules` that `than` would deny or hold longer, and nothing is permitted
   * that `than` does not permit. `undefined` stands for no policy of this type.
   */
  asStrict(rules: z.output<Rules> | undefined, than: z.output<Rules> | undefined): boolean
}

/** Checks a policy type's parts against one another at compile time. */
export function definePolicyType<const Type extends string, Rules extends z.ZodType>(
  definition: PolicyType<Type, Rules>,
): PolicyType<Type, Rules> {
  return definition
}

/** The key under which a question's answer stands in `Facts`. */
export function questionKey(question: Question): string {
  switch (question.kind) {
    case 'spent':
      return `spent:${question.limitKey}:${question.seconds}`
    case 'spentUsd':
      return `spentUsd:${question.seconds}`
    case 'count':
      return `count:${question.seconds}`
    case 'counterparty':
      return `counterparty:${question.address}`
  }
}

/**
 * The answer to a question about totals.
 *
 * @throws Error when the caller did not answer what the rule asked: nothing may be judged on half the facts.
 */
export function answerTo(facts: Facts, question: Exclude<Question, { kind: 'counterparty' }>): bigint {
  const answer = facts.spent.get(questionKey(question))
  if (answer === undefined) throw new Error(`question not answered: ${questionKey(question)}`)
  return answer
}
