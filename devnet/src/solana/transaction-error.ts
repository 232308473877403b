import type { FailedTransactionMetadata } from 'litesvm'

/** A failed transaction's reason in the words of Solana's JSON-RPC. */
export type RpcTransactionError = string | { readonly [kind: string]: unknown }

export function transactionErrorOf(failure: FailedTransactionMetadata): RpcTransactionError {
  const error: unknown = failure.err()
  if (typeof error === 'number') return TRANSACTION_ERRORS[error] ?? 'SanitizeFailure'
  const { index, accountIndex } = error as { index?: number; accountIndex?: number }
  const name = (error as object).constructor.name.replace('TransactionError', '')
  if (name === 'InstructionError') return { InstructionError: [index, instructionErrorOf(error as InstructionFailure)] }
  return { [name]: name === 'DuplicateInstruction' ? index : { account_index: accountIndex } }
}

type InstructionFailure = { err(): number | { code?: number; msg?: string } }

function instructionErrorOf(failure: InstructionFailure): unknown {
  const error = failure.err()
  if (typeof error === 'number') return INSTRUCTION_ERRORS[error] ?? 'GenericError'
  return error.code === undefined ? { BorshIoError: error.msg } : { Custom: error.code }
}

/** The sentence a validator puts behind "Transaction simulation failed: ". */
export function describeTransactionError(error: RpcTransactionError): string {
  if (error === 'BlockhashNotFound') return 'Blockhash not found'
  if (error === 'AccountNotFound') return 'Attempt to debit an account but found no record of a prior credit.'
  if (error === 'InsufficientFundsForFee') return 'Insufficient funds for fee'
  if (typeof error === 'string') return error
  const failed = error.InstructionError as [number, unknown] | undefined
  if (!failed) return `Transaction failed: ${JSON.stringify(error)}`
  const [index, reason] = failed
  const custom = (reason as { Custom?: number }).Custom
  const words = custom === undefined ? String(reason) : `custom program error: 0x${custom.toString(16)}`
  return `Error processing Instruction ${index}: ${words}`
}

/** In the order of LiteSVM's `TransactionErrorFieldless`, whose names do not exist at run time. */
const TRANSACTION_ERRORS = [
  'AccountInUse',
  'AccountLoadedTwice',
  'AccountNotFound',
  'ProgramAccountNotFound',
  'InsufficientFundsForFee',
  'InvalidAccountForFee',
  'AlreadyProcessed',
  'BlockhashNotFound',
  'CallChainTooDeep',
  'MissingSignatureForFee',
  'InvalidAccountIndex',
  'SignatureFailure',
  'InvalidProgramForExecution',
  'SanitizeFailure',
  'ClusterMaintenance',
  'AccountBorrowOutstanding',
  'WouldExceedMaxBlockCostLimit',
  'UnsupportedVersion',
  'InvalidWritableAccount',
  'WouldExceedMaxAccountCostLimit',
  'WouldExceedAccountDataBlockLimit',
  'TooManyAccountLocks',
  'AddressLookupTableNotFound',
  'InvalidAddressLookupTableOwner',
  'InvalidAddressLookupTableData',
  'InvalidAddressLookupTableIndex',
  'InvalidRentPayingAccount',
  'WouldExceedMaxVoteCostLimit',
  'WouldExceedAccountDataTotalLimit',
  'MaxLoadedAccountsDataSizeExceeded',
  'ResanitizationNeeded',
  'InvalidLoadedAccountsDataSizeLimit',
  'UnbalancedTransaction',
  'ProgramCacheHitMaxLimit',
  'CommitCancelled',
]

/** In the order of LiteSVM's `InstructionErrorFieldless`. */
const INSTRUCTION_ERRORS = [
  'GenericError',
  'InvalidArgument',
  'InvalidInstructionData',
  'InvalidAccountData',
  'AccountDataTooSmall',
  'InsufficientFunds',
  'IncorrectProgramId',
  'MissingRequiredSignature',
  'AccountAlreadyInitialized',
  'UninitializedAccount',
  'UnbalancedInstruction',
  'ModifiedProgramId',
  'ExternalAccountLamportSpend',
  'ExternalAccountDataModified',
  'ReadonlyLamportChange',
  'ReadonlyDataModified',
  'DuplicateAccountIndex',
  'ExecutableModified',
  'RentEpochModified',
  'NotEnoughAccountKeys',
  'AccountDataSizeChanged',
  'AccountNotExecutable',
  'AccountBorrowFailed',
  'AccountBorrowOutstanding',
  'DuplicateAccountOutOfSync',
  'InvalidError',
  'ExecutableDataModified',
  'ExecutableLamportChange',
  'ExecutableAccountNotRentExempt',
  'UnsupportedProgramId',
  'CallDepth',
  'MissingAccount',
  'ReentrancyNotAllowed',
  'MaxSeedLengthExceeded',
  'InvalidSeeds',
  'InvalidRealloc',
  'ComputationalBudgetExceeded',
  'PrivilegeEscalation',
  'ProgramEnvironmentSetupFailure',
  'ProgramFailedToComplete',
  'ProgramFailedToCompile',
  'Immutable',
  'IncorrectAuthority',
  'AccountNotRentExempt',
  'InvalidAccountOwner',
  'ArithmeticOverflow',
  'UnsupportedSysvar',
  'IllegalOwner',
  'MaxAccountsDataAllocationsExceeded',
  'MaxAccountsExceeded',
  'MaxInstructionTraceLengthExceeded',
  'BuiltinProgramsMustConsumeComputeUnits',
  'BorshIoError',
]
