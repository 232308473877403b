import type { Bench } from './bench.ts'
import { policyEvaluation } from './policy-evaluation.bench.ts'

/** Every benchmark, in the order of the table. */
export const benches: readonly Bench[] = [policyEvaluation]
