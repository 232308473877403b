import { isOption, unwrapOption } from '@solana/kit'
import { AccountState, type Extension, getMintDecoder, getTokenDecoder } from '@solana-program/token-2022'
import { addressOf } from './address.ts'
import type { SolanaAccount } from './virtual-machine.ts'

/** Reads accounts of the SPL Token and Token-2022 programs and puts them the way Solana's JSON-RPC does. */

export const TOKEN_PROGRAMS: ReadonlyMap<string, string> = new Map([
  ['TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA', 'spl-token'],
  ['TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb', 'spl-token-2022'],
])

export type TokenBalance = {
  readonly accountIndex: number
  readonly mint: string
  readonly owner: string
  readonly programId: string
  readonly amount: bigint
}

export type TokenAmount = {
  readonly amount: string
  readonly decimals: number
  readonly uiAmount: number
  readonly uiAmountString: string
}

const TOKEN_ACCOUNT_BYTES = 165
const MINT_BYTES = 82
/** Where accounts with extensions say what they are: 1 is a mint, 2 an account. */
const TYPE_OFFSET = 165

export function isTokenAccount({ owner, data }: SolanaAccount): boolean {
  if (!TOKEN_PROGRAMS.has(owner)) return false
  return data.length === TOKEN_ACCOUNT_BYTES || (data.length > TYPE_OFFSET && data[TYPE_OFFSET] === 2)
}

export function isMint({ owner, data }: SolanaAccount): boolean {
  if (!TOKEN_PROGRAMS.has(owner)) return false
  return data.length === MINT_BYTES || (data.length > TYPE_OFFSET && data[TYPE_OFFSET] === 1)
}

/** The balance by its fixed place in the account, cheap enough for every transaction. */
export function tokenBalanceOf(account: SolanaAccount): Omit<TokenBalance, 'accountIndex'> | undefined {
  if (!isTokenAccount(account)) return undefined
  const { data, owner } = account
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  return {
    mint: addressOf(data.subarray(0, 32)),
    owner: addressOf(data.subarray(32, 64)),
    programId: owner,
    amount: view.getBigUint64(64, true),
  }
}

export function decimalsOf(mint: SolanaAccount | null): number {
  return mint && isMint(mint) ? getMintDecoder().decode(mint.data).decimals : 0
}

export function supplyOf(mint: SolanaAccount): TokenAmount {
  const { supply, decimals } = getMintDecoder().decode(mint.data)
  return tokenAmount(supply, decimals)
}

export function tokenAmount(amount: bigint, decimals: number): TokenAmount {
  const digits = amount.toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  const uiAmountString = fraction === '' ? whole : `${whole}.${fraction}`
  return { amount: amount.toString(), decimals, uiAmount: Number(uiAmountString), uiAmountString }
}

/** The `jsonParsed` form of a mint or a token account; `undefined` for anything else. */
export function parseTokenData(account: SolanaAccount, mintOf: (address: string) => SolanaAccount | null) {
  const program = TOKEN_PROGRAMS.get(account.owner)
  const parsed = isMint(account)
    ? { type: 'mint', info: mintInfo(account) }
    : isTokenAccount(account)
      ? { type: 'account', info: tokenInfo(account, mintOf) }
      : undefined
  return parsed && { program, parsed, space: account.data.length }
}

function mintInfo({ data }: SolanaAccount) {
  const mint = getMintDecoder().decode(data)
  return {
    decimals: mint.decimals,
    freezeAuthority: unwrapOption(mint.freezeAuthority),
    isInitialized: mint.isInitialized,
    mintAuthority: unwrapOption(mint.mintAuthority),
    supply: mint.supply.toString(),
    ...extensionsInfo(unwrapOption(mint.extensions)),
  }
}

function tokenInfo({ data }: SolanaAccount, mintOf: (address: string) => SolanaAccount | null) {
  const token = getTokenDecoder().decode(data)
  const decimals = decimalsOf(mintOf(token.mint))
  const delegate = unwrapOption(token.delegate)
  const closeAuthority = unwrapOption(token.closeAuthority)
  const rentExemptReserve = unwrapOption(token.isNative)
  return {
    isNative: rentExemptReserve !== null,
    mint: token.mint,
    owner: token.owner,
    state: AccountState[token.state].toLowerCase(),
    tokenAmount: tokenAmount(token.amount, decimals),
    ...(delegate && { delegate, delegatedAmount: tokenAmount(token.delegatedAmount, decimals) }),
    ...(closeAuthority && { closeAuthority }),
    ...(rentExemptReserve !== null && { rentExemptReserve: tokenAmount(rentExemptReserve, 9) }),
    ...extensionsInfo(unwrapOption(token.extensions)),
  }
}

function extensionsInfo(extensions: Extension[] | null) {
  if (!extensions || extensions.length === 0) return {}
  return {
    extensions: extensions.map(({ __kind, ...state }) => {
      const extension = __kind.charAt(0).toLowerCase() + __kind.slice(1)
      return Object.keys(state).length === 0 ? { extension } : { extension, state: plain(state) }
    }),
  }
}

/** The state of an extension without the codec's own types: options unwrapped, no authority as null, bytes as base64. */
function plain(value: unknown): unknown {
  if (isOption(value)) return plain(unwrapOption(value))
  if (value === NO_AUTHORITY) return null
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Map) return [...value].map(plain)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]))
}

const NO_AUTHORITY = '11111111111111111111111111111111'
