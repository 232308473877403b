/** The methods about accounts, blockhashes and transactions that are tried or sent, as agave, rpc/src/rpc.rs has them. */

import { base58 } from '@scure/base'
import { historyMethods } from './solana-history-methods.ts'
import { accountAt, heightOf, type SolanaBlock } from './solana-ledger.ts'
import {
  API_VERSION,
  address,
  bankOf,
  type Call,
  type Config,
  configAt,
  inContext,
  invalidParams,
  isAddress,
  listAt,
  RpcFault,
  textAt,
  u64,
  wholeAt,
} from './solana-params.ts'
import { refusalOf } from './solana-producer.ts'
import {
  durableNonceOf,
  execute,
  feeOf,
  isExecutable,
  rentExemptMinimum,
  type SolanaAccount,
  type TransactionFault,
} from './solana-runtime.ts'
import { MAX_TRANSACTION_BYTES, readBareMessage, readTransaction, type WireTransaction } from './solana-wire.ts'

/** Slots behind from which a node calls itself unhealthy (`DELINQUENT_VALIDATOR_SLOT_DISTANCE`). */
export const HEALTHY_LAG = 128
const SLOTS_PER_EPOCH = 432_000
const MAX_ACCOUNTS = 100
/** The text of the largest transaction in base64 and base58 (agave `MAX_BASE64_SIZE`, `MAX_BASE58_SIZE`). */
const MAX_BASE64 = 1_644
const MAX_BASE58 = 1_683
const NEVER = 18_446_744_073_709_551_615n

export const solanaMethods: Readonly<Record<string, (call: Call) => unknown>> = {
  ...historyMethods,

  getGenesisHash: ({ genesisHash }) => genesisHash,
  getVersion: () => ({ 'feature-set': 3_604_001_754, 'solana-core': API_VERSION }),
  getHealth: (call) => {
    checkHealth(call)
    return 'ok'
  },
  getSlot: (call) => bankOf(call, configAt(call, 0)).slot,
  getBlockHeight: (call) => bankOf(call, configAt(call, 0)).height,
  getEpochInfo: (call) => {
    const { slot, height } = bankOf(call, configAt(call, 0))
    return {
      absoluteSlot: slot,
      blockHeight: height,
      epoch: Math.floor(slot / SLOTS_PER_EPOCH),
      slotIndex: slot % SLOTS_PER_EPOCH,
      slotsInEpoch: SLOTS_PER_EPOCH,
      transactionCount: height * 1_000,
    }
  },
  getLatestBlockhash: (call) => {
    const bank = bankOf(call, configAt(call, 0))
    if (call.node.lifetime > 150) call.dice.count('doubledLifetime')
    return inContext(bank, { blockhash: bank.blockhash, lastValidBlockHeight: bank.height + call.node.lifetime })
  },
  isBlockhashValid: (call) => {
    const hash = textAt(call, 0)
    if (!isAddress(hash)) throw invalidParams('WrongSize')
    const bank = bankOf(call, configAt(call, 1))
    return inContext(bank, isRecent(call, hash, bank))
  },

  getBalance: (call) => {
    const owner = address(textAt(call, 0))
    const bank = bankOf(call, configAt(call, 1))
    return inContext(bank, u64(accountAt(call.chain.ledger, owner, bank)?.lamports ?? 0n))
  },
  getAccountInfo: (call) => {
    const owner = address(textAt(call, 0))
    const config = configAt(call, 1)
    const bank = bankOf(call, config)
    return inContext(bank, shownAccount(accountAt(call.chain.ledger, owner, bank), config.encoding ?? 'binary'))
  },
  getMultipleAccounts: (call) => {
    const owners = listAt(call, 0, MAX_ACCOUNTS).map(address)
    const config = configAt(call, 1)
    const bank = bankOf(call, config)
    const encoding = config.encoding ?? 'base64'
    return inContext(
      bank,
      owners.map((owner) => shownAccount(accountAt(call.chain.ledger, owner, bank), encoding)),
    )
  },
  getTokenAccountsByOwner: (call) => {
    address(textAt(call, 0))
    const { mint, programId } = configAt(call, 1)
    address(mint ?? programId)
    return inContext(bankOf(call, configAt(call, 2)), [])
  },
  getMinimumBalanceForRentExemption: (call) => u64(rentExemptMinimum(wholeAt(call, 0))),
  getRecentPrioritizationFees: (call) => {
    if (call.params[0] !== undefined) listAt(call, 0, 128).map(address)
    const { slot } = call.node.processed
    return call.chain.ledger.trunk.slots(slot - 20, slot).map((each) => ({ slot: each, prioritizationFee: 0 }))
  },

  getFeeForMessage: (call) => {
    const message = readBareMessage(decode(textAt(call, 0), 'base64'))
    if (message === undefined) throw invalidParams('failed to deserialize solana_message::VersionedMessage')
    const bank = bankOf(call, configAt(call, 1))
    const fee = feeOf(message)
    const isCurrent = isRecent(call, message.blockhash, bank)
    return inContext(bank, isCurrent && 'fee' in fee ? u64(fee.fee) : null)
  },
  simulateTransaction: simulate,
  /** Checks as far as the node does before it hands the bytes on; what becomes of them is not decided here. */
  sendTransaction: (call) => {
    const config = configAt(call, 1)
    const transaction = transactionOf(textAt(call, 0), config)
    const isUnchecked = config.skipPreflight === true
    const bank = bankOf(call, { ...config, commitment: isUnchecked ? 'processed' : config.preflightCommitment })
    if (!isUnchecked) {
      checkSignatures(call, transaction)
      checkHealth(call)
      const { fault, units } = tryOn(call, transaction, bank)
      if (fault !== null) throw preflightFailure(fault, units)
    }
    return transaction.signature
  },
}

/** The transaction in the parameters of `sendTransaction`, as bytes; `undefined` where there are none. */
export function sentBytes(params: unknown): Uint8Array | undefined {
  const [text, config] = Array.isArray(params) ? params : []
  if (typeof text !== 'string') return undefined
  const encoding = (config as Config | undefined)?.encoding ?? 'base58'
  try {
    return decode(text, encoding)
  } catch (error) {
    if (error instanceof RpcFault) return undefined
    throw error
  }
}

/** -32002 in the form of agave `SendTransactionPreflightFailure`. */
export function preflightFailure(fault: TransactionFault, units = 0): RpcFault {
  const result = { err: fault, logs: [], accounts: null, unitsConsumed: units, returnData: null }
  return new RpcFault(-32002, `Transaction simulation failed: ${describe(fault)}`, result)
}

function describe(fault: TransactionFault): string {
  if (fault === 'BlockhashNotFound') return 'Blockhash not found'
  if (fault === 'AlreadyProcessed') return 'This transaction has already been processed'
  if (fault === 'AccountNotFound') return 'Attempt to debit an account but found no record of a prior credit.'
  if (fault === 'InsufficientFundsForFee') return 'Insufficient funds for fee'
  return typeof fault === 'string' ? fault : JSON.stringify(fault)
}

function simulate(call: Call) {
  const config = configAt(call, 1)
  const given = transactionOf(textAt(call, 0), config)
  const bank = bankOf(call, config)
  const replaces = config.replaceRecentBlockhash === true
  if (replaces && config.sigVerify === true) {
    throw invalidParams('sigVerify may not be used with replaceRecentBlockhash')
  }
  const transaction = replaces ? { ...given, blockhash: bank.blockhash } : given
  if (config.sigVerify === true) checkSignatures(call, transaction)
  const { fault, units, after } = tryOn(call, transaction, bank)
  const lastValidBlockHeight = bank.height + 150
  return inContext(bank, {
    err: fault,
    logs: [],
    accounts: shownAfter(call, transaction, bank, config, fault === null ? after : undefined),
    unitsConsumed: units,
    loadedAccountsDataSize: 0,
    returnData: null,
    innerInstructions: config.innerInstructions === true ? [] : null,
    replacementBlockhash: replaces ? { blockhash: bank.blockhash, lastValidBlockHeight } : null,
  })
}

type After = ReadonlyMap<string, SolanaAccount | undefined>

function shownAfter(
  { chain }: Call,
  { accounts }: WireTransaction,
  bank: SolanaBlock,
  config: Config,
  after: After | undefined,
) {
  if (config.accounts === undefined || config.accounts === null) return null
  const { addresses, encoding = 'base64' } = config.accounts as Config
  if (encoding === 'base58' || encoding === 'binary') throw invalidParams('base58 encoding not supported')
  if (!Array.isArray(addresses)) throw invalidParams('Invalid params: missing field `addresses`.')
  if (addresses.length > accounts.length) throw invalidParams(`Too many accounts provided; max ${accounts.length}`)
  if (after === undefined) return addresses.map(() => null)
  return addresses.map((each) => {
    const wanted = address(each)
    return shownAccount(after.has(wanted) ? after.get(wanted) : accountAt(chain.ledger, wanted, bank), encoding)
  })
}

function tryOn({ chain }: Call, transaction: WireTransaction, bank: SolanaBlock) {
  const refusal = refusalOf(chain.ledger, transaction, bank)
  if (refusal !== undefined) return { fault: refusal, units: 0, after: undefined }
  const get = (each: string) => accountAt(chain.ledger, each, bank)
  const result = execute(transaction, get, () => durableNonceOf(bank.blockhash))
  if (result.kind === 'dropped') return { fault: result.fault, units: 0, after: undefined }
  return { fault: result.fault, units: result.units, after: result.after }
}

/** Whether the node itself still takes a blockhash: ages 0 to 150 below its own block. */
function isRecent({ chain }: Call, hash: string, bank: SolanaBlock): boolean {
  const height = heightOf(chain.ledger, hash, bank)
  return height !== undefined && bank.height - height <= 150
}

function checkHealth({ node: { behind } }: Call): void {
  if (behind > HEALTHY_LAG) throw nodeBehind(behind)
}

export function nodeBehind(slots: number): RpcFault {
  return new RpcFault(-32005, `Node is behind by ${slots} slots`, { numSlotsBehind: slots })
}

function checkSignatures({ chain }: Call, transaction: WireTransaction): void {
  if (chain.hasGoodSignatures(transaction)) return
  throw new RpcFault(-32003, 'Transaction signature verification failure')
}

/** The limits of agave `decode_and_deserialize`, then its sanitizing. */
function transactionOf(text: string, { encoding = 'base58' }: Config): WireTransaction {
  const bytes = decode(text, encoding)
  const read = readTransaction(bytes)
  if ('problem' in read) throw invalidParams(read.problem)
  if (read.usesLookupTables) {
    const words = "Transaction loads an address table account that doesn't exist"
    throw invalidParams(`invalid transaction: ${words}`)
  }
  return read
}

function decode(text: string, encoding: unknown): Uint8Array {
  if (encoding !== 'base58' && encoding !== 'base64') {
    throw invalidParams(`unsupported encoding: ${String(encoding)}. Supported encodings: base58, base64`)
  }
  const most = encoding === 'base64' ? MAX_BASE64 : MAX_BASE58
  if (text.length > most) {
    const limits = `(max: encoded/raw ${most}/${MAX_TRANSACTION_BYTES})`
    throw invalidParams(`${encoding} encoded VersionedTransaction too large: ${text.length} bytes ${limits}`)
  }
  const bytes = encoding === 'base64' ? decodeBase64(text) : decodeBase58(text)
  if (bytes.length > MAX_TRANSACTION_BYTES) {
    const limits = `(max: ${MAX_TRANSACTION_BYTES} bytes)`
    throw invalidParams(`decoded VersionedTransaction too large: ${bytes.length} bytes ${limits}`)
  }
  return bytes
}

function decodeBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw invalidParams('invalid base64 encoding: InvalidPadding')
  return bytes
}

function decodeBase58(text: string): Uint8Array {
  try {
    return base58.decode(text)
  } catch {
    throw invalidParams('invalid base58 encoding: InvalidCharacter')
  }
}

const MAX_BASE58_DATA = 128

function shownAccount(account: SolanaAccount | undefined, encoding: unknown) {
  if (account === undefined) return null
  const { lamports, owner, data } = account
  return {
    data: shownData(data, encoding),
    executable: isExecutable(account),
    lamports: u64(lamports),
    owner,
    rentEpoch: u64(NEVER),
    space: data.length,
  }
}

function shownData(data: Uint8Array, encoding: unknown) {
  if (encoding === 'base64' || encoding === 'jsonParsed') return [Buffer.from(data).toString('base64'), 'base64']
  if (encoding !== 'binary' && encoding !== 'base58') {
    throw invalidParams(`Invalid params: unknown variant \`${String(encoding)}\`.`)
  }
  if (data.length > MAX_BASE58_DATA) {
    const advice = 'please use Base64 encoding.'
    throw new RpcFault(-32600, `Encoded binary (base 58) data should be less than 128 bytes, ${advice}`)
  }
  return encoding === 'binary' ? base58.encode(data) : [base58.encode(data), 'base58']
}
