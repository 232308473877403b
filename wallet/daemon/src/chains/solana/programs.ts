import type { Address } from '@solana/addresses'

export const SYSTEM_PROGRAM = '11111111111111111111111111111111' as Address
export const COMPUTE_BUDGET_PROGRAM = 'ComputeBudget111111111111111111111111111111' as Address
export const MEMO_V1_PROGRAM = 'Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo' as Address
/** The memo program that every cluster and local chain runs. */
export const MEMO_PROGRAM = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr' as Address
export const TOKEN_PROGRAM = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA' as Address
export const TOKEN_2022_PROGRAM = 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb' as Address
export const ATA_PROGRAM = 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL' as Address
/** Keeps names and symbols of tokens whose mints have no room for them. */
export const METADATA_PROGRAM = 'metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s' as Address

/** Holds the time of the chain. */
export const CLOCK_SYSVAR = 'SysvarC1ock11111111111111111111111111111111'
export const LOOKUP_TABLE_PROGRAM = 'AddressLookupTab1e1111111111111111111111111' as Address

export const tokenPrograms: readonly string[] = [TOKEN_PROGRAM, TOKEN_2022_PROGRAM]

/** Programs that verify signatures; the first byte of an instruction tells how many, and each costs a fee. */
export const verifierPrograms: readonly string[] = [
  'Ed25519SigVerify111111111111111111111111111',
  'KeccakSecp256k11111111111111111111111111111',
  'Secp256r1SigVerify1111111111111111111111111',
]

/** Programs that are part of the validator: anza-xyz/agave, builtins-default-costs/src/lib.rs. */
export const builtinPrograms: ReadonlySet<string> = new Set([
  SYSTEM_PROGRAM,
  COMPUTE_BUDGET_PROGRAM,
  'Vote111111111111111111111111111111111111111',
  'BPFLoader1111111111111111111111111111111111',
  'BPFLoader2111111111111111111111111111111111',
  'BPFLoaderUpgradeab1e11111111111111111111111',
  'LoaderV411111111111111111111111111111111111',
  'Ed25519SigVerify111111111111111111111111111',
  'KeccakSecp256k11111111111111111111111111111',
])

/** Programs that hand over control or funds in ways that are not followed here. */
export const guardedPrograms: Readonly<Record<string, string>> = {
  Stake11111111111111111111111111111111111111: 'Stake',
  Vote111111111111111111111111111111111111111: 'Vote',
  Config1111111111111111111111111111111111111: 'Config',
  BPFLoaderUpgradeab1e11111111111111111111111: 'upgradeable loader',
  LoaderV411111111111111111111111111111111111: 'loader',
}

/** Index of `Transfer` among the System program's instructions. */
export const SYSTEM_TRANSFER = 2
/** Index of `AdvanceNonceAccount`, which makes a transaction one with a durable nonce where it stands first. */
export const ADVANCE_NONCE = 4
