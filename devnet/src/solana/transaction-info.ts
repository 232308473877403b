import { encodeBase58 } from './base58.ts'
import type { TransactionRecord } from './ledger.ts'
import type { Config } from './params.ts'
import { invalidParams, RpcFault } from './rpc-fault.ts'
import { decimalsOf, type TokenBalance, tokenAmount } from './token-accounts.ts'
import type { Execution, InnerInstructions, SolanaAccount } from './virtual-machine.ts'
import { decodeTransaction } from './wire.ts'

/** Puts transactions of the chain the way `getTransaction` shows them. */

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
  if (encoding === 'base58') return [encodeBase58(bytes), 'base58']
  if (encoding !== 'json') throw invalidParams('encoding must be json, base58 or base64')
  const { message, signatureCount } = decodeTransaction(bytes)
  const { header } = message
  return {
    message: {
      accountKeys: message.staticAccounts,
      header: {
        numReadonlySignedAccounts: header.readonlySigners,
        numReadonlyUnsignedAccounts: header.readonlyOthers,
        numRequiredSignatures: header.signers,
      },
      instructions: message.instructions.map(({ programIndex, accountIndices, data }) => ({
        accounts: accountIndices,
        data: encodeBase58(data),
        programIdIndex: programIndex,
        stackHeight: 1,
      })),
      recentBlockhash: message.blockhash,
      ...(message.version === 0 && {
        addressTableLookups: message.lookups.map(({ table, writableIndices, readonlyIndices }) => ({
          accountKey: table,
          readonlyIndexes: readonlyIndices,
          writableIndexes: writableIndices,
        })),
      }),
    },
    signatures: Array.from({ length: signatureCount }, (_, index) =>
      encodeBase58(bytes.subarray(1 + 64 * index, 65 + 64 * index)),
    ),
  }
}

export function innerInstructionsInfo(inner: readonly InnerInstructions[]) {
  return inner.map(({ index, instructions }) => ({
    index,
    instructions: instructions.map((instruction) => ({ ...instruction, data: encodeBase58(instruction.data) })),
  }))
}

export function returnDataInfo(returned: Execution['returnData']) {
  return returned && { programId: returned.programId, data: [Buffer.from(returned.data).toString('base64'), 'base64'] }
}
