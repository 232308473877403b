import type { Address } from '@solana/addresses'
import { AccountRole } from '@solana/instructions'
import type { ContractCallRequest, Network } from '@waiaas/core'
import { parseParty, type Refusal, refuse } from '../payment.ts'
import { BudgetInstruction } from './compute-budget.ts'
import type { SolanaPrepared } from './context.ts'
import { COMPUTE_BUDGET_PROGRAM } from './programs.ts'

/** What the wallet says itself in every transaction. */
const ownBudget: readonly number[] = [BudgetInstruction.UnitLimit, BudgetInstruction.UnitPrice]

/** One instruction to a program, with accounts and data as they were given. */
export function prepareContractCall(
  { programId, instructionData, accounts }: ContractCallRequest,
  network: Network,
  from: string,
): SolanaPrepared | Refusal {
  if (programId === undefined || instructionData === undefined || accounts === undefined) {
    return refuse('VALIDATION_FAILED', `A call on ${network.name} needs programId, instructionData and accounts.`)
  }
  const program = parseParty(programId, network)
  if (!program.ok) return program
  const metas: { address: Address; role: AccountRole }[] = []
  for (const { pubkey, isSigner, isWritable } of accounts) {
    const account = parseParty(pubkey, network)
    if (!account.ok) return account
    if (isSigner && account.address !== from) {
      return refuse('WALLET_NOT_SIGNER', `${account.address} must sign too, and this wallet cannot sign for it.`)
    }
    const written = isWritable ? AccountRole.WRITABLE : AccountRole.READONLY
    const signed = isWritable ? AccountRole.WRITABLE_SIGNER : AccountRole.READONLY_SIGNER
    metas.push({ address: account.address as Address, role: isSigner ? signed : written })
  }
  const data = Buffer.from(instructionData, 'base64')
  if (program.address === COMPUTE_BUDGET_PROGRAM && ownBudget.includes(data[0] ?? 0)) {
    const message = 'Limit and price of compute units are set by the wallet: leave instructions for them out.'
    return refuse('VALIDATION_FAILED', message)
  }
  const instruction = { programAddress: program.address as Address, accounts: metas, data }
  return { ok: true, instructions: [instruction], amount: 0n, asset: network.native, to: program.address, wallets: [] }
}
