import type { Bench } from './bench.ts'
import { policyEvaluation } from './policy-evaluation.bench.ts'
import { walletEvm } from './wallet-evm.bench.ts'
import { walletHistory } from './wallet-history.bench.ts'
import { walletSolana } from './wallet-solana.bench.ts'
import { walletStart } from './wallet-start.bench.ts'

/** Every benchmark, in the order of the table. */
export const benches: readonly Bench[] = [policyEvaluation, walletEvm, walletSolana, walletHistory, walletStart]
