import { z } from 'zod'
import { BalanceChangeView, EffectView } from './effect.ts'
import { ApproveRequest } from './requests/approve.ts'
import { BatchRequest } from './requests/batch.ts'
import { ContractCallRequest } from './requests/contract-call.ts'
import { TokenTransferRequest } from './requests/token-transfer.ts'
import { TransferRequest } from './requests/transfer.ts'
import { ReasonView, Tier } from './verdict.ts'

/**
 * Where a transaction is. PENDING: stored, not yet judged. QUEUED: waits for time or for the owner.
 * EXECUTING: allowed, amount reserved. SIGNED: signed bytes stored; no node has had them yet.
 * SUBMITTED: out; its end is not yet proven. The other five are final. A transaction made elsewhere stays
 * SIGNED until the chain shows it or proves that it never can: who asked for it sends it, or not.
 */
export const statuses = [
  'PENDING',
  'QUEUED',
  'EXECUTING',
  'SIGNED',
  'SUBMITTED',
  'CONFIRMED',
  'FAILED',
  'CANCELLED',
  'EXPIRED',
] as const
export const TransactionStatus = z.enum(statuses)
export type TransactionStatus = z.infer<typeof TransactionStatus>

/**
 * The one transition table.
 *
 * QUEUED -> QUEUED: judged again and held for something stricter. SUBMITTED -> EXECUTING: every signature made so far
 * is proven dead, so a new one may be made after another judgement, which may hold it (EXECUTING -> QUEUED).
 * CONFIRMED -> SUBMITTED: the block vanished. EXECUTING -> CANCELLED: nothing was signed.
 * SUBMITTED -> CANCELLED: something that does nothing took its place for good.
 */
export const transitions: Readonly<Record<TransactionStatus, readonly TransactionStatus[]>> = {
  PENDING: ['QUEUED', 'EXECUTING', 'CANCELLED'],
  QUEUED: ['QUEUED', 'EXECUTING', 'CANCELLED', 'EXPIRED'],
  EXECUTING: ['QUEUED', 'SIGNED', 'FAILED', 'CANCELLED'],
  SIGNED: ['SUBMITTED', 'CONFIRMED', 'FAILED', 'CANCELLED'],
  SUBMITTED: ['EXECUTING', 'CONFIRMED', 'FAILED', 'CANCELLED'],
  CONFIRMED: ['SUBMITTED'],
  FAILED: [],
  CANCELLED: [],
  EXPIRED: [],
}

/** True when nothing will happen to the transaction any more (a deep reorganisation of CONFIRMED aside). */
export function isFinal(status: TransactionStatus): boolean {
  return status === 'CONFIRMED' || transitions[status].length === 0
}

/** What keeps a transaction from its end, or what is not proven about the end that it came to. */
export const noticeCodes = [
  /** No node has taken the bytes yet; the same bytes are sent again. */
  'NOT_ACCEPTED',
  /** A node has said that it has it, and no block has taken it for longer than usual; the same bytes are sent to each node. */
  'NOT_MINED',
  /** A cancellation is on its way; either it or the payment takes effect. */
  'CANCELLING',
  /** The payment was given up; it ends when its place is used by something else. */
  'CLOSING',
  /** The network asks for a higher fee than was allowed. */
  'FEE_CEILING',
  /** The wallet cannot pay the fee of what closes the place. */
  'CLOSER_NEEDS_FUNDS',
  /** No node tells which block is final. */
  'FINALITY_UNAVAILABLE',
  /** No node has the blocks that a proof needs. */
  'HISTORY_UNAVAILABLE',
  /** It is in a block, and no node tells what came of it. */
  'RECEIPT_UNAVAILABLE',
  /** Nothing is signed for this account until the operator has looked at it. */
  'ACCOUNT_HELD',
  /** An earlier transaction of the account has to be taken first. */
  'WAITS_BEHIND',
  /** It could not be signed for another reason, such as a node or the signer that does not respond; it is tried again. */
  'NOT_SIGNED',
  /** The operator ended it without a proof; its bytes are still followed. */
  'WRITTEN_OFF',
  /** It was ended as not paid, and a block has it for good. */
  'FOUND_PAID',
] as const
export const NoticeCode = z.enum(noticeCodes)
export type NoticeCode = z.infer<typeof NoticeCode>

/** Why a transaction is not over yet, or what is not proven about its end. */
export const Notice = z
  .object({
    code: NoticeCode,
    message: z.string(),
    /** What the node said last, made printable. */
    nodeWords: z.string().optional(),
    nonce: z.string().optional(),
    /** Unix seconds. */
    since: z.number().int(),
    waitsFor: z.string(),
    /** How long that usually takes. */
    usually: z.string(),
  })
  .meta({ id: 'Notice' })
export type Notice = z.infer<typeof Notice>

/** The body of POST /v1/transactions/send. Without a `type` it is a TRANSFER. */
export const TransactionRequest = z.discriminatedUnion('type', [
  TransferRequest,
  TokenTransferRequest,
  ContractCallRequest,
  ApproveRequest,
  BatchRequest,
])
export type TransactionRequest = z.infer<typeof TransactionRequest>

/** A transaction as callers see it. Times are unix seconds. */
export const TransactionView = z
  .object({
    id: z.uuid(),
    agentId: z.uuid(),
    type: z.string(),
    network: z.string(),
    from: z.string(),
    to: z.string().optional(),
    status: TransactionStatus,
    /** True while bytes are out and the chain does not tell whether they took effect. */
    outcomeUnknown: z.boolean(),
    tier: Tier.optional(),
    reasons: z.array(ReasonView),
    effects: z.array(EffectView),
    amount: z.string().optional(),
    humanAmount: z.string().optional(),
    symbol: z.string().optional(),
    /** Highest fee that may be paid, base units of the native coin; what was paid, once known. */
    maxFee: z.string().optional(),
    fee: z.string().optional(),
    memo: z.string().optional(),
    hash: z.string().optional(),
    /** Of a transaction that was made elsewhere, once it is signed and while its agent may spend: the bytes to send, encoded as they came. */
    signedTransaction: z.string().optional(),
    /** True once the payment was given up, while its bytes may still take effect. */
    closing: z.boolean(),
    notice: Notice.optional(),
    error: z.object({ code: z.string(), message: z.string() }).optional(),
    downgraded: z.boolean(),
    executesAt: z.number().int().optional(),
    approval: z.object({ expiresAt: z.number().int(), url: z.string() }).optional(),
    policyVersion: z.number().int().optional(),
    createdAt: z.number().int(),
    updatedAt: z.number().int(),
  })
  .meta({ id: 'Transaction' })
export type TransactionView = z.infer<typeof TransactionView>

/** The answer of POST /v1/transactions/simulate: what would happen. Nothing is stored. */
export const SimulationView = z
  .object({
    effects: z.array(EffectView),
    /** What a trial moved, fees aside: balances of the wallet and of who is paid. Absent where none was made. */
    changes: z.array(BalanceChangeView).optional(),
    tier: Tier,
    code: z.string().optional(),
    reasons: z.array(ReasonView),
    amount: z.string(),
    humanAmount: z.string(),
    symbol: z.string(),
    maxFee: z.string(),
    humanMaxFee: z.string(),
    balance: z.object({ before: z.string(), after: z.string() }),
    delaySeconds: z.number().int().optional(),
    policyVersion: z.number().int(),
    /** Of what the rules said about which effects; the judgement of a transaction that is sent has one too. */
    traceHash: z.string(),
  })
  .meta({ id: 'Simulation' })
export type SimulationView = z.infer<typeof SimulationView>
