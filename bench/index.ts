import { agentCli } from './agent-cli.bench.ts'
import { agentMemory } from './agent-memory.bench.ts'
import { agentSize } from './agent-size.bench.ts'
import { agentStart } from './agent-start.bench.ts'
import { agentTurn } from './agent-turn.bench.ts'
import type { Bench } from './bench.ts'
import { policyEvaluation } from './policy-evaluation.bench.ts'
import { walletEvm } from './wallet-evm.bench.ts'
import { walletHistory } from './wallet-history.bench.ts'
import { walletSolana } from './wallet-solana.bench.ts'
import { walletStart } from './wallet-start.bench.ts'

const wallet: readonly Bench[] = [policyEvaluation, walletEvm, walletSolana, walletHistory, walletStart]
const agent: readonly Bench[] = [agentTurn, agentStart, agentMemory, agentCli, agentSize]

/** Every benchmark, in the order of the table. */
export const benches: readonly Bench[] = [...wallet, ...agent]
