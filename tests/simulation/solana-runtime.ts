/**
 * What a transaction does to accounts: fees, System transfers, durable nonces and rent. Every other program succeeds
 * and changes nothing.
 */

import { createHash } from 'node:crypto'
import { base58 } from '@scure/base'
import { isWritable, type Message, type WireInstruction } from './solana-wire.ts'

export type SolanaAccount = { lamports: bigint; owner: string; data: Uint8Array }

/** A reason in the form in which JSON-RPC shows it. */
export type TransactionFault = string | { readonly [name: string]: unknown }

export type Execution =
  /** No leader would put it into a block. */
  | { kind: 'dropped'; fault: TransactionFault }
  /** In a block, where `fault` says whether it failed; a failed one has paid its fee. */
  | { kind: 'included'; fault: TransactionFault | null; fee: bigint; units: number; after: Accounts }

/** Accounts that were written; those without lamports are gone. */
type Accounts = Map<string, SolanaAccount | undefined>
type Lookup = (address: string) => SolanaAccount | undefined

export const SYSTEM_PROGRAM = '11111111111111111111111111111111'
const COMPUTE_BUDGET_PROGRAM = 'ComputeBudget111111111111111111111111111111'

const LAMPORTS_PER_SIGNATURE = 5_000n
const MAX_UNITS = 1_400_000
const DEFAULT_UNITS = 200_000
const BUILTIN_UNITS = 3_000

/** What stands at an address where there is nothing. */
export const EMPTY_ACCOUNT: SolanaAccount = { lamports: 0n, owner: SYSTEM_PROGRAM, data: new Uint8Array() }

/** Programs that verify signatures of their own, each of which costs a fee; the first byte says how many. */
const verifierPrograms: ReadonlySet<string> = new Set([
  'Ed25519SigVerify111111111111111111111111111',
  'KeccakSecp256k11111111111111111111111111111',
  'Secp256r1SigVerify1111111111111111111111111',
])

/** Programs inside the validator, for which SIMD-0170 reserves few units. */
const builtinPrograms: ReadonlySet<string> = new Set([
  SYSTEM_PROGRAM,
  COMPUTE_BUDGET_PROGRAM,
  'Vote111111111111111111111111111111111111111',
  'BPFLoader1111111111111111111111111111111111',
  'BPFLoader2111111111111111111111111111111111',
  'BPFLoaderUpgradeab1e11111111111111111111111',
  'LoaderV411111111111111111111111111111111111',
  'Ed25519SigVerify111111111111111111111111111',
  'KeccakSecp256k11111111111111111111111111111',
])

/** Lamports that keep an account of this size: two years of rent at 3480 lamports per byte and year. */
export function rentExemptMinimum(bytes: number): bigint {
  return BigInt(128 + bytes) * 6_960n
}

/** Runs a transaction whose signatures and lifetime are good. `nextNonce` gives the value of an advanced nonce. */
export function execute(transaction: Message, lookup: Lookup, nextNonce: () => string): Execution {
  const { accounts } = transaction
  if (new Set(accounts).size < accounts.length) return { kind: 'dropped', fault: 'AccountLoadedTwice' }
  const cost = feeOf(transaction)
  if ('fault' in cost) return { kind: 'dropped', fault: cost.fault }
  const payer = accounts[0]!
  const paid = payFee(lookup(payer), cost.fee)
  if ('fault' in paid) return { kind: 'dropped', fault: paid.fault }

  const after: Accounts = new Map([[payer, paid.account]])
  const get = (address: string) => (after.has(address) ? after.get(address) : lookup(address))
  let units = 0
  for (const [index, instruction] of transaction.instructions.entries()) {
    units += unitsOf(transaction, instruction)
    const fault = run(transaction, instruction, get, after, nextNonce)
    if (fault !== undefined) return failed({ InstructionError: [index, fault] })
  }
  const poor = accounts.findIndex((address, index) => {
    const before = address === payer ? paid.account : lookup(address)
    return isWritable(transaction, index) && leavesTooLittle(before, get(address))
  })
  if (poor >= 0) return failed({ InsufficientFundsForRent: { account_index: poor } })
  return { kind: 'included', fault: null, fee: cost.fee, units, after: withoutEmpty(after) }

  function failed(fault: TransactionFault): Execution {
    if (typeof cost === 'object' && 'fault' in cost) throw new Error('unreachable')
    const kept: Accounts = new Map([[payer, 'account' in paid ? paid.account : undefined]])
    const nonce = nonceOf(transaction)
    const advanced = nonce === undefined ? undefined : advance(lookup(nonce), nextNonce())
    if (nonce !== undefined && advanced !== undefined) kept.set(nonce, advanced)
    return { kind: 'included', fault, fee: cost.fee, units, after: withoutEmpty(kept) }
  }
}

/** The signatures' price and that of the compute units asked for. */
export function feeOf({ signers, accounts, instructions }: Message): { fee: bigint } | { fault: TransactionFault } {
  const asked = new Map<number, bigint>()
  let signatures = signers
  let usual = 0
  for (const [index, { programIndex, data }] of instructions.entries()) {
    const program = accounts[programIndex]!
    usual += builtinPrograms.has(program) ? BUILTIN_UNITS : DEFAULT_UNITS
    if (verifierPrograms.has(program)) signatures += data[0] ?? 0
    if (program !== COMPUTE_BUDGET_PROGRAM) continue
    const read = readBudget(data)
    if (read === undefined) return { fault: { InstructionError: [index, 'InvalidInstructionData'] } }
    if (asked.has(read.tag)) return { fault: { DuplicateInstruction: index } }
    asked.set(read.tag, read.value)
  }
  const units = Math.min(Number(asked.get(SET_UNIT_LIMIT) ?? usual), MAX_UNITS)
  const priority = ((asked.get(SET_UNIT_PRICE) ?? 0n) * BigInt(units) + 999_999n) / 1_000_000n
  return { fee: LAMPORTS_PER_SIGNATURE * BigInt(signatures) + priority }
}

const SET_UNIT_LIMIT = 2
const SET_UNIT_PRICE = 3

/** Bytes behind the value are allowed, as the validator allows them (borsh `try_from_slice_unchecked`). */
function readBudget(data: Uint8Array): { tag: number; value: bigint } | undefined {
  const tag = data[0]
  const size = tag === SET_UNIT_PRICE ? 8 : 4
  if (tag === undefined || tag < 1 || tag > 4 || data.length < 1 + size) return undefined
  const bytes = Buffer.from(data)
  return { tag, value: size === 8 ? bytes.readBigUInt64LE(1) : BigInt(bytes.readUInt32LE(1)) }
}

/** The rules of agave svm `validate_fee_payer`. */
function payFee(
  payer: SolanaAccount | undefined,
  fee: bigint,
): { account: SolanaAccount } | { fault: TransactionFault } {
  if (payer === undefined) return { fault: 'AccountNotFound' }
  if (payer.owner !== SYSTEM_PROGRAM || payer.data.length > 0) return { fault: 'InvalidAccountForFee' }
  if (payer.lamports < fee) return { fault: 'InsufficientFundsForFee' }
  const account = { ...payer, lamports: payer.lamports - fee }
  if (leavesTooLittle(payer, account)) return { fault: { InsufficientFundsForRent: { account_index: 0 } } }
  return { account }
}

/** No account may come to hold less than its rent-exempt minimum; one that does already may only shrink. */
function leavesTooLittle(before: SolanaAccount | undefined, after: SolanaAccount | undefined): boolean {
  const isPoor = (account: SolanaAccount | undefined) =>
    account !== undefined && account.lamports > 0n && account.lamports < rentExemptMinimum(account.data.length)
  if (!isPoor(after)) return false
  return !isPoor(before) || after!.lamports > before!.lamports || after!.data.length !== before!.data.length
}

function withoutEmpty(accounts: Accounts): Accounts {
  for (const [address, account] of accounts) if (account?.lamports === 0n) accounts.set(address, undefined)
  return accounts
}

function unitsOf({ accounts }: Message, { programIndex, data }: WireInstruction): number {
  return builtinPrograms.has(accounts[programIndex]!) ? 150 : 1_000 + 50 * data.length
}

type InstructionFault = string | { Custom: number }

function run(
  transaction: Message,
  { programIndex, accountIndices, data }: WireInstruction,
  get: Lookup,
  after: Accounts,
  nextNonce: () => string,
): InstructionFault | undefined {
  if (transaction.accounts[programIndex] !== SYSTEM_PROGRAM) return undefined
  const bytes = Buffer.from(data)
  const tag = bytes.length < 4 ? undefined : bytes.readUInt32LE(0)
  if (tag === undefined || tag > LAST_SYSTEM_TAG) return 'InvalidInstructionData'
  const places = accountIndices.map((index) => ({
    address: transaction.accounts[index]!,
    signs: index < transaction.signers,
    writable: isWritable(transaction, index),
  }))
  if (tag === TRANSFER)
    return bytes.length < 12 ? 'InvalidInstructionData' : transfer(places, bytes.readBigUInt64LE(4), get, after)
  if (tag === ADVANCE_NONCE) return advanceNonce(places, get, after, nextNonce)
  return undefined
}

const TRANSFER = 2
const ADVANCE_NONCE = 4
const LAST_SYSTEM_TAG = 13

type Place = { address: string; signs: boolean; writable: boolean }

/** The rules of agave `system_processor::transfer`, and of the runtime behind it. */
function transfer(
  [from, to]: readonly Place[],
  lamports: bigint,
  get: Lookup,
  after: Accounts,
): InstructionFault | undefined {
  if (from === undefined || to === undefined) return 'NotEnoughAccountKeys'
  if (!from.signs) return 'MissingRequiredSignature'
  const source = get(from.address) ?? EMPTY_ACCOUNT
  if (source.data.length > 0) return 'InvalidArgument'
  if (source.lamports < lamports) return { Custom: 1 }
  if (lamports === 0n) return undefined
  if (!from.writable || !to.writable) return 'ReadonlyLamportChange'
  if (source.owner !== SYSTEM_PROGRAM) return 'ExternalAccountLamportSpend'
  after.set(from.address, { ...source, lamports: source.lamports - lamports })
  const target = get(to.address) ?? EMPTY_ACCOUNT
  after.set(to.address, { ...target, lamports: target.lamports + lamports })
  return undefined
}

function advanceNonce(
  [nonce, _sysvar, authority]: readonly Place[],
  get: Lookup,
  after: Accounts,
  nextNonce: () => string,
): InstructionFault | undefined {
  if (nonce === undefined || authority === undefined) return 'NotEnoughAccountKeys'
  const account = get(nonce.address)
  const state = account === undefined ? undefined : readNonce(account)
  if (account === undefined || state === undefined) return 'InvalidAccountData'
  if (!authority.signs || state.authority !== authority.address) return 'MissingRequiredSignature'
  if (state.value === nextNonce()) return { Custom: 7 }
  after.set(nonce.address, advance(account, nextNonce())!)
  return undefined
}

/** The nonce account whose value a transaction has in place of a blockhash, where its first instruction advances it. */
export function nonceOf({ accounts, instructions }: Message): string | undefined {
  const [first] = instructions
  if (first === undefined || accounts[first.programIndex] !== SYSTEM_PROGRAM) return undefined
  const isAdvance = first.data.length >= 4 && Buffer.from(first.data).readUInt32LE(0) === ADVANCE_NONCE
  return isAdvance ? accounts[first.accountIndices[0] ?? -1] : undefined
}

const NONCE_BYTES = 80

const NATIVE_LOADER = 'NativeLoader1111111111111111111111111111111'

/** The accounts that every cluster has for the programs inside the validator. */
export const nativeAccounts: readonly (readonly [string, SolanaAccount])[] = [
  [SYSTEM_PROGRAM, { lamports: 1n, owner: NATIVE_LOADER, data: Buffer.from('system_program') }],
  [COMPUTE_BUDGET_PROGRAM, { lamports: 1n, owner: NATIVE_LOADER, data: Buffer.from('compute_budget_program') }],
]

export function isExecutable({ owner }: SolanaAccount): boolean {
  return owner === NATIVE_LOADER
}

/** A nonce account as the System program lays it out: version, state, authority, value, price of a signature. */
export function nonceAccount(authority: string, value: string): SolanaAccount {
  const data = Buffer.alloc(NONCE_BYTES)
  data.writeUInt32LE(1, 0)
  data.writeUInt32LE(1, 4)
  data.set(base58.decode(authority), 8)
  data.set(base58.decode(value), 40)
  data.writeBigUInt64LE(LAMPORTS_PER_SIGNATURE, 72)
  return { lamports: rentExemptMinimum(NONCE_BYTES), owner: SYSTEM_PROGRAM, data }
}

export function readNonce({ data, owner }: SolanaAccount): { authority: string; value: string } | undefined {
  if (owner !== SYSTEM_PROGRAM || data.length !== NONCE_BYTES) return undefined
  return { authority: base58.encode(data.subarray(8, 40)), value: base58.encode(data.subarray(40, 72)) }
}

/** The value of nonces that are advanced on top of a block (solana-nonce `DurableNonce::from_blockhash`). */
export function durableNonceOf(blockhash: string): string {
  return base58.encode(createHash('sha256').update('DURABLE_NONCE').update(base58.decode(blockhash)).digest())
}

function advance(account: SolanaAccount | undefined, nextNonce: string): SolanaAccount | undefined {
  if (account === undefined || readNonce(account) === undefined) return undefined
  const data = Buffer.from(account.data)
  data.set(base58.decode(nextNonce), 40)
  return { ...account, data }
}
