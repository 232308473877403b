export { type ChainControl, type Control, connectControl } from './control.ts'
export { type EvmNode, type EvmNodeOptions, startEvmNode } from './evm-node.ts'
export type { Misbehaviour, Rule } from './misbehaviour.ts'
export { type SolanaNode, type SolanaNodeOptions, startSolanaNode } from './solana-node.ts'
