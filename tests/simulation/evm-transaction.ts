import { recover } from 'tiny-secp256k1'
import { fromRlp, hexToBytes, keccak256, toRlp } from 'viem'

export type Hex = `0x${string}`

/** A transaction as consensus sees it. Those that the simulation makes up itself have no bytes. */
export type Transaction = {
  readonly hash: Hex
  readonly raw: Hex | undefined
  readonly type: number
  /** Absent in legacy transactions that any chain takes. */
  readonly chainId: bigint | undefined
  readonly from: Hex
  readonly nonce: bigint
  readonly to: Hex | null
  readonly value: bigint
  readonly data: Hex
  readonly gas: bigint
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  /** Addresses and storage keys in the access list. */
  readonly accessList: { readonly addresses: number; readonly keys: number }
  /** EIP-7702: each raises its account's nonce, also where the transaction fails. Without a delegate it clears one. */
  readonly authorizations: readonly { readonly account: Hex; readonly delegate: Hex | undefined }[]
  /** An OP Stack deposit: no signature, no fee, and the nonce is whatever the account's is. */
  readonly isDeposit: boolean
}

/** A transaction of the simulation's own making. */
export function madeUp(fields: Pick<Transaction, 'hash' | 'from'> & Partial<Transaction>): Transaction {
  return {
    raw: undefined,
    type: 2,
    chainId: undefined,
    nonce: 0n,
    to: null,
    value: 0n,
    data: '0x',
    gas: 21_000n,
    maxFeePerGas: 0n,
    maxPriorityFeePerGas: 0n,
    accessList: { addresses: 0, keys: 0 },
    authorizations: [],
    isDeposit: false,
    ...fields,
  }
}

export type ReadTransaction = { ok: true; transaction: Transaction } | { ok: false; why: 'undecodable' | 'signature' }

/** Reads signed bytes; each byte string is read once, for recovering the sender is the dearest part of a simulation. */
export type TransactionReader = (raw: Hex) => ReadTransaction

/** Who made a signature, by `signatureKey`: spares the reader the recovery where the signer notes its signatures here. */
export type KnownSignatures = Map<string, Hex>

type Signature = { readonly r: bigint; readonly s: bigint; readonly parity: bigint }

export function signatureKey(digest: Hex, { r, s, parity }: Signature): string {
  return `${digest}/${r}/${s}/${parity}`
}

export function createTransactionReader(signatures: KnownSignatures): TransactionReader {
  const known = new Map<Hex, ReadTransaction>()
  return (raw) => {
    const before = known.get(raw)
    if (before !== undefined) return before
    const answer = read(raw, signatures)
    known.set(raw, answer)
    return answer
  }
}

type Rlp = Hex | Rlp[]

/** Half the order of secp256k1: a signature with a higher s is refused since Homestead (EIP-2). */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/** How many fields are signed, and where among them each stands; types 1 and 2 start with the chain. */
const FORMATS = {
  0: { fields: 9, signed: 6, nonce: 0, tip: 1, fee: 1, gas: 2, to: 3, value: 4, data: 5, list: undefined },
  1: { fields: 11, signed: 8, nonce: 1, tip: 2, fee: 2, gas: 3, to: 4, value: 5, data: 6, list: 7 },
  2: { fields: 12, signed: 9, nonce: 1, tip: 2, fee: 3, gas: 4, to: 5, value: 6, data: 7, list: 8 },
} as const

function read(raw: Hex, signatures: KnownSignatures): ReadTransaction {
  try {
    return readFields(raw, signatures)
  } catch {
    return { ok: false, why: 'undecodable' }
  }
}

function readFields(raw: Hex, signatures: KnownSignatures): ReadTransaction {
  const type = raw.startsWith('0x02') ? 2 : raw.startsWith('0x01') ? 1 : 0
  const payload = type === 0 ? raw : (`0x${raw.slice(4)}` as Hex)
  const fields = fromRlp(payload, 'hex') as Rlp[]
  const at = FORMATS[type]
  if (!Array.isArray(fields) || fields.length !== at.fields || toRlp(fields as never) !== payload.toLowerCase()) {
    return { ok: false, why: 'undecodable' }
  }
  const [v, r, s] = fields.slice(at.signed).map(quantity)
  const chainId = type === 0 ? (v! >= 35n ? (v! - 35n) / 2n : undefined) : quantity(fields[0])
  const parity = type !== 0 ? v! : v! >= 35n ? (v! - 35n) % 2n : v! - 27n
  const unsigned = [
    ...fields.slice(0, at.signed),
    ...(type === 0 && chainId !== undefined ? [minimal(chainId), '0x', '0x'] : []),
  ]
  const envelope = toRlp(unsigned as never)
  const digest = keccak256(type === 0 ? envelope : `0x0${type}${envelope.slice(2)}`)
  const signature = { r: r!, s: s!, parity }
  const from = signatures.get(signatureKey(digest, signature)) ?? recoverSender(digest, signature)
  if (from === undefined) return { ok: false, why: 'signature' }
  const to = fields[at.to] as Hex
  if (to !== '0x' && to.length !== 42) return { ok: false, why: 'undecodable' }
  const transaction: Transaction = {
    ...madeUp({ hash: keccak256(raw), from }),
    raw,
    type,
    chainId,
    nonce: quantity(fields[at.nonce]),
    to: to === '0x' ? null : to,
    value: quantity(fields[at.value]),
    data: fields[at.data] as Hex,
    gas: quantity(fields[at.gas]),
    maxFeePerGas: quantity(fields[at.fee]),
    maxPriorityFeePerGas: quantity(fields[at.tip]),
    accessList: at.list === undefined ? { addresses: 0, keys: 0 } : countAccessList(fields[at.list]!),
  }
  return { ok: true, transaction }
}

/** Numbers have no leading zero. */
function quantity(field: Rlp | undefined): bigint {
  if (typeof field !== 'string' || /^0x00/.test(field) || field.length > 66) throw new TypeError('not a number')
  return field === '0x' ? 0n : BigInt(field)
}

function minimal(value: bigint): Hex {
  const digits = value.toString(16)
  return value === 0n ? '0x' : `0x${digits.length % 2 === 1 ? '0' : ''}${digits}`
}

function countAccessList(list: Rlp): { addresses: number; keys: number } {
  const entries = list as Rlp[][]
  return { addresses: entries.length, keys: entries.reduce((sum, entry) => sum + (entry[1] as Rlp[]).length, 0) }
}

function recoverSender(digest: Hex, { r, s, parity }: Signature): Hex | undefined {
  if (s > HALF_ORDER || s === 0n || r === 0n || (parity !== 0n && parity !== 1n)) return undefined
  const signature = hexToBytes(`0x${word(r)}${word(s)}`)
  const key = recover(hexToBytes(digest), signature, parity === 0n ? 0 : 1, false)
  return key === null ? undefined : `0x${keccak256(key.subarray(1)).slice(26)}`
}

function word(value: bigint): string {
  return value.toString(16).padStart(64, '0')
}
