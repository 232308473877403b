import { z } from 'zod'

/** What happens to a transaction, from the freest to the strictest. */
export const tiers = ['INSTANT', 'NOTIFY', 'DELAY', 'APPROVAL', 'DENY'] as const
export const Tier = z.enum(tiers)
export type Tier = z.infer<typeof Tier>

/** The stricter of two tiers. */
export function stricter(a: Tier, b: Tier): Tier {
  return tiers.indexOf(a) >= tiers.indexOf(b) ? a : b
}

/** One rule's opinion on one effect, in words a person reads. `code` is set where the tier is DENY. */
export const ReasonView = z
  .object({
    rule: z.string(),
    policyId: z.string().optional(),
    effect: z.number().int().optional(),
    tier: Tier,
    code: z.string().optional(),
    message: z.string(),
  })
  .meta({ id: 'Reason' })
export type Reason = z.infer<typeof ReasonView>
