import { z } from 'zod'
import { answerTo, definePolicyType } from './policy-type.ts'

const Rules = z.strictObject({
  max_requests: z.number().int().min(0).max(1_000_000),
  window_seconds: z.number().int().min(1).max(2_678_400),
})

/** At most so many transactions in a rolling window. */
export const rateLimit = definePolicyType({
  type: 'RATE_LIMIT',
  description: 'At most so many transactions in a rolling window',
  rules: Rules,
  raises: true,
  ask: (rules) => [{ kind: 'count', seconds: rules.window_seconds }],
  judge: (rules, _subject, facts) => {
    const count = answerTo(facts, { kind: 'count', seconds: rules.window_seconds }) + 1n
    if (count <= BigInt(rules.max_requests)) return []
    const message = `This would be transaction ${count} in ${rules.window_seconds} seconds; ${rules.max_requests} are allowed.`
    return [{ tier: 'DENY', code: 'RATE_LIMIT_EXCEEDED', message }]
  },
})
