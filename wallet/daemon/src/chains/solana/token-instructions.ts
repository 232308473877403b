import { base58 } from '@scure/base'
import { type Address, getProgramDerivedAddress } from '@solana/addresses'
import { AccountRole, type Instruction } from '@solana/instructions'
import { ATA_PROGRAM, METADATA_PROGRAM, SYSTEM_PROGRAM } from './programs.ts'
import type { Mint } from './token-state.ts'

/** First byte of the token programs' instructions. */
export const TokenInstruction = {
  Transfer: 3,
  Approve: 4,
  Revoke: 5,
  SetAuthority: 6,
  Burn: 8,
  CloseAccount: 9,
  TransferChecked: 12,
  ApproveChecked: 13,
  BurnChecked: 15,
  SyncNative: 17,
  TransferFee: 26,
  ConfidentialTransfer: 27,
  ConfidentialMintBurn: 42,
  Batch: 255,
} as const
/** Second byte, after `TransferFee`. */
export const TRANSFER_CHECKED_WITH_FEE = 1
export const ATA_CREATE_IDEMPOTENT = 1

/** The token account that belongs to an owner and a mint. */
export async function associatedAccount(owner: string, { program, address }: Pick<Mint, 'program' | 'address'>) {
  const seeds = [owner, program, address].map((key) => base58.decode(key))
  const [account] = await getProgramDerivedAddress({ programAddress: ATA_PROGRAM, seeds })
  return account as string
}

/** Where the metadata program keeps the name of a mint. */
export async function metadataAccount(mint: string): Promise<string> {
  const seeds = ['metadata', base58.decode(METADATA_PROGRAM), base58.decode(mint)]
  const [account] = await getProgramDerivedAddress({ programAddress: METADATA_PROGRAM, seeds })
  return account
}

const readonly = (address: string) => ({ address: address as Address, role: AccountRole.READONLY })
const writable = (address: string) => ({ address: address as Address, role: AccountRole.WRITABLE })
const signer = (address: string) => ({ address: address as Address, role: AccountRole.READONLY_SIGNER })
const payer = (address: string) => ({ address: address as Address, role: AccountRole.WRITABLE_SIGNER })

type Place = { mint: Mint; owner: string; account: string }

/** Makes the token account of `owner` unless it is there. */
export function createAccountInstruction(from: string, { mint, owner, account }: Place): Instruction {
  const accounts = [payer(from), writable(account), readonly(owner), readonly(mint.address)]
  return {
    programAddress: ATA_PROGRAM,
    accounts: [...accounts, readonly(SYSTEM_PROGRAM), readonly(mint.program)],
    data: Uint8Array.of(ATA_CREATE_IDEMPOTENT),
  }
}

/** `fee` is what the mint withholds; a transfer that would withhold anything else fails. */
export function transferTokensInstruction(
  from: Place,
  to: string,
  amount: bigint,
  fee: bigint | undefined,
): Instruction {
  const tag =
    fee === undefined ? [TokenInstruction.TransferChecked] : [TokenInstruction.TransferFee, TRANSFER_CHECKED_WITH_FEE]
  return {
    programAddress: from.mint.program as Address,
    accounts: [writable(from.account), readonly(from.mint.address), writable(to), signer(from.owner)],
    data: Buffer.concat([
      Buffer.of(...tag),
      u64(amount),
      Buffer.of(from.mint.decimals),
      ...(fee === undefined ? [] : [u64(fee)]),
    ]),
  }
}

export function approveTokensInstruction(from: Place, delegate: string, amount: bigint): Instruction {
  return {
    programAddress: from.mint.program as Address,
    accounts: [writable(from.account), readonly(from.mint.address), readonly(delegate), signer(from.owner)],
    data: Buffer.concat([Buffer.of(TokenInstruction.ApproveChecked), u64(amount), Buffer.of(from.mint.decimals)]),
  }
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}
