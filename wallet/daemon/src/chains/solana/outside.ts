import { base58 } from '@scure/base'
import type { Effect } from '@waiaas/core'
import { z } from 'zod'
import type { Account, DraftResult, Signable } from '../chain-adapter.ts'
import { type Refusal, refuse } from '../payment.ts'
import type { RpcResult } from '../rpc-result.ts'
import { readAccounts, readTable } from './accounts.ts'
import type { SolanaLifetime } from './blockhash.ts'
import { budgetOf } from './compute-budget.ts'
import type { SolanaContext } from './context.ts'
import { decodeSolana } from './decode.ts'
import { type Envelope, openEnvelope, sealEnvelope } from './envelope.ts'
import { checkLifetime, nonceAdvance } from './lifetime.ts'
import { feeOf, signaturesIn } from './message.ts'
import { observe } from './observe.ts'
import { ordinaryPrice, readPrices } from './prices.ts'
import { LOOKUP_TABLE_PROGRAM } from './programs.ts'
import { decodeMessage, type ReadMessage, readMessage, signersOf, type Tables, tablesOf } from './read-message.ts'
import { checkPaid } from './recipients.ts'
import { sanitizeFault } from './sanitize.ts'
import { explainFailure } from './transaction-error.ts'
import { factsOf, type Trial, tryTransaction } from './trial.ts'

/** The plan of a transaction that was made elsewhere: exactly its bytes. */
export const OutsidePlan = z.object({ outside: z.base64() })

/** The largest transaction of any version. */
const MAX_BYTES = 4_096

/** Judges an unsigned transaction that was made elsewhere and would be signed as it is. */
export async function draftOutside(
  context: SolanaContext,
  text: string,
  { address: wallet }: Account,
): Promise<DraftResult> {
  const opened = openOutside(text, wallet)
  if (!opened.ok) return opened
  const { envelope, bytes } = opened
  const tables = await readTables(context, envelope.message)
  if (!tables.ok) return refuse('CHAIN_ERROR', tables.failure.message)
  const read = readMessage(envelope.message, tables.value)
  if (!read.ok) return invalid(read.why)
  const { message } = read
  const fee = feeIn(message, wallet)
  if (!fee.ok) return invalid(fee.why)
  const [lifetime, prices, tried] = await Promise.all([
    checkLifetime(context, message),
    readPrices(context, message.writable),
    tryOut(context, bytes, message),
  ])
  if (lifetime !== undefined) return lifetime
  if (!prices.ok) return refuse('CHAIN_ERROR', prices.failure.message)
  if (!tried.ok) return tried
  const { trial } = tried
  if (trial.err !== null) {
    return refuse(
      'SIMULATION_FAILED',
      `The transaction would fail: ${explainFailure(trial.err, envelope.message).why}.`,
    )
  }
  const facts = await factsOf(context, trial, wallet, tables.value)
  if (!facts.ok) return refuse('CHAIN_ERROR', facts.failure.message)
  const told = decodeSolana(envelope.message, facts.value)
  const paid = told.flatMap((each) => (each.kind === 'spend' && each.asset.address === undefined ? [each.to] : []))
  const unpayable = checkPaid(paid, [], trial.before, message.instructions)
  if (unpayable !== undefined) return unpayable
  const observed = observe(told, trial, facts.value, fee.most)
  const effects = trial.after === undefined ? [...observed.effects, tried.blind] : observed.effects
  const coins = effects.flatMap((each) => (each.kind === 'spend' && each.asset.address === undefined ? [each] : []))
  return {
    ok: true,
    draft: {
      ...observed,
      effects,
      maxFee: fee.most,
      plainFee: feeOf({ units: 0, unitPrice: 0n }, 1),
      marketFee: fee.at(ordinaryPrice(prices.value, context.traits)),
      amount: coins.reduce((sum, { amount }) => sum + amount, 0n),
      asset: context.network.native,
      to: coins[0]?.to ?? wallet,
      plan: { outside: text },
    },
  }
}

/** What cannot be read may live for ever, as one with a durable nonce does. */
function mayLiveForEver(message: Uint8Array): boolean {
  const read = readMessage(message, new Map())
  return !read.ok || nonceAdvance(read.message) !== undefined
}

type Opened = { ok: true; bytes: Uint8Array; envelope: Envelope }

/** The transaction in a text, as far as it can be checked before a node is asked anything. */
function openOutside(text: string, wallet: string): Opened | Refusal {
  const bytes = Buffer.from(text, 'base64')
  const envelope = bytes.length <= MAX_BYTES && bytes.toString('base64') === text ? openEnvelope(bytes) : undefined
  if (envelope === undefined) {
    return refuse('INVALID_TRANSACTION', 'This is no serialized Solana transaction in base64.')
  }
  const compiled = decodeMessage(envelope.message)
  if (compiled === undefined) {
    const version = envelope.message[0]! >= 0x80 ? envelope.message[0]! - 0x80 : -1
    if (version > 1) return refuse('UNSUPPORTED_TX_TYPE', `Transactions of version ${version} are not signed.`)
    return invalid('not a message of version legacy, 0 or 1')
  }
  const fault = sanitizeFault(compiled, bytes.length)
  if (fault !== undefined) return invalid(fault)
  const signers = signersOf(envelope.message)
  if (signers.length !== envelope.signatures.length) {
    return refuse('INVALID_TRANSACTION', 'The transaction has room for another number of signatures than it needs.')
  }
  if (!signers.includes(wallet)) {
    return refuse('WALLET_NOT_SIGNER', `The transaction is signed by ${signers.join(', ')}, not by ${wallet}.`)
  }
  return { ok: true, bytes, envelope }
}

function invalid(why: string): Refusal {
  return refuse('INVALID_TRANSACTION', `The transaction cannot be signed: ${why}.`)
}

async function readTables({ rpc }: SolanaContext, message: Uint8Array): Promise<RpcResult<Tables>> {
  const addresses = tablesOf(message)
  const accounts = await readAccounts(rpc, addresses)
  if (!accounts.ok) return accounts
  const tables = new Map<string, readonly string[]>()
  for (const [address, state] of accounts.value) {
    if (state?.owner === LOOKUP_TABLE_PROGRAM) tables.set(address, readTable(state.data))
  }
  return { ok: true, value: tables }
}

type Tried = { ok: true; trial: Trial; blind: Effect }

/** A node that knows the version tries the transaction; of another, only the accounts are asked for. */
async function tryOut(context: SolanaContext, bytes: Uint8Array, message: ReadMessage): Promise<Tried | Refusal> {
  const opaque = (why: string): Effect => ({ kind: 'opaque', why })
  const tried = await tryTransaction(context, bytes, message)
  if (tried.ok) return { ok: true, trial: tried.value, blind: opaque('this node does not tell what a trial moves') }
  if (tried.failure.kind !== 'error') return refuse('CHAIN_ERROR', tried.failure.message)
  const before = await readAccounts(context.rpc, message.writable)
  if (!before.ok) return refuse('CHAIN_ERROR', before.failure.message)
  const trial = { before: before.value, after: undefined, err: null, unitsConsumed: undefined }
  return { ok: true, trial, blind: opaque('this node cannot try transactions of this version') }
}

type OutsideFee = { ok: true; most: bigint; at: (unitPrice: bigint) => bigint }

/** What a message costs the wallet, and what the same would cost at another price. Who does not pay it pays nothing. */
function feeIn(message: ReadMessage, wallet: string): OutsideFee | { ok: false; why: string } {
  const read = budgetOf(message)
  if (!read.ok) return read
  const { budget } = read
  if (message.signers[0] !== wallet) return { ok: true, most: 0n, at: () => 0n }
  const signatures = signaturesIn(message)
  return {
    ok: true,
    most: feeOf(budget, signatures) + (message.config?.priorityFee ?? 0n),
    at: (unitPrice) => feeOf({ units: budget.units, unitPrice }, signatures),
  }
}

/**
 * The message as it is, and the transaction with this wallet's signature beside those that are there. Where the id of
 * the transaction is known and its blockhash is a recent one, it is over when blocks have passed for which a
 * blockhash of this moment would be valid.
 */
export function outsideSignable(text: string, { address }: Account, now: RpcResult<SolanaLifetime>): Signable {
  const envelope = openEnvelope(Buffer.from(text, 'base64'))
  if (envelope === undefined) throw new Error('a transaction that was judged cannot be opened')
  return {
    bytes: envelope.message,
    finish: (signature) => {
      const own = signersOf(envelope.message).indexOf(address)
      if (own < 0) throw new Error('this wallet does not sign the transaction')
      const signatures = envelope.signatures.map((each, index) => (index === own ? signature : each))
      const first = signatures[0]!
      const isNamed = first.some((byte) => byte !== 0)
      const hash = base58.encode(isNamed ? first : signature)
      const ends = isNamed && now.ok && !mayLiveForEver(envelope.message)
      const lifetime = ends
        ? { validUntil: now.value.lastValidBlockHeight, origin: now.value.slot }
        : { validUntil: null, origin: null }
      return { raw: sealEnvelope({ ...envelope, signatures }), hash, sequence: null, cost: null, ...lifetime }
    },
  }
}
