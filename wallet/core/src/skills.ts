import { z } from 'zod'

/** A text that teaches an agent program a part of this API, as markdown. */
export const SkillView = z.object({ name: z.string(), content: z.string() }).meta({ id: 'Skill' })
export type SkillView = z.infer<typeof SkillView>
