import type { Address } from '@solana/addresses'

export const SYSTEM_PROGRAM = '11111111111111111111111111111111' as Address
export const COMPUTE_BUDGET_PROGRAM = 'ComputeBudget111111111111111111111111111111' as Address
export const MEMO_V1_PROGRAM = 'Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo' as Address
/** The memo program that every cluster and local chain runs. */
export const MEMO_PROGRAM = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr' as Address

/** Index of `Transfer` among the System program's instructions. */
export const SYSTEM_TRANSFER = 2
