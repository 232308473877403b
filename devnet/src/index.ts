export { type AnvilProcess, startAnvilProcess } from './anvil-process.ts'
export { type ChainControl, type Control, connectControl } from './control.ts'
export {
  BOX_ABI,
  deployBox,
  deployErc20,
  deployFeeErc20,
  deployItems,
  deployOwnerFactory,
  deployShareErc20,
  deployTrickster,
  ERC20_ABI,
  type Erc20Options,
  OWNER_FACTORY_ABI,
} from './deploy-evm.ts'
export {
  createSplMint,
  createToken2022Mint,
  createTransferFeeMint,
  type MintExtensions,
  type MintOptions,
  type SolanaMint,
  type TransferFeeMintOptions,
} from './deploy-solana.ts'
export { type EvmNode, type EvmNodeOptions, startEvmNode } from './evm-node.ts'
export type { Misbehaviour, Rule } from './misbehaviour.ts'
export type { EvmPersonality, EvmSituation } from './personalities/evm-personality.ts'
export { evmPersonalities, solanaPersonalities } from './personalities/personalities.ts'
export type { SolanaPersonality, SolanaSituation } from './personalities/solana-personality.ts'
export { type Vocable, vocabulary } from './personalities/vocabulary.ts'
export type { BalancerAct, EvmAct, SolanaAct } from './proxy/acts.ts'
export { type BalancerOptions, startBalancer } from './proxy/balancer.ts'
export { type EvmProxyOptions, startEvmProxy } from './proxy/evm-proxy.ts'
export type { NodeProxy } from './proxy/serve-node.ts'
export { type SolanaProxyOptions, startSolanaProxy } from './proxy/solana-proxy.ts'
export { type SolanaNode, type SolanaNodeOptions, startSolanaNode } from './solana-node.ts'
