import { z } from 'zod'

/** ACTIVATED: nothing is signed or sent. RECOVERING: the same, until the waiting time is over. */
export const KillSwitchView = z
  .object({
    state: z.enum(['NORMAL', 'ACTIVATED', 'RECOVERING']),
    activatedAt: z.number().int().optional(),
    /** `admin`, `owner:<address>`, `auto-stop`, or `signer` where it was found halted. */
    activatedBy: z.string().optional(),
    why: z.string().optional(),
    recoversAt: z.number().int().optional(),
  })
  .meta({ id: 'KillSwitch' })
export type KillSwitchView = z.infer<typeof KillSwitchView>
