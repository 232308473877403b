import { type Tier, tiers } from '../verdict.ts'

/** How a new set of rules stands to an old one. */
export type Strictness = 'equal' | 'tighter' | 'looser' | 'incomparable'

/** From what is at least as strict as what. */
export function strictnessOf(nextAsStrict: boolean, oldAsStrict: boolean): Strictness {
  if (nextAsStrict) return oldAsStrict ? 'equal' : 'tighter'
  return oldAsStrict ? 'looser' : 'incomparable'
}

export function tierAsStrict(tier: Tier, than: Tier): boolean {
  return tiers.indexOf(tier) >= tiers.indexOf(than)
}

/** Every one of `parts` has one in `others` that it stands to as `covered` says. */
export function eachCovered<Part>(
  parts: readonly Part[],
  others: readonly Part[],
  covered: (part: Part, by: Part) => boolean,
): boolean {
  return parts.every((part) => others.some((other) => covered(part, other)))
}
