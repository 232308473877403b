import { AppError, newId } from '@openpista/common'
import type { ErrorCode, NetworkName } from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import type { ChainAdapter, Draft, Signed } from '../chains/chain-adapter.ts'
import { type AttemptRow, insertAttempt } from '../store/attempts.ts'
import { setLaneNext } from '../store/lanes.ts'
import type { Tables } from '../store/tables.ts'
import type { Context } from './parts.ts'

export type Wallet = Selectable<Tables['wallets']>

export type SignResult =
  | { ok: true; signed: Signed }
  /** `lasting`: trying again will not help. */
  | { ok: false; code: ErrorCode; message: string; lasting: boolean }

/** Builds the bytes for a fresh lifetime and has the signer sign them. Nothing leaves the process. */
export async function signDraft(
  context: Context,
  adapter: ChainAdapter,
  wallet: Wallet,
  draft: Draft,
  sequence: bigint | null,
): Promise<SignResult> {
  const result = await signWith(context, adapter, wallet, draft, sequence)
  if (!result.ok || result.signed.sequence === sequence) return result
  throw new Error(`asked to sign number ${sequence}, signed ${result.signed.sequence}`)
}

/** Has a transaction signed that was made elsewhere, as it is: with the sequence and the lifetime that it has. */
export async function signOutside(
  context: Context,
  adapter: ChainAdapter,
  wallet: Wallet,
  draft: Draft,
): Promise<SignResult> {
  return await signWith(context, adapter, wallet, draft, null)
}

async function signWith(
  context: Context,
  adapter: ChainAdapter,
  wallet: Wallet,
  draft: Draft,
  sequence: bigint | null,
): Promise<SignResult> {
  const account = { address: wallet.address, publicKey: wallet.public_key }
  const built = await adapter.signable(draft, account, sequence)
  if (!built.ok) return { ...built, lasting: built.code !== 'CHAIN_ERROR' }
  try {
    const signature = await context.signer.sign(wallet.key_id, built.signable.bytes)
    return { ok: true, signed: built.signable.finish(signature) }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return await signerRefusal(context, error.message)
  }
}

/**
 * A halted signer ends the transaction: what the kill switch stopped must not go out by itself when it is
 * released. A signer that is only gone will be back.
 */
async function signerRefusal(context: Context, message: string): Promise<SignResult> {
  let halted = false
  try {
    halted = await context.signer.halted()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
  }
  if (!halted) return { ok: false, code: 'KEYSTORE_LOCKED', message, lasting: false }
  return { ok: false, code: 'SYSTEM_LOCKED', message: 'The kill switch is on: nothing is signed.', lasting: true }
}

/** Stores signed bytes, in the database transaction after which they may leave the process. */
export async function keepSignature(
  db: Kysely<Tables>,
  now: number,
  signature: {
    transactionId: string
    network: NetworkName
    address: string
    signed: Signed
    purpose: AttemptRow['purpose']
    /** The account's next number before this signature; null where the chain has none. */
    next: bigint | null
  },
): Promise<AttemptRow> {
  const { transactionId, network, address, signed, purpose, next } = signature
  const attempt: AttemptRow = {
    id: newId(),
    transaction_id: transactionId,
    network,
    address,
    sequence: signed.sequence?.toString() ?? null,
    hash: signed.hash,
    raw: signed.raw,
    valid_until: signed.validUntil?.toString() ?? null,
    purpose,
    state: 'LIVE',
    created_at: now,
  }
  await insertAttempt(db, attempt)
  if (next !== null && signed.sequence !== null) {
    await setLaneNext(db, network, address, next > signed.sequence ? next : signed.sequence + 1n)
  }
  return attempt
}
