import type { z } from 'zod'
import type { Effect } from '../effect.ts'
import type { NetworkName } from '../network.ts'
import type { Reason } from '../verdict.ts'

/** What is judged: the effects of one transaction, with the most it may cost in fees. */
export type Subject = {
  network: NetworkName
  effects: readonly Effect[]
  /** Fee ceiling in base units of the network's native coin. It is spend too. */
  maxFee: bigint
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

/** An opinion of a rule: a reason, plus the effects the rule takes responsibility for by allowing them. */
export type Opinion = Omit<Reason, 'policyId' | 'rule'> & {
  /** Wait before a DELAY executes, in seconds. */
  delaySeconds?: number
  /** Time for the owner to approve, in seconds. */
  approvalSeconds?: number
}

/**
 * One kind of rule: one file, one entry in `policyTypes`.
 *
 * `judge` is pure and gives one opinion per effect it speaks about, the mildest being INSTANT. An effect that
 * no rule speaks about is denied. `raises` marks a type that can only make a verdict stricter: its silence or
 * its INSTANT does not count as permission.
 */
export type PolicyType<Type extends string = string, Rules extends z.ZodType = z.ZodType> = {
  type: Type
  description: string
  rules: Rules
  raises: boolean
  ask(rules: z.output<Rules>, subject: Subject): Question[]
  judge(rules: z.output<Rules>, subject: Subject, facts: Facts): Opinion[]
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
