import { base58 } from '@scure/base'
import { z } from 'zod'
import type { Account, DraftResult, Signable } from '../chain-adapter.ts'
import { type Refusal, refuse } from '../payment.ts'
import type { RpcResult } from '../rpc-result.ts'
import { readAccounts, readTable } from './accounts.ts'
import type { SolanaLifetime } from './blockhash.ts'
import type { SolanaContext } from './context.ts'
import { decodeSolana } from './decode.ts'
import { openEnvelope, sealEnvelope } from './envelope.ts'
import { type ComputeBudget, feeOf, signaturesIn } from './message.ts'
import { describeTransactionError } from './node-errors.ts'
import { observe } from './observe.ts'
import { COMPUTE_BUDGET_PROGRAM, LOOKUP_TABLE_PROGRAM, SYSTEM_PROGRAM } from './programs.ts'
import { type ReadMessage, readMessage, signersOf, type Tables, tablesOf } from './read-message.ts'
import { factsOf, type Trial, tryTransaction } from './trial.ts'

/** The plan of a transaction that was made elsewhere: exactly its bytes. */
export const OutsidePlan = z.object({ outside: z.base64() })

const MAX_BYTES = 4_096

/** Judges an unsigned transaction that was made elsewhere and would be signed as it is. */
export async function draftOutside(
  context: SolanaContext,
  text: string,
  { address: wallet }: Account,
): Promise<DraftResult> {
  const { network } = context
  const bytes = Buffer.from(text, 'base64')
  const envelope = bytes.length <= MAX_BYTES && bytes.toString('base64') === text ? openEnvelope(bytes) : undefined
  if (envelope === undefined)
    return refuse('INVALID_TRANSACTION', 'This is no serialized Solana transaction in base64.')
  const tables = await readTables(context, envelope.message)
  if (!tables.ok) return refuse('CHAIN_ERROR', tables.failure.message)
  const read = readMessage(envelope.message, tables.value)
  if (!read.ok) return unreadable(envelope.message, read.why)
  const { message } = read
  if (message.signers.length !== envelope.signatures.length) {
    return refuse('INVALID_TRANSACTION', 'The transaction has room for another number of signatures than it needs.')
  }
  if (!message.signers.includes(wallet)) {
    return refuse('WALLET_NOT_SIGNER', `The transaction is signed by ${message.signers.join(', ')}, not by ${wallet}.`)
  }
  const trial = await tryOut(context, bytes, message)
  if (!trial.ok) return trial
  if (trial.trial.err !== null) {
    const why = describeTransactionError(trial.trial.err)
    return refuse('SIMULATION_FAILED', `The transaction would fail: ${why}.`)
  }
  const facts = await factsOf(context, trial.trial, wallet, tables.value)
  if (!facts.ok) return refuse('CHAIN_ERROR', facts.failure.message)
  const told = decodeSolana(envelope.message, facts.value)
  const maxFee = message.signers[0] === wallet ? feeIn(message) : 0n
  const observed = observe(told, trial.trial, facts.value, maxFee)
  const effects = trial.isBlind ? [...observed.effects, blind] : observed.effects
  const coins = effects.flatMap((each) => (each.kind === 'spend' && each.asset.address === undefined ? [each] : []))
  return {
    ok: true,
    draft: {
      ...observed,
      effects,
      maxFee,
      plainFee: feeOf({ units: 0, unitPrice: 0n }, 1),
      amount: coins.reduce((sum, { amount }) => sum + amount, 0n),
      asset: network.native,
      to: coins[0]?.to ?? wallet,
      plan: { outside: text },
    },
  }
}

/** Its blockhash may be older than now, and blocks between then and now may have it. */
const BLOCKHASH_SLOTS = 300n
const ADVANCE_NONCE = 4

/** The first instruction advances a nonce account: then the transaction lives until somebody else advances it. */
function usesDurableNonce(message: Uint8Array): boolean {
  const read = readMessage(message, new Map())
  // What cannot be read may live for ever.
  if (!read.ok) return true
  const [first] = read.message.instructions
  return first?.program === SYSTEM_PROGRAM && first.data.length >= 4 && first.data.readUInt32LE(0) === ADVANCE_NONCE
}

const blind = { kind: 'opaque', why: 'this node cannot try transactions of this version' } as const

function unreadable(message: Uint8Array, why: string): Refusal {
  const version = message[0]! >= 0x80 ? message[0]! - 0x80 : -1
  return version > 1
    ? refuse('UNSUPPORTED_TX_TYPE', `Transactions of version ${version} are not signed.`)
    : refuse('INVALID_TRANSACTION', `The transaction cannot be read: ${why}.`)
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

/** A node that knows the version tries the transaction; of another, only the accounts are asked for. */
async function tryOut(
  context: SolanaContext,
  bytes: Uint8Array,
  message: ReadMessage,
): Promise<{ ok: true; trial: Trial; isBlind: boolean } | Refusal> {
  const tried = await tryTransaction(context, bytes, message)
  if (tried.ok) return { ok: true, trial: tried.value, isBlind: false }
  if (tried.failure.kind !== 'error') return refuse('CHAIN_ERROR', tried.failure.message)
  const before = await readAccounts(context.rpc, message.writable)
  if (!before.ok) return refuse('CHAIN_ERROR', before.failure.message)
  const trial = { before: before.value, after: undefined, err: null, unitsConsumed: undefined }
  return { ok: true, trial, isBlind: true }
}

const SET_UNIT_LIMIT = 2
const SET_UNIT_PRICE = 3
const UNITS_PER_INSTRUCTION = 200_000
const MAX_UNITS = 1_400_000

/** What the payer of a message pays for it. */
function feeIn(message: ReadMessage): bigint {
  const budgets = message.instructions.filter(({ program }) => program === COMPUTE_BUDGET_PROGRAM)
  const find = (tag: number, bytes: number) =>
    budgets.find(({ data }) => data[0] === tag && data.length === bytes)?.data
  const usual = UNITS_PER_INSTRUCTION * message.instructions.length
  const asked = find(SET_UNIT_LIMIT, 5)?.readUInt32LE(1) ?? usual
  const budget: ComputeBudget = {
    units: Math.min(asked, MAX_UNITS),
    unitPrice: find(SET_UNIT_PRICE, 9)?.readBigUInt64LE(1) ?? 0n,
  }
  return feeOf(budget, signaturesIn(message)) + message.priorityFee
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
      const ends = isNamed && now.ok && !usesDurableNonce(envelope.message)
      const lifetime = ends
        ? { validUntil: now.value.lastValidBlockHeight, origin: now.value.slot - BLOCKHASH_SLOTS }
        : { validUntil: null, origin: null }
      return { raw: sealEnvelope({ ...envelope, signatures }), hash, sequence: null, ...lifetime }
    },
  }
}
