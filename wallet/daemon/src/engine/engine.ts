import type {
  NetworkName,
  Policy,
  SignRequest,
  SimulationView,
  TransactionRequest,
  TransactionView,
} from '@waiaas/core'
import type { WriteOff } from './by-hand.ts'
import type { OwnerApproval } from './hold.ts'
import type { KillSwitch } from './kill-switch.ts'
import type { Sweep, Sweeps } from './sweep.ts'

export type Caller = { agentId: string; sessionId: string }

/**
 * Everything that moves money goes through here. One loop, `run`, advances a transaction until nothing
 * changes; waiting is a status. Expected failures are AppErrors with a code of `@waiaas/core`.
 */
export type Engine = {
  /**
   * Stores the request under its idempotency key, judges it, and starts it. Answers once the policy has
   * spoken, or with `waitSeconds` as `wait` does. The same key and body answer the same transaction, also after a restart.
   *
   * @throws AppError IDEMPOTENCY_CONFLICT, IDEMPOTENCY_IN_PROGRESS, the code of the strictest rule on DENY
   * (details `{transactionId, reasons}`), and the drafting codes (INVALID_ADDRESS, INSUFFICIENT_BALANCE, …).
   */
  send: (
    caller: Caller,
    request: TransactionRequest,
    idempotencyKey: string,
    waitSeconds?: number,
  ) => Promise<TransactionView>
  /**
   * The same for a transaction that was made elsewhere. Where the policy lets it pass at once it is signed before
   * the answer; nothing is sent. @throws AppError as `send`, and where it cannot be signed.
   */
  sign: (caller: Caller, request: SignRequest, idempotencyKey: string) => Promise<TransactionView>
  /** The same drafting, rules and facts as `send`; nothing is stored. `sessionId` null: as if no session spoke. `rows`: by these policies. */
  simulate: (
    caller: { agentId: string; sessionId: string | null },
    request: TransactionRequest,
    rows?: readonly Policy[],
  ) => Promise<SimulationView>
  /**
   * QUEUED -> CANCELLED. What is out is given up: it stays SUBMITTED until the chain has decided between the payment
   * and what takes its place.
   */
  cancel: (id: string, actor: string) => Promise<TransactionView>
  /** After an owner's signature was verified for exactly this content: re-drafts, compares, re-judges, runs. */
  approve: (id: string, approval: OwnerApproval) => Promise<TransactionView>
  reject: (id: string, ownerAddress: string) => Promise<TransactionView>
  /** The transaction as callers see it; `undefined` when there is none. */
  view: (id: string) => Promise<TransactionView | undefined>
  /** Resolves when the transaction is final, or after `seconds`; answers how it stands then. */
  wait: (id: string, seconds: number) => Promise<TransactionView>
  /** Takes up every open transaction. Called once at start. */
  recover: () => Promise<void>
  /** Stops taking new work, lets what runs come to a durable point. */
  close: () => Promise<void>
}

/** Decisions of the operator about payments whose end is not proven. */
export type EngineByHand = {
  /** Takes back that a payment was given up. @throws AppError TX_ALREADY_PROCESSED. */
  continue: (id: string, actor: string) => Promise<TransactionView>
  /** Allows a higher fee for what ends a payment that was given up. @throws AppError TX_ALREADY_PROCESSED, VALIDATION_FAILED. */
  raiseMaxFee: (id: string, maxFee: bigint, actor: string) => Promise<TransactionView>
  /** Proves an end on a node that the operator names. @throws AppError CHAIN_ERROR, OUTCOME_UNKNOWN, TX_ALREADY_PROCESSED. */
  prove: (id: string, rpcUrl: string, actor: string) => Promise<TransactionView>
  /** Ends a payment without a proof. @throws AppError VALIDATION_FAILED, TX_ALREADY_PROCESSED. */
  writeOff: (id: string, how: WriteOff, actor: string) => Promise<TransactionView>
  /** Accounts for which nothing is signed until they are released, and why. */
  heldAccounts: () => Promise<{ network: NetworkName; address: string; why: string }[]>
  /** Signs nothing for any account until it is released: the database may be older than what was signed. */
  holdAccounts: (why: string) => Promise<void>
  /** False where nothing held the account. */
  releaseAccount: (network: NetworkName, address: string, actor: string) => Promise<boolean>
  /** Stops an agent in this process at once; the database follows. */
  stopAgent: (agentId: string) => void
  resumeAgent: (agentId: string) => void
}

/** What ends and empties. */
export type EngineStops = Pick<Sweeps, 'sweepable' | 'sweepableTokens' | 'closable'> & {
  killSwitch: KillSwitch
  /** Pays everything to the owner, whatever the policy says; answers the payment. @throws AppError. */
  sweep: (sweep: Sweep) => Promise<TransactionView>
}

/** What time and the chains ask of the engine. */
export type EngineJobs = {
  /** Runs what has waited long enough, ends what waited too long, tries again what could not go on. */
  runDue: () => Promise<void>
  /** Asks one chain how everything stands that was sent to it, and books the answers. */
  follow: (network: NetworkName) => Promise<void>
}
