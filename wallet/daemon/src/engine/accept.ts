import {
  canonicalHash,
  type ErrorCode,
  type Json,
  type NetworkName,
  networkOf,
  type SignRequest,
  type TransactionRequest,
} from '@waiaas/core'
import type { Kysely } from 'kysely'
import { type Agent, findWallet } from '../store/agents.ts'
import type { Tables } from '../store/tables.ts'
import {
  closingWith,
  countQueued,
  findByKey,
  type Settle,
  settleNew,
  type TransactionRow,
} from '../store/transactions.ts'
import type { Caller } from './engine.ts'
import { fault } from './fault.ts'
import { agentOf, spendingFault } from './judge.ts'
import type { Context } from './parts.ts'

/** What may be asked for and is stored: a payment to build, or a transaction made elsewhere to sign. */
export type Request = TransactionRequest | SignRequest

/** Judges a request and stores it with its verdict, in one database transaction. */
export type Judge = (row: TransactionRow, settle: Settle) => Promise<TransactionRow>

/**
 * Has a request judged under its key, or finds what the key stands for already. What is being judged is known to
 * this process only: if it ends there, nothing was stored, signed or answered, and the key is free.
 *
 * @returns `fresh` false for the row of an earlier call with the same key and body.
 * @throws AppError IDEMPOTENCY_*, the first call's error, or why this agent may not send on this network.
 */
export type Accept = (
  caller: Caller,
  request: Request,
  key: string,
  judge: Judge,
) => Promise<{ fresh: boolean; row: TransactionRow }>

export function createAccept(context: Context): Accept {
  const { db } = context
  const judging = new Map<string, { id: string; fingerprint: string }>()
  const judgeNew = async (
    caller: Caller,
    request: Request,
    stamp: { id: string; key: string; fingerprint: string },
    judge: Judge,
  ) => {
    const agent = await agentOf(db, caller.agentId)
    const refusal = spendingFault(agent)
    if (refusal !== undefined) throw refusal
    const row = await newRow(context, db, { id: stamp.id, agent, sessionId: caller.sessionId, request })
    const stored = { ...row, idempotency_key: stamp.key, fingerprint: stamp.fingerprint }
    const event = { type: 'TX_REQUESTED', actor: `session:${caller.sessionId}`, data: { request: request as Json } }
    const store = settleNew(stored, event)
    // Others may have come to wait while this one was judged: then nothing of it is stored.
    const settle: Settle = async (transaction, change, patch, ...events) => {
      if (change.to === 'QUEUED') await assertRoom(context, transaction, agent.id)
      if (change.to !== 'CANCELLED') await assertNoEqual(transaction, { ...row, ...patch }, request.despite)
      return await store(transaction, change, patch, ...events)
    }
    return await judge(stored, settle)
  }
  return async (caller, request, key, judge) => {
    const fingerprint = fingerprintOf(request)
    const place = `${caller.agentId} ${key}`
    const current = judging.get(place)
    if (current !== undefined) throw inProgress(current, fingerprint)
    const id = context.newId()
    judging.set(place, { id, fingerprint })
    try {
      const known = await findByKey(db, caller.agentId, key)
      if (known === undefined) {
        await assertRoom(context, db, caller.agentId)
        return { fresh: true, row: await judgeNew(caller, request, { id, key, fingerprint }, judge) }
      }
      if (known.fingerprint !== fingerprint) throw conflict({ transactionId: known.id })
      return { fresh: false, row: known }
    } finally {
      judging.delete(place)
    }
  }
}

/** What makes two requests equal. */
function fingerprintOf({ despite: _, ...request }: Request): string {
  return canonicalHash(request as Json)
}

/**
 * While an equal payment that was given up may still be made, a second one would pay twice. Equal is what does the
 * same, in whatever words it was asked for.
 */
async function assertNoEqual(
  db: Kysely<Tables>,
  wanted: Pick<TransactionRow, 'agent_id' | 'network' | 'effects'>,
  despite: string | undefined,
): Promise<void> {
  const open = (await closingWith(db, wanted)).filter(({ id }) => id !== despite)
  const [first] = open
  if (first === undefined) return
  const message = `An equal payment, ${first.id}, was given up and may still be made.`
  throw fault('EQUAL_REQUEST_OPEN', message, { transactionId: first.id })
}

/** Each payment that waits is judged again in its time and shown to people: an agent cannot pile them up. */
async function assertRoom({ settings }: Context, db: Kysely<Tables>, agentId: string): Promise<void> {
  const waiting = await countQueued(db, agentId)
  if (waiting < settings.maxQueued) return
  throw fault('TOO_MANY_QUEUED', `${waiting} payments of this agent wait already.`, { limit: settings.maxQueued })
}

/** The network of a request that may leave it out, if this daemon serves it. */
export function networkFor(context: Context, request: Request, fallback: NetworkName): NetworkName {
  const network = request.network ?? fallback
  const { environment } = networkOf(network)
  if (environment !== context.settings.environment) {
    throw fault('ENVIRONMENT_NETWORK_MISMATCH', `${network} belongs to the environment ${environment}.`)
  }
  if (!context.adapters.has(network)) {
    throw fault('CHAIN_NOT_SUPPORTED', `This daemon is not connected to ${network}.`)
  }
  return network
}

export async function walletOn(db: Kysely<Tables>, agentId: string, network: NetworkName) {
  const { family } = networkOf(network)
  const wallet = await findWallet(db, agentId, family)
  if (wallet === undefined) throw fault('CHAIN_NOT_SUPPORTED', `This agent has no wallet for ${network}.`)
  return wallet
}

/** A request as a row that is not judged yet. */
export async function newRow(
  context: Context,
  db: Kysely<Tables>,
  { id, agent, sessionId, request }: { id: string; agent: Agent; sessionId: string | null; request: Request },
): Promise<Omit<TransactionRow, 'idempotency_key' | 'fingerprint'>> {
  const network = networkFor(context, request, agent.default_network)
  const wallet = await walletOn(db, agent.id, network)
  const now = context.now()
  return {
    id,
    agent_id: agent.id,
    session_id: sessionId,
    origin: 'session',
    wallet_id: wallet.id,
    network,
    type: request.type,
    request: JSON.stringify(request),
    status: 'PENDING',
    outcome_unknown: 0,
    tier: null,
    reasons: '[]',
    effects: '[]',
    draft: null,
    max_fee: null,
    fee: null,
    policy_version: null,
    downgraded: 0,
    executes_at: null,
    approval_expires_at: null,
    approval_nonce: null,
    approved_at: null,
    error_code: null,
    error_message: null,
    hash: null,
    notice: null,
    closing: null,
    closing_since: null,
    created_at: now,
    updated_at: now,
  }
}

function inProgress(current: { id: string; fingerprint: string }, fingerprint: string): Error {
  const details = { transactionId: current.id }
  if (current.fingerprint !== fingerprint) return conflict(details)
  return fault('IDEMPOTENCY_IN_PROGRESS', 'The first request with this key is still being judged.', details)
}

function conflict(details: { transactionId: string }): Error {
  return fault('IDEMPOTENCY_CONFLICT', 'This Idempotency-Key belongs to another request.', details)
}

/** The error that `send` answered with, for a row that was refused before it ever waited or ran. */
export function firstRefusal(row: TransactionRow): Error | undefined {
  const waited = row.executes_at !== null || row.approval_expires_at !== null
  if (row.status !== 'CANCELLED' || row.error_code === null || waited) return undefined
  const details = { transactionId: row.id, reasons: JSON.parse(row.reasons) as unknown }
  return fault(row.error_code as ErrorCode, row.error_message ?? '', details)
}
