import { accountInfo, decodeText } from './account-methods.ts'
import { encodeBase58 } from './base58.ts'
import { type RpcContext, type RpcMethod, withSlot } from './context.ts'
import { feeOf } from './fees.ts'
import { BLOCKHASH_LIFETIME } from './ledger.ts'
import {
  addressParam,
  type Config,
  checkMinContextSlot,
  commitmentParam,
  configParam,
  listParam,
  textParam,
  wholeParam,
} from './params.ts'
import { invalidParams, RpcFault } from './rpc-fault.ts'
import { describeTransactionError } from './transaction-error.ts'
import { encodeTransaction, innerInstructionsInfo, returnDataInfo } from './transaction-info.ts'
import type { Execution, SolanaAccount } from './virtual-machine.ts'
import { decodeMessage, decodeTransaction, type WireTransaction } from './wire.ts'

/** The methods that take, try and show transactions. */
export const transactionMethods: Record<string, RpcMethod> = {
  sendTransaction: (context, [text, options]) => {
    const config = configParam(options)
    checkMinContextSlot(context, config)
    return send(context, transactionParam(text, config), config.skipPreflight === true)
  },

  simulateTransaction: (context, [text, options]) => {
    const config = configParam(options)
    checkMinContextSlot(context, config)
    return simulate(context, transactionParam(text, config), config)
  },

  getFeeForMessage: (context, [text, config]) => {
    checkMinContextSlot(context, configParam(config))
    const message = orInvalid(() => decodeMessage(decodeText(textParam(text, 'message'), 'base64')))
    return withSlot(context, context.ledger.isBlockhashValid(message.blockhash) ? feeOf(message) : null)
  },

  getSignatureStatuses: (context, [signatures, options]) => {
    const { searchTransactionHistory } = configParam(options)
    const list = listParam(signatures, 'signatures', 256).map(signatureParam)
    return withSlot(
      context,
      list.map((signature) => statusOf(context, signature, searchTransactionHistory === true)),
    )
  },

  getTransaction: ({ ledger, vm }, [signature, options]) => {
    const config = typeof options === 'string' ? { encoding: options } : configParam(options)
    const commitment = commitmentParam(config)
    if (commitment === 'processed') throw invalidParams('commitment below confirmed is not supported here')
    const record = ledger.transaction(signatureParam(signature))
    if (!record || !ledger.hasReached(record.slot, commitment)) return null
    return encodeTransaction(record, config, (mint) => vm.account(mint))
  },

  getSignaturesForAddress: ({ ledger }, [address, options]) => {
    const config = configParam(options)
    const commitment = commitmentParam(config)
    const limit = Number(config.limit === undefined ? 1000n : wholeParam(config.limit, 'limit'))
    const all = ledger.transactionsOf(addressParam(address)).filter(({ slot }) => ledger.hasReached(slot, commitment))
    const start = config.before ? all.findIndex(({ signature }) => signature === config.before) + 1 : 0
    const until = config.until ? all.findIndex(({ signature }) => signature === config.until) : -1
    return all
      .slice(start, until < 0 ? undefined : until)
      .slice(0, Math.min(limit, 1000))
      .map((record) => ({
        blockTime: record.blockTime,
        confirmationStatus: ledger.commitmentOf(record.slot),
        err: record.error,
        memo: null,
        signature: record.signature,
        slot: record.slot,
      }))
  },

  requestAirdrop: (context, [address, lamports]) => {
    const { faucet, ledger } = context
    const transfer = faucet.transfer(addressParam(address), wholeParam(lamports, 'lamports'), ledger.head.hash)
    return send(context, transfer, false)
  },
}

function send(context: RpcContext, transaction: WireTransaction, skipPreflight: boolean): string {
  const { ledger, vm } = context
  const { signature, message } = transaction
  if (ledger.transaction(signature)) return signature
  if (!ledger.isBlockhashValid(message.blockhash)) {
    if (skipPreflight) return signature
    throw preflightFault({ ...NOT_RUN, error: 'BlockhashNotFound' })
  }
  if (ledger.isPaused && !skipPreflight) {
    const trial = vm.simulate(transaction, true)
    if (trial.error) throw preflightFault(trial)
  }
  const submission = ledger.submit(transaction, !skipPreflight)
  if (submission.kind === 'rejected' && !skipPreflight) throw preflightFault(submission.execution)
  return signature
}

const NOT_RUN: Execution = { error: null, logs: [], units: 0n, returnData: null, innerInstructions: [] }

function preflightFault(execution: Execution): RpcFault {
  const { error } = execution
  if (error === 'SignatureFailure') return new RpcFault(-32003, 'Transaction signature verification failure')
  const reason = describeTransactionError(error ?? 'unknown')
  return new RpcFault(-32002, `Transaction simulation failed: ${reason}`, {
    ...executionInfo(execution),
    accounts: null,
    innerInstructions: null,
    replacementBlockhash: null,
  })
}

function executionInfo({ error, logs, units, returnData }: Execution) {
  return { err: error, logs, unitsConsumed: units, returnData: returnDataInfo(returnData), loadedAccountsDataSize: 0 }
}

function simulate(context: RpcContext, transaction: WireTransaction, config: Config) {
  const { ledger, vm } = context
  const replaces = config.replaceRecentBlockhash === true
  if (replaces && config.sigVerify === true)
    throw invalidParams('sigVerify may not be used with replaceRecentBlockhash')
  const isCurrent = replaces || ledger.isBlockhashValid(transaction.message.blockhash)
  const run = isCurrent
    ? vm.simulate(transaction, config.sigVerify === true)
    : { ...NOT_RUN, error: 'BlockhashNotFound', accounts: new Map<string, SolanaAccount>() }
  if (run.error === 'SignatureFailure') throw preflightFault(run)
  const { hash, height } = ledger.head
  return withSlot(context, {
    ...executionInfo(run),
    accounts: postAccounts(context, run, config),
    innerInstructions: config.innerInstructions === true ? innerInstructionsInfo(run.innerInstructions) : null,
    replacementBlockhash: replaces ? { blockhash: hash, lastValidBlockHeight: height + BLOCKHASH_LIFETIME } : null,
  })
}

function postAccounts(context: RpcContext, run: { accounts: ReadonlyMap<string, SolanaAccount> }, config: Config) {
  if (config.accounts === undefined || config.accounts === null) return null
  const { addresses, encoding } = configParam(config.accounts)
  return listParam(addresses, 'addresses', 64).map((entry) => {
    const address = addressParam(entry)
    const account = run.accounts.get(address) ?? context.vm.account(address)
    return account && accountInfo(context, account, { encoding: encoding ?? 'base64' })
  })
}

function statusOf({ ledger }: RpcContext, signature: string, searchesHistory: boolean) {
  const record = ledger.transaction(signature)
  if (!record) return null
  const age = ledger.head.slot - record.slot
  if (age > BLOCKHASH_LIFETIME && !searchesHistory) return null
  const confirmationStatus = ledger.commitmentOf(record.slot)
  return {
    confirmationStatus,
    confirmations: confirmationStatus === 'finalized' ? null : age,
    err: record.error,
    slot: record.slot,
    status: record.error === null ? { Ok: null } : { Err: record.error },
  }
}

function transactionParam(text: unknown, { encoding }: Config): WireTransaction {
  return orInvalid(() => decodeTransaction(decodeText(textParam(text, 'transaction'), encoding ?? 'base58')))
}

function signatureParam(value: unknown): string {
  const text = textParam(value, 'signature')
  const bytes = decodeText(text, 'base58')
  if (bytes.length !== 64 || encodeBase58(bytes) !== text) throw invalidParams('expected a signature of 64 bytes')
  return text
}

function orInvalid<T>(decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (error instanceof TypeError) throw invalidParams(error.message)
    throw error
  }
}
