import type {
  BalanceChange,
  Effect,
  ErrorCode,
  Json,
  Network,
  NetworkName,
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
}

export const FEE_HEADROOM_PERCENT = 50

/** A network of the configuration, and its nodes. */
export type ServedNetwork = { network: NetworkName; rpcUrls: readonly string[] }

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
  /** Base units of what is sent, and of which asset; for display. */
  amount: bigint
  asset: { symbol: string; decimals: number }
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
}

/** What is known after handing bytes to a node. Only `refused` says that they did not get in. */
export type Broadcast =
  | { kind: 'accepted' }
  | { kind: 'refused'; code: ErrorCode; message: string }
  | { kind: 'unknown'; message: string }

/** Where signed bytes stand. `dead` is proof that they can never take effect any more. */
export type Outcome =
  | { kind: 'waiting' }
  | { kind: 'confirmed'; fee: bigint; block: bigint; final: boolean }
  | { kind: 'failed'; fee: bigint; block: bigint; message: string }
  | { kind: 'dead'; message: string }

/** Signed bytes that take the place of others which are out: the same place in the sequence, for a higher fee. */
export type Replacement =
  | { kind: 'signable'; signable: Signable }
  /** What is out pays enough, or its place is used. */
  | { kind: 'not needed' }
  /** The fee that was allowed leaves no room for what the network asks. */
  | { kind: 'too dear'; message: string }
  | { kind: 'unknown'; message: string }

export type SentAttempt = Pick<Signed, 'raw' | 'hash' | 'sequence' | 'validUntil'> & { from: string }

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
  /** Asks every node whether it serves this network (chain id, genesis); one that does not is never used. `warning` names it. */
  connect: () => Promise<{ ok: true; warning?: string } | { ok: false; message: string }>
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
  /**
   * The chain's own next sequence number of an account, for chains that have one; the engine then hands
   * out gap-free numbers and signs one transaction of an account at a time.
   */
  nextSequence?: (address: string) => Promise<{ ok: true; sequence: bigint } | { ok: false; message: string }>
  /** Fresh lifetime (nonce or blockhash), bytes to sign. Same effects, fee at most the draft's ceiling. */
  signable: (
    draft: Draft,
    from: Account,
    sequence: bigint | null,
  ) => Promise<{ ok: true; signable: Signable } | { ok: false; code: ErrorCode; message: string }>
  broadcast: (signed: SentAttempt) => Promise<Broadcast>
  /**
   * On chains where the dearer of two transactions with one sequence number wins: bytes that take the place of
   * `sent`, which are out, and do exactly the same (`by: 'itself'`) or nothing at all. Asked for `itself`, it
   * is only made where the fee is what keeps `sent` waiting. Never costs more than `maxFee`.
   */
  replacement?: (sent: SentAttempt, by: 'itself' | 'nothing', maxFee: bigint) => Promise<Replacement>
  /** One answer per attempt, in order. Asks for many at once. */
  outcomes: (
    attempts: readonly SentAttempt[],
  ) => Promise<{ ok: true; outcomes: Outcome[] } | { ok: false; message: string }>
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
