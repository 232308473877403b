import { zstdCompressSync } from 'node:zlib'
import { decodeBase58, encodeBase58 } from './base58.ts'
import { type RpcContext, type RpcMethod, withSlot } from './context.ts'
import {
  addressParam,
  type Config,
  checkMinContextSlot,
  configParam,
  listParam,
  textParam,
  wholeParam,
} from './params.ts'
import { invalidParams } from './rpc-fault.ts'
import {
  decimalsOf,
  isMint,
  isTokenAccount,
  parseTokenData,
  supplyOf,
  TOKEN_PROGRAMS,
  tokenAmount,
  tokenBalanceOf,
} from './token-accounts.ts'
import { RENT_EXEMPT_EPOCH, type SolanaAccount } from './virtual-machine.ts'

/** The methods that read accounts. */
export const accountMethods: Record<string, RpcMethod> = {
  getBalance: (context, [address, config]) => {
    checkMinContextSlot(context, configParam(config))
    return withSlot(context, context.vm.balance(addressParam(address)))
  },

  getAccountInfo: (context, [address, options]) => {
    const config = configParam(options)
    checkMinContextSlot(context, config)
    return withSlot(context, accountAt(context, addressParam(address), config))
  },

  getMultipleAccounts: (context, [addresses, options]) => {
    const config = configParam(options)
    checkMinContextSlot(context, config)
    const list = listParam(addresses, 'addresses', 100).map(addressParam)
    return withSlot(
      context,
      list.map((address) => accountAt(context, address, config)),
    )
  },

  getProgramAccounts: (context, [program, options]) => {
    const config = configParam(options)
    const filters = listParam(config.filters ?? [], 'filters', 4).map(filterOf)
    const found = context.vm
      .accountsOf(addressParam(program))
      .filter(({ account }) => filters.every((matches) => matches(account)))
      .map(({ address, account }) => ({ pubkey: address, account: accountInfo(context, account, config) }))
    return config.withContext === true ? withSlot(context, found) : found
  },

  getTokenAccountsByOwner: (context, [ownerParam, filter, options]) => {
    const owner = addressParam(ownerParam)
    const config = configParam(options)
    const { mint, programId } = configParam(filter)
    if ((mint === undefined) === (programId === undefined)) throw invalidParams('name either a mint or a programId')
    const program = programId === undefined ? context.vm.account(addressParam(mint))?.owner : addressParam(programId)
    if (program === undefined || !TOKEN_PROGRAMS.has(program)) throw invalidParams('could not find the mint or program')
    const found = context.vm.accountsOf(program).filter(({ account }) => {
      const balance = tokenBalanceOf(account)
      return balance?.owner === owner && (mint === undefined || balance.mint === mint)
    })
    return withSlot(
      context,
      found.map(({ address, account }) => ({ pubkey: address, account: accountInfo(context, account, config) })),
    )
  },

  getTokenAccountBalance: (context, [address]) => {
    const account = context.vm.account(addressParam(address))
    if (!account || !isTokenAccount(account)) throw invalidParams('could not find account')
    const { mint, amount } = tokenBalanceOf(account)!
    return withSlot(context, tokenAmount(amount, decimalsOf(context.vm.account(mint))))
  },

  getTokenSupply: (context, [address]) => {
    const mint = context.vm.account(addressParam(address))
    if (!mint || !isMint(mint)) throw invalidParams('not a Token mint')
    return withSlot(context, supplyOf(mint))
  },

  getMinimumBalanceForRentExemption: ({ vm }, [bytes]) => vm.rentExemptMinimum(Number(wholeParam(bytes, 'space'))),
}

function accountAt(context: RpcContext, address: string, config: Config) {
  const account = context.vm.account(address)
  return account && accountInfo(context, account, config)
}

/** An account as the RPC shows it, in the encoding the configuration asks for. */
export function accountInfo({ vm }: RpcContext, account: SolanaAccount, config: Config) {
  return {
    data: encodeData(account, config, (address) => vm.account(address)),
    executable: account.executable,
    lamports: account.lamports,
    owner: account.owner,
    rentEpoch: RENT_EXEMPT_EPOCH,
    space: account.data.length,
  }
}

function encodeData(account: SolanaAccount, config: Config, mintOf: (address: string) => SolanaAccount | null) {
  const encoding = config.encoding ?? 'base58'
  if (encoding === 'jsonParsed') {
    const parsed = parseTokenData(account, mintOf)
    if (parsed) return parsed
  }
  const data = slice(account.data, config)
  if (encoding === 'base58') {
    if (data.length > 128) throw invalidParams('base58 is for at most 128 bytes; ask for base64')
    return config.encoding === undefined ? encodeBase58(data) : [encodeBase58(data), 'base58']
  }
  if (encoding === 'base64' || encoding === 'jsonParsed') return [Buffer.from(data).toString('base64'), 'base64']
  if (encoding === 'base64+zstd') return [zstdCompressSync(data).toString('base64'), encoding]
  throw invalidParams('encoding must be base58, base64, base64+zstd or jsonParsed')
}

function slice(data: Uint8Array, { dataSlice }: Config): Uint8Array {
  if (dataSlice === undefined || dataSlice === null) return data
  const { offset, length } = configParam(dataSlice)
  const start = Number(wholeParam(offset, 'dataSlice.offset'))
  return data.subarray(start, start + Number(wholeParam(length, 'dataSlice.length')))
}

function filterOf(value: unknown): (account: SolanaAccount) => boolean {
  const { dataSize, memcmp } = configParam(value)
  if (dataSize !== undefined) {
    const size = wholeParam(dataSize, 'dataSize')
    return ({ data }) => BigInt(data.length) === size
  }
  const { offset, bytes, encoding } = configParam(memcmp)
  const start = Number(wholeParam(offset, 'memcmp.offset'))
  const wanted = decodeText(textParam(bytes, 'memcmp.bytes'), encoding ?? 'base58')
  return ({ data }) => Buffer.compare(data.subarray(start, start + wanted.length), wanted) === 0
}

/** Bytes out of a text; throws an `RpcFault` when the text is not in that encoding. */
export function decodeText(text: string, encoding: unknown): Uint8Array {
  if (encoding === 'base64') {
    const bytes = Buffer.from(text, 'base64')
    if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) throw invalidParams('invalid base64')
    return bytes
  }
  if (encoding !== 'base58') throw invalidParams('encoding must be base58 or base64')
  if (text.length > MAX_BASE58_CHARACTERS) throw invalidParams('base58 text too long')
  try {
    return decodeBase58(text)
  } catch {
    throw invalidParams('invalid base58')
  }
}

/** A transaction of the largest size; longer texts would cost quadratic time. */
const MAX_BASE58_CHARACTERS = 1700
