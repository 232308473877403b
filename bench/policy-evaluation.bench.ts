import {
  type Effect,
  evaluate,
  type Facts,
  type Policy,
  policiesInForce,
  questionKey,
  questionsFor,
  type ReadPolicy,
  readPolicy,
} from '@waiaas/core'
import type { Bench, Row } from './bench.ts'
import { perSecond } from './measure.ts'

const NOW = 1_750_000_000
const RECIPIENT = '0x52908400098527886E0F7030069857D2E4169EE7'

/** How fast the policy judges one transaction, with all facts at hand: what the daemon does inside its database. */
export const policyEvaluation: Bench = {
  name: 'policy-evaluation',
  run: async (): Promise<Row[]> => {
    const rows = Array.from({ length: 50 }, (_, index) => policy(index))
    const policies = rows.map(readPolicy)
    const subject = { network: 'evm-local' as const, effects: [spend(10n ** 15n)], maxFee: 10n ** 14n }
    const facts = factsFor(policies, subject)
    const options = { rounds: 5, roundMs: 400 }
    const verdict = evaluate(policies, subject, facts)
    if (verdict.tier !== 'INSTANT') throw new Error(`the rules say ${verdict.tier}: ${JSON.stringify(verdict.reasons)}`)
    return [
      {
        what: 'policy: verdicts over 50 rules, all in force',
        unit: 'per second per core',
        value: perSecond(() => evaluate(policies, subject, facts), options),
        target: { atLeast: 20_000 },
        beside: {
          what: 'reading the same rules as JSON',
          value: perSecond(jsonReader(rows), options),
        },
      },
      {
        what: 'policy: choosing those in force among 50 rows, reading them, and the verdict',
        unit: 'per second per core',
        value: perSecond(() => evaluate(policiesInForce(rows, 'agent', 'evm-local'), subject, facts), options),
      },
    ]
  },
}

/** Rules of every kind that a transfer meets, each with a rolling window whose total is a fact. */
function policy(index: number): Policy {
  const kinds: { type: string; rules: unknown }[] = [
    {
      type: 'SPENDING_LIMIT',
      rules: { instant_max: '5000000000000000', windows: [{ seconds: 3600 + index, max: '1000000000000000000' }] },
    },
    { type: 'RATE_LIMIT', rules: { max_requests: 1_000_000, window_seconds: 60 + index } },
    { type: 'WHITELIST', rules: { allowed_addresses: [RECIPIENT] } },
    { type: 'COUNTERPARTY', rules: { first_payment: 'NOTIFY', look_alike: 'APPROVAL' } },
    { type: 'ALLOWED_NETWORKS', rules: { networks: [{ network: 'evm-local' }] } },
  ]
  const { type, rules } = kinds[index % kinds.length]!
  return { id: String(index).padStart(4, '0'), agentId: null, network: null, type, rules, priority: 0, enabled: true }
}

function spend(amount: bigint): Effect {
  return { kind: 'spend', asset: { network: 'evm-local', symbol: 'ETH', decimals: 18 }, amount, to: RECIPIENT }
}

/** The totals of a window with a thousand entries: summed when they are stored, so that a verdict reads one number. */
function factsFor(policies: readonly ReadPolicy[], subject: Parameters<typeof questionsFor>[1]): Facts {
  const spent = new Map<string, bigint>()
  for (const question of questionsFor(policies, subject)) {
    if (question.kind !== 'counterparty') spent.set(questionKey(question), 1000n)
  }
  const counterparties = new Map([[RECIPIENT, { known: true, lookAlikes: [] }]])
  return { now: NOW, spent, counterparties, prices: new Map() }
}

function jsonReader(policies: readonly Policy[]): () => unknown {
  const text = JSON.stringify(policies.map(({ rules }) => rules))
  return () => JSON.parse(text)
}
