import { base58 } from '@scure/base'
import { safeSymbol, type Token, tokenWords } from '../token.ts'
import type { AccountState } from './accounts.ts'
import { issuerNotes } from './issuer-powers.ts'
import { TOKEN_2022_PROGRAM, tokenPrograms } from './programs.ts'
import { uiAmountOf } from './ui-amount.ts'

/** What the mint of an SPL or Token-2022 token says. */
export type Mint = Token & {
  program: string
  /** Accounts of the token begin frozen. */
  frozenAtFirst: boolean
  nonTransferable: boolean
  paused: boolean
  fee: { older: FeeSchedule; newer: FeeSchedule } | undefined
  /** Extensions that may make transfers do anything, in words. */
  unknown: string[]
  /** Why an amount as wallets show it cannot be turned into base units. */
  humanFault: string | undefined
  /** Program that runs at every transfer. */
  hook: string | undefined
}
export type FeeSchedule = { epoch: bigint; maximum: bigint; basisPoints: number }

export type TokenAccount = {
  program: string
  mint: string
  owner: string
  amount: bigint
  frozen: boolean
  delegate: string | undefined
  delegatedAmount: bigint
  closeAuthority: string | undefined
  needsMemo: boolean
}

const MINT_BYTES = 82
const ACCOUNT_BYTES = 165
const MINT_KIND = 1
const ACCOUNT_KIND = 2

/** Numbers of Token-2022's extensions that matter here. */
const Extension = {
  TransferFeeConfig: 1,
  MintCloseAuthority: 3,
  ConfidentialTransferMint: 4,
  DefaultAccountState: 6,
  MemoTransfer: 8,
  NonTransferable: 9,
  InterestBearing: 10,
  PermanentDelegate: 12,
  TransferHook: 14,
  ConfidentialTransferFee: 16,
  MetadataPointer: 18,
  TokenMetadata: 19,
  GroupPointer: 20,
  TokenGroup: 21,
  GroupMemberPointer: 22,
  TokenGroupMember: 23,
  ConfidentialMintBurn: 24,
  ScaledUiAmount: 25,
  Pausable: 26,
  PermissionedBurn: 28,
} as const
const knownExtensions: ReadonlySet<number> = new Set(Object.values(Extension))
const FROZEN = 2

/**
 * The mint in an account; `undefined` where there is none.
 *
 * @param named the symbol that the metadata program keeps for it.
 * @param now unix time on the chain, which decides what wallets show of it.
 */
export function readMint(address: string, { owner, data }: AccountState, named = '', now?: bigint): Mint | undefined {
  const bytes = Buffer.from(data)
  const extensions = readExtensions(owner, bytes, MINT_BYTES, MINT_KIND)
  if (extensions === undefined || bytes[45] !== 1) return undefined
  const decimals = bytes[44]!
  const hook = keyAt(extensions.get(Extension.TransferHook), 32)
  const fee = readFee(extensions.get(Extension.TransferFeeConfig))
  const flags = {
    frozenAtFirst: extensions.get(Extension.DefaultAccountState)?.[0] === FROZEN,
    nonTransferable: extensions.has(Extension.NonTransferable),
  }
  const shown = uiAmountOf(extensions.get(Extension.ScaledUiAmount), extensions.get(Extension.InterestBearing), now)
  const powers = { ...powersIn(bytes, extensions), ...flags, hook, fee: fee?.newer }
  const unknown = [...extensions.keys()].filter((type) => !knownExtensions.has(type))
  return {
    address,
    program: owner,
    decimals,
    symbol: safeSymbol(readMetadataSymbol(extensions.get(Extension.TokenMetadata)) || named, address),
    ...tokenWords({ ...shown, notes: [...shown.notes, ...issuerNotes(powers, decimals)] }),
    humanFault: shown.fault,
    ...flags,
    paused: extensions.get(Extension.Pausable)?.[32] === 1,
    fee,
    unknown: unknown.map((type) => `it has an extension that is not known here (number ${type})`),
    hook,
  }
}

/** Who may do what: the authorities stand first in their extensions. */
function powersIn(bytes: Buffer, extensions: ReadonlyMap<number, Buffer>) {
  const authority = (type: number) => keyAt(extensions.get(type), 0)
  const hidden = [Extension.ConfidentialTransferMint, Extension.ConfidentialMintBurn]
  return {
    freezer: bytes.readUInt32LE(46) === 1 ? keyAt(bytes, 50) : undefined,
    permanentDelegate: authority(Extension.PermanentDelegate),
    pauser: authority(Extension.Pausable),
    feeAuthority: authority(Extension.TransferFeeConfig),
    hookAuthority: authority(Extension.TransferHook),
    hidesAmounts: hidden.some((type) => extensions.has(type)),
    burnsOnlyWithIssuer: extensions.has(Extension.PermissionedBurn),
  }
}

function readFee(bytes: Buffer | undefined): Mint['fee'] {
  if (bytes === undefined || bytes.length < 108) return undefined
  const schedule = (at: number): FeeSchedule => ({
    epoch: bytes.readBigUInt64LE(at),
    maximum: bytes.readBigUInt64LE(at + 8),
    basisPoints: bytes.readUInt16LE(at + 16),
  })
  return { older: schedule(72), newer: schedule(90) }
}

/** What a transfer of `amount` has withheld at `epoch`: rounded up, never above the schedule's maximum. */
export function transferFee({ fee }: Pick<Mint, 'fee'>, amount: bigint, epoch: bigint): bigint {
  if (fee === undefined) return 0n
  const { basisPoints, maximum } = epoch >= fee.newer.epoch ? fee.newer : fee.older
  const share = (amount * BigInt(basisPoints) + 9_999n) / 10_000n
  return share < maximum ? share : maximum
}

/** The token account in an account; `undefined` where there is none. */
export function readTokenAccount({ owner, data }: AccountState): TokenAccount | undefined {
  const bytes = Buffer.from(data)
  const extensions = readExtensions(owner, bytes, ACCOUNT_BYTES, ACCOUNT_KIND)
  const state = bytes[108]
  if (extensions === undefined || (state !== 1 && state !== FROZEN)) return undefined
  return {
    program: owner,
    mint: base58.encode(bytes.subarray(0, 32)),
    owner: base58.encode(bytes.subarray(32, 64)),
    amount: bytes.readBigUInt64LE(64),
    frozen: state === FROZEN,
    delegate: bytes.readUInt32LE(72) === 1 ? base58.encode(bytes.subarray(76, 108)) : undefined,
    delegatedAmount: bytes.readBigUInt64LE(121),
    closeAuthority: bytes.readUInt32LE(129) === 1 ? base58.encode(bytes.subarray(133, 165)) : undefined,
    needsMemo: extensions.get(Extension.MemoTransfer)?.[0] === 1,
  }
}

/** Extensions by number; `undefined` where the bytes are not of the kind that is asked for. */
function readExtensions(program: string, bytes: Buffer, base: number, kind: number): Map<number, Buffer> | undefined {
  if (!tokenPrograms.includes(program)) return undefined
  const extensions = new Map<number, Buffer>()
  if (bytes.length === base) return extensions
  if (program !== TOKEN_2022_PROGRAM || bytes.length <= ACCOUNT_BYTES || bytes[ACCOUNT_BYTES] !== kind) return undefined
  for (let at = ACCOUNT_BYTES + 1; at + 4 <= bytes.length; ) {
    const [type, length] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2)]
    if (type === 0) break
    const value = bytes.subarray(at + 4, at + 4 + length)
    if (value.length !== length) return undefined
    extensions.set(type, value)
    at += 4 + length
  }
  return extensions
}

function keyAt(bytes: Buffer | undefined, at: number): string | undefined {
  const key = bytes?.subarray(at, at + 32)
  return key?.length === 32 && key.some((byte) => byte !== 0) ? base58.encode(key) : undefined
}

/** Of a TokenMetadata extension: two keys, then name and symbol, each after its length. */
function readMetadataSymbol(bytes: Buffer | undefined): string {
  return bytes === undefined ? '' : readSecondText(bytes, 64)
}

/** Of an account of the metadata program: a byte and two keys, then name and symbol. */
export function readMetadataAccount({ data }: Pick<AccountState, 'data'>): string {
  return readSecondText(Buffer.from(data), 65)
}

function readSecondText(bytes: Buffer, start: number): string {
  const at = start + 4 + (bytes.length >= start + 4 ? bytes.readUInt32LE(start) : 0)
  if (bytes.length < at + 4) return ''
  return bytes
    .subarray(at + 4, at + 4 + bytes.readUInt32LE(at))
    .toString('utf8')
    .replaceAll('\0', '')
}
