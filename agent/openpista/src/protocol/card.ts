import { z } from 'zod'

/** Where a request came from, in words for a person. `trusted`: the owner wrote it. */
export const SourceView = z.object({ trusted: z.boolean(), label: z.string(), detail: z.string().optional() })
export type SourceView = z.infer<typeof SourceView>

/**
 * Something that waits for the owner. `tool`: a call that may be answered here. `limit`: a turn has used up what it
 * may use. `payment`: the wallet asks; here it can only be rejected, the owner's signature on the page behind `url`
 * approves.
 */
export const Card = z.object({
  id: z.string(),
  kind: z.enum(['tool', 'limit', 'payment']),
  title: z.string(),
  /** What exactly: the real arguments, amounts in both units, recipient, fee, balance, rule. */
  facts: z.array(
    z.object({ label: z.string(), value: z.string(), tone: z.enum(['plain', 'code', 'warning']).default('plain') }),
  ),
  reason: z.string(),
  sources: z.array(SourceView),
  buttons: z.array(
    z.object({
      decision: z.enum(['approve', 'reject', 'allow_for_session', 'open']),
      label: z.string(),
      url: z.string().optional(),
    }),
  ),
  /** Compared by the owner between the chat and the signing page. */
  shortCode: z.string().optional(),
  /** Unix seconds. */
  expiresAt: z.number().int(),
})
export type Card = z.infer<typeof Card>

export const CardOutcome = z.enum([
  'approved',
  'rejected',
  'allowed_for_session',
  'expired',
  'cancelled',
  'executed',
  'failed',
])
export type CardOutcome = z.infer<typeof CardOutcome>
