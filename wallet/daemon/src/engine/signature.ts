import { AppError } from '@openpista/common'
import type { ErrorCode, NetworkName } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { ChainAdapter, Draft, Signable, Signed } from '../chains/chain-adapter.ts'
import { type AttemptRow, insertAttempt } from '../store/attempts.ts'
import { setLaneNext } from '../store/lanes.ts'
import type { Tables } from '../store/tables.ts'
import type { Context } from './parts.ts'
import type { Wallet } from './wallet-source.ts'

export type SignResult =
  | { ok: true; signed: Signed }
  /** `lasting`: trying again will not help. `tooDear`: it will when the network is cheaper. */
  | { ok: false; code: ErrorCode; message: string; lasting: boolean; tooDear?: true }

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
  return await signBytes(context, wallet, built.signable)
}

/** Has the signer sign. Nothing leaves the process. */
export async function signBytes(
  context: Context,
  wallet: Pick<Wallet, 'key_id'>,
  signable: Signable,
): Promise<SignResult> {
  try {
    return { ok: true, signed: signable.finish(await context.signer.sign(wallet.key_id, signable.bytes)) }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return await signerRefusal(context, error)
  }
}

/** What the signer says of a key that it cannot use; no later attempt finds it otherwise. */
const UNUSABLE = ['KEY_NOT_FOUND', 'KEYSTORE_DAMAGED']

/**
 * A halted signer ends the transaction: what the kill switch stopped must not go out by itself when it is
 * released. So does a key that cannot be used: what it was for must not go out when somebody brings it back.
 * A signer that is only gone will be back.
 */
async function signerRefusal(context: Context, { code, message }: AppError): Promise<SignResult> {
  if (UNUSABLE.includes(code)) {
    context.log.error({ code, message }, 'A key cannot be used. Look with: waiaas doctor')
    const told = 'The key of this wallet is missing or damaged; nothing was signed.'
    return { ok: false, code: 'KEYSTORE_LOCKED', message: told, lasting: true }
  }
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
  { id, now }: { id: string; now: number },
  signature: {
    transactionId: string
    network: NetworkName
    address: string
    signed: Signed
    purpose: AttemptRow['purpose']
    /** The account's next number before this signature; null where the chain has none, or it takes no new one. */
    next: bigint | null
    /** The signature whose place it takes. */
    replaces: string | null
  },
): Promise<AttemptRow> {
  const { transactionId, network, address, signed, purpose, next, replaces } = signature
  const attempt: AttemptRow = {
    id,
    transaction_id: transactionId,
    network,
    address,
    sequence: signed.sequence?.toString() ?? null,
    hash: signed.hash,
    raw: signed.raw,
    valid_until: signed.validUntil?.toString() ?? null,
    purpose,
    replaces,
    state: 'LIVE',
    origin: signed.origin?.toString() ?? null,
    cost: signed.cost?.toString() ?? null,
    block_number: null,
    block_hash: null,
    proof: null,
    next_look: null,
    looks: 0,
    created_at: now,
  }
  await insertAttempt(db, attempt)
  if (next !== null && signed.sequence !== null) {
    await setLaneNext(db, network, address, next > signed.sequence ? next : signed.sequence + 1n)
  }
  return attempt
}
