import { getBase58Decoder } from '@solana/kit'
import type { TransactionRecord } from './ledger.ts'
import type { Config } from './params.ts'
import { invalidParams, RpcFault } from './rpc-fault.ts'
import { decimalsOf, type TokenBalance, tokenAmount } from './token-accounts.ts'
import type { Execution, InnerInstructions, SolanaAccount } from './virtual-machine.ts'
import { decodeTransaction } from './wire.ts'

/** Puts transactions of the chain the way `getTransaction` shows them. */

const base58 = getBase58Decoder()

type MintOf = (address: string) => SolanaAccount | null

export function encodeTransaction(record: TransactionRecord, config: Config, mintOf: MintOf) {
  const { version } = decodeTransaction(record.bytes).message
  if (version !== 'legacy' && config.maxSupportedTransactionVersion === undefined) {
    const hint = 'Please set maxSupportedTransactionVersion to 0'
    throw new RpcFault(-32015, `Transaction version (0) is not supported by the requesting client. ${hint}`)
  }
  return {
    blockTime: record.blockTime,
    meta: metaOf(record, mintOf),
    slot: record.slot,
    transaction: bodyOf(record, config.encoding ?? 'json'),
    version,
  }
}

function metaOf(record: TransactionRecord, mintOf: MintOf) {
  const tokens = (balances: readonly TokenBalance[]) =>
    balances.map(({ accountIndex, mint, owner, programId, amount }) => {
      return { accountIndex, mint, owner, programId, uiTokenAmount: tokenAmount(amount, decimalsOf(mintOf(mint))) }
    })
  return {
    computeUnitsConsumed: record.units,
    err: record.error,
    fee: record.fee,
    innerInstructions: innerInstructionsInfo(record.innerInstructions),
    loadedAddresses: record.touched.loaded,
    logMessages: record.logs,
    postBalances: record.postBalances,
    postTokenBalances: tokens(record.postTokens),
    preBalances: record.preBalances,
    preTokenBalances: tokens(record.preTokens),
    returnData: returnDataInfo(record.returnData),
    rewards: [],
    status: record.error === null ? { Ok: null } : { Err: record.error },
  }
}

function bodyOf({ bytes }: TransactionRecord, encoding: unknown) {
  if (encoding === 'base64') return [Buffer.from(bytes).toString('base64'), 'base64']
  if (encoding === 'base58') return [base58.decode(bytes), 'base58']
  if (encoding !== 'json') throw invalidParams('encoding must be json, base58 or base64')
  const { message, signatureCount } = decodeTransaction(bytes)
  const { header } = message
  return {
    message: {
      accountKeys: message.staticAccounts,
      header: {
        numReadonlySignedAccounts: header.numReadonlySignerAccounts,
        numReadonlyUnsignedAccounts: header.numReadonlyNonSignerAccounts,
        numRequiredSignatures: header.numSignerAccounts,
      },
      instructions: message.instructions.map(({ programAddressIndex, accountIndices, data }) => ({
        accounts: accountIndices ?? [],
        data: data ? base58.decode(data) : '',
        programIdIndex: programAddressIndex,
        stackHeight: 1,
      })),
      recentBlockhash: message.lifetimeToken,
      ...('addressTableLookups' in message && {
        addressTableLookups: message.addressTableLookups?.map((lookup) => ({
          accountKey: lookup.lookupTableAddress,
          readonlyIndexes: lookup.readonlyIndexes,
          writableIndexes: lookup.writableIndexes,
        })),
      }),
    },
    signatures: Array.from({ length: signatureCount }, (_, index) =>
      base58.decode(bytes.subarray(1 + 64 * index, 65 + 64 * index)),
    ),
  }
}

export function innerInstructionsInfo(inner: readonly InnerInstructions[]) {
  return inner.map(({ index, instructions }) => ({
    index,
    instructions: instructions.map((instruction) => ({ ...instruction, data: base58.decode(instruction.data) })),
  }))
}

export function returnDataInfo(returned: Execution['returnData']) {
  return returned && { programId: returned.programId, data: [Buffer.from(returned.data).toString('base64'), 'base64'] }
}
