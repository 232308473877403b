import { z } from 'zod'
import { durationText } from './duration.ts'
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
  ask: (rules) => [{ kind: 'count', seconds: rules.window_seconds }],
  judge: (rules, _subject, facts) => {
    const count = answerTo(facts, { kind: 'count', seconds: rules.window_seconds }) + 1n
    if (count <= BigInt(rules.max_requests)) return []
    const window = durationText(rules.window_seconds)
    const message = `This would be transaction ${count} in ${window}; ${rules.max_requests} are allowed.`
    return [{ tier: 'DENY', code: 'RATE_LIMIT_EXCEEDED', message }]
  },
  asStrict: (rules, than) => {
    if (than === undefined) return true
    if (rules === undefined) return false
    return rules.max_requests <= than.max_requests && rules.window_seconds >= than.window_seconds
  },
})
