import { canonicalHash, type Json } from '../canonical.ts'
import type { Verdict } from './evaluate.ts'
import type { Facts, Subject } from './policy-type.ts'

/**
 * What the rules said about which effects, as 64 hex digits: equal for a dry run and for the judgement that
 * counts, if the rules said the same. The fee ceiling is left out: it changes with every block.
 */
export function traceHash(subject: Subject, verdict: Verdict, policyVersion: number): string {
  const { network, effects } = subject
  return canonicalHash({ network, effects: plain(effects), verdict: plain(verdict), policyVersion })
}

/** A subject as stored JSON. */
export function subjectJson(subject: Subject): Json {
  return plain(subject)
}

/** Facts as stored JSON. */
export function factsJson({ now, spent, counterparties, prices }: Facts): Json {
  return plain({ now, spent: [...spent], counterparties: [...counterparties], prices: [...prices] })
}

/** The subject that `subjectJson` wrote. */
export function readSubject(text: string): Subject {
  const { network, effects, maxFee, plainFee, marketFee } = JSON.parse(text) as Subject
  return {
    network,
    effects: effects.map((effect) => ('amount' in effect ? { ...effect, amount: BigInt(effect.amount) } : effect)),
    maxFee: BigInt(maxFee),
    ...(plainFee === undefined ? {} : { plainFee: BigInt(plainFee) }),
    ...(marketFee === undefined ? {} : { marketFee: BigInt(marketFee) }),
  }
}

/** The facts that `factsJson` wrote. */
export function readFacts(text: string): Facts {
  const { now, spent, counterparties, prices } = JSON.parse(text) as StoredFacts
  return {
    now,
    spent: new Map(spent.map(([key, total]) => [key, BigInt(total)])),
    counterparties: new Map(counterparties),
    prices: new Map(prices.map(([key, price]) => [key, BigInt(price)])),
  }
}

type StoredFacts = {
  now: number
  spent: [string, string][]
  counterparties: [string, { known: boolean; lookAlikes: readonly string[] }][]
  prices: [string, string][]
}

/** With amounts as digits, and without members that are undefined. */
function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value, (_key, member) => (typeof member === 'bigint' ? String(member) : member)))
}
