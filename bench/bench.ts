/** One line of the table: what was measured, the figure that is aimed at, and what a user would pick instead. */
export type Row = {
  what: string
  /** Such as `per second`, `ms p50`, `MiB`. */
  unit: string
  value: number
  /** The figure to reach, from `at least` or `at most`. */
  target?: Target
  /** The same measured on something else in the same run: a limit of the machine or of the chain, or a rival. */
  beside?: { what: string; value: number }
}

export type Target = { atLeast: number } | { atMost: number }

/** One benchmark. It brings up what it needs, measures, and takes everything down again. */
export type Bench = {
  name: string
  run: () => Promise<Row[]>
}

/** Whether a row reaches its target; undefined when it has none. */
export function reachesTarget({ value, target }: Row): boolean | undefined {
  if (target === undefined) return undefined
  return 'atLeast' in target ? value >= target.atLeast : value <= target.atMost
}
