import type { Point } from '../../wallet/daemon/src/engine/testing/crash-plan.ts'

const victims = ['daemon', 'both', 'signer'] as const

/** Before and after each step, each time with other victims. */
export function around(...steps: string[]): Point[] {
  return steps.flatMap((what, index) => [
    { when: 'before', what, victim: victims[(2 * index) % 3]! } as const,
    { when: 'after', what, victim: victims[(2 * index + 1) % 3]! } as const,
  ])
}

/** For `test.each`: what a reader of the report sees, and the point. */
export function named(points: readonly Point[]): [string, Point][] {
  return points.map((point) => [`${point.when} ${point.what}, killing ${point.victim}`, point])
}
