import type {
  BalanceChange,
  Effect,
  ErrorCode,
  Json,
  Network,
  NetworkName,
  NoticeCode,
  TokenRef,
  TransactionRequest,
} from '@waiaas/core'
import type { Transport } from './json-rpc.ts'
import type { Refusal } from './payment.ts'
import type { Holding, Token } from './token.ts'

/** How a network is reached, and what its owner sets for it. */
export type NodeOptions = Transport & {
  /** Nodes that serve it, the preferred one first. */
  rpcUrls: readonly string[]
  /** How much dearer than at first a transaction may become when it has to be replaced; part of the fee that is reserved. */
  feeHeadroomPercent: number
  /** Blocks below the newest one at which a block counts as final, where the operator does not trust what nodes call final. */
  finalityDepth?: bigint | undefined
}

export const FEE_HEADROOM_PERCENT = 50

/** A network of the configuration: its nodes, and what the operator set for it. */
export type ServedNetwork = { network: NetworkName } & Pick<NodeOptions, 'rpcUrls' | 'finalityDepth'>

/** A wallet as a chain sees it. */
export type Account = { address: string; publicKey: string }

/**
 * What a request would do on its chain, derived from the transaction that would be signed.
 * Plain data: it is stored with the row and read again after a restart.
 */
export type Draft = {
  effects: Effect[]
  /** What a simulation moved now, fees aside; absent where none was made. */
  changes?: BalanceChange[]
  /** The most this may cost in fees, base units of the native coin. Never exceeded when signing. */
  maxFee: bigint
  /** The most that a plain payment costs in fees now. Limits by amount count what `maxFee` is beyond that. */
  plainFee: bigint
  /** Where somebody else set the fee: the ceiling that this adapter would have set, at the price that it reads itself. */
  marketFee?: bigint
  /** Base units of what is sent, and of which asset; for display. */
  amount: bigint
  asset: { symbol: string; decimals: number; multiplier?: string }
  to: string
  /** What the adapter needs to build the bytes later. Private to the adapter. */
  plan: Json
}

export type DraftResult = { ok: true; draft: Draft } | { ok: false; code: ErrorCode; message: string }

/** Bytes for the signer, and how its signature makes the transaction that goes out. */
export type Signable = {
  /** What the signer signs: it hashes as the key's chain demands. */
  bytes: Uint8Array
  finish: (signature: Uint8Array) => Signed
}

export type Signed = {
  raw: Uint8Array
  /** Transaction id on its chain: 0x hash, or base58 signature. */
  hash: string
  /** Place in the account's sequence (EVM nonce), where the chain has one. */
  sequence: bigint | null
  /** Last block height at which the bytes can take effect, where the chain has one. */
  validUntil: bigint | null
  /**
   * A block (EVM: number; Solana: slot) before which the bytes cannot be in any: final when they were signed, or the
   * one whose blockhash they name. Null where none was known.
   */
  origin: bigint | null
  /** The most that the bytes can take from the account's coins, fees included. Null where the chain has no sequence, and for bytes that were made elsewhere. */
  cost: bigint | null
}

export type SentAttempt = Omit<Signed, 'cost'> & { from: string }

/** A block; on Solana the number is the slot. */
export type BlockRef = { number: bigint; hash: string }

/** That signed bytes can never take effect, as it was shown by one node, and the block that must be final for it to hold. */
export type Proof = {
  /** `count`: the nonce was used in this block, by others. `lists`: no block from the origin to this one has the bytes. */
  kind: 'count' | 'lists'
  block: BlockRef
  node: string
}

/** Bytes in a block, as a node tells it. */
export type Trace = { hash: string; node: string; block: BlockRef }

/** Signed bytes of which at most one can take effect: versions under one nonce, or a single transaction. */
export type Place = {
  versions: readonly SentAttempt[]
  /** What was proven earlier and is not final yet. */
  proof: Proof | null
  /** The block that listed one of them when it was last looked at. */
  block: BlockRef | null
}

/** What keeps an outcome from being proven, for people. */
export type Missing = { code: NoticeCode; message: string }

/** What is proven of a place. Only `final` ones stay true whatever a node says later. */
export type Outcome =
  /** `origin`: for versions that were signed without one. `reading`: the next question goes on with a search. */
  | { kind: 'waiting'; origin?: bigint; missing?: Missing; reading?: true }
  /** A block lists this version. `result`: whether it took effect, and its fee; absent while no node tells. */
  | { kind: 'included'; hash: string; block: BlockRef; final: boolean; result?: Result; missing?: Missing }
  /** None of the versions can take effect any more. */
  | { kind: 'dead'; proof: Proof; final: boolean; message: string; missing?: Missing }

/** What came of bytes in a block. `code`: why they failed, where the chain says it in a way that has one. */
export type Result = { succeeded: boolean; fee: bigint; message: string; code?: ErrorCode }

export type BroadcastOptions = {
  /** Asked in the same turn as each write to a socket; where it says no, that write does not happen. */
  mayLeave: () => boolean
  /** Which node comes first; counts on from one broadcast of the same bytes to the next. */
  startAt: number
}

/** What came of handing bytes to nodes. None of it proves that the bytes are not out. */
export type Broadcast =
  | { kind: 'accepted' }
  /** `unheard`: no node has said anything of the bytes, so that nothing is known of their fee. */
  | { kind: 'not accepted'; message: string; wants?: FeeWanted; unheard?: true }

/** What a node's refusal says about the fee of the next version. It decides nothing else. */
export type FeeWanted = {
  /** Too cheap to be taken, or to take the place of another version. */
  more?: true
  /** The tip per gas that it takes at least. */
  leastTip?: bigint
  /** The most that it lets a transaction cost in fees. */
  mostFee?: bigint
}

/** Signed bytes that take the place of others which are out: the same place in the sequence. */
export type Replacement =
  | { kind: 'signable'; signable: Signable }
  /** What is out pays enough. */
  | { kind: 'not needed' }
  /** The fee that was allowed, or what the account has, is too little for what the network asks; `lacks` in base units. */
  | { kind: 'too dear'; of: 'fee' | 'coins'; lacks: bigint; message: string }
  | { kind: 'unknown'; message: string }

export type ReplacementWanted = {
  /** Every version there is, the newest last. */
  versions: readonly SentAttempt[]
  /** The same effects, or nothing: a payment of nothing to the account itself. */
  by: 'itself' | 'nothing'
  /** Never costs more. */
  maxFee: bigint
  /** What nodes said of the newest version. */
  wants?: FeeWanted
}

/** What an account has, and how many transactions it had made, in one block. */
export type Funds = { balance: bigint; count: bigint }

/** An account's place in its sequence, as the nodes tell it. */
export type SequenceRead = {
  /** Transactions of the account in the newest block. */
  count: bigint
  /** The same with those that wait in a node's pool. */
  pending: bigint
  /** How many may be unconsumed at once. */
  most: number
}

/** Requests for `draft`, which says whether they would work. */
export type TokenAccounts = {
  /** Every token that a wallet has an account for, whoever opened it. */
  held: (owner: string) => Promise<{ ok: true; tokens: string[] } | { ok: false; message: string }>
  /** Sends all of a token and takes the account's deposit back, in one transaction. */
  emptying: (owner: string, token: string, amount: bigint, to: string) => Promise<TransactionRequest | undefined>
  /** Takes the deposits of empty accounts back, of as many as one transaction has room for; none: undefined. */
  closing: (
    owner: string,
  ) => Promise<{ ok: true; request: TransactionRequest | undefined } | { ok: false; message: string }>
}

/**
 * One network, as the engine sees it. Every member passes the cases of `chain-adapter.conformance.ts`.
 * A node that does not answer is `CHAIN_ERROR` as a value or `unknown`, never an exception.
 */
export type ChainAdapter = {
  network: Network
  /**
   * Asks every node whether it serves this network (chain id, genesis); one that does not is never used. `warning` names
   * it. `lacks`: what the others do not offer, a sentence per node.
   */
  connect: () => Promise<{ ok: true; warning?: string; lacks?: string } | { ok: false; message: string }>
  balance: (address: string) => Promise<{ ok: true; amount: bigint } | { ok: false; message: string }>
  /** What the chain says of a token; refused where something else was said of it. */
  token: (declared: TokenRef) => Promise<{ ok: true; token: Token } | Refusal>
  /** How much an account has of each of these tokens; addresses that are no tokens are left out. */
  holdings: (
    owner: string,
    tokens: readonly string[],
  ) => Promise<{ ok: true; holdings: Holding[] } | { ok: false; message: string }>
  /** Builds, simulates and decodes. Checks addresses, amounts, balance including fees. */
  draft: (request: TransactionRequest, from: Account) => Promise<DraftResult>
  /**
   * What is certain of a request before the chain is asked: effects that its draft will have, without its fee. It
   * can be refused by this, and never allowed. `undefined` where nothing is certain, or the request is at fault.
   */
  foresee: (request: TransactionRequest, from: Account) => Draft | undefined
  /**
   * As `draft`, for an unsigned transaction that was made elsewhere (hex, base64). It is signed as it is, with the
   * sequence that it has, and not sent: `signable` gives its bytes, whatever sequence it is called with.
   */
  draftOutside: (transaction: string, from: Account) => Promise<DraftResult>
  /** Where an account's sequence stands, on chains that have one; the engine then gives out gap-free numbers. */
  sequence?: (address: string) => Promise<({ ok: true } & SequenceRead) | { ok: false; message: string }>
  /**
   * Fresh lifetime (nonce or blockhash), bytes to sign. Same effects, fee at most the draft's ceiling. `tooDear`: the network
   * asks for more than that now.
   */
  signable: (
    draft: Draft,
    from: Account,
    sequence: bigint | null,
  ) => Promise<{ ok: true; signable: Signable } | { ok: false; code: ErrorCode; message: string; tooDear?: true }>
  /** For chains with a sequence: as they were a moment ago, or in the newest block. */
  funds?: (
    address: string,
    which: 'recent' | 'newest',
  ) => Promise<({ ok: true } & Funds) | { ok: false; message: string }>
  /** A payment of nothing to the account itself, which only uses a number of its sequence up. */
  filler?: (from: Account) => Promise<DraftResult>
  /** Hands bytes to one node after the other until one takes them. */
  broadcast: (signed: SentAttempt, how: BroadcastOptions) => Promise<Broadcast>
  /** On chains with a sequence: bytes under the nonce of others that are out. Asked for `itself`, only where a fee is too low. */
  replacement?: (wanted: ReplacementWanted) => Promise<Replacement>
  /** One answer per place, in order. Asks for many at once. */
  outcomes: (places: readonly Place[]) => Promise<{ ok: true; outcomes: Outcome[] } | { ok: false; message: string }>
  /** Of bytes that were called dead: which nodes have one of them in a block. Every node is asked. */
  traces: (hashes: readonly string[]) => Promise<{ ok: true; found: Trace[] } | { ok: false; message: string }>
  /**
   * On chains whose blocks may be named by number: whether each of these still is the one with its number, for all that
   * is known, and for certain (`shown`); and the hash of the first block, which tells another chain from the same one.
   */
  standing?: (
    blocks: readonly BlockRef[],
  ) => Promise<{ ok: true; standing: boolean[]; shown: boolean[]; genesis: string } | { ok: false; message: string }>
  /** True for a chain of one's own, which may be started anew under an old database. */
  startsAnew: boolean
  /** A wallet that is not emptied exactly has to keep this much of the native coin, on chains that demand it. */
  leastRemainder?: bigint
  /** Where tokens lie in accounts of their own: what a wallet has there, and how to give them up. */
  tokenAccounts?: TokenAccounts
  /** Whether an account that is a contract says that a signature over a hash is its own, on chains that have such. */
  contractSigned?: (
    address: string,
    hash: Uint8Array,
    signature: Uint8Array,
  ) => Promise<{ ok: true; signed: boolean } | { ok: false; message: string }>
  /** Calls back when a new block may have changed outcomes. Returns how to stop. */
  onBlock: (callback: () => void) => () => void
  close: () => Promise<void>
}
