import type { ApproveRequest } from '@waiaas/core'
import { describeAmount, parseParty, type Refusal, refuse } from '../payment.ts'
import { readAccounts } from './accounts.ts'
import type { SolanaContext, SolanaPrepared } from './context.ts'
import { namedMint, parseMintAmount, unitOf } from './mints.ts'
import { approveTokensInstruction, associatedAccount } from './token-instructions.ts'
import { readTokenAccount } from './token-state.ts'

/**
 * A delegate for the wallet's token account, in place of the one before.
 *
 * What a delegate may take is not turned into another amount: it could take the old one just before and the
 * new one after. The way goes over zero.
 */
export async function prepareApprove(
  context: SolanaContext,
  request: ApproveRequest,
  from: string,
): Promise<SolanaPrepared | Refusal> {
  const party = parseParty(request.spender, context.network)
  if (!party.ok) return party
  const spender = party.address
  const named = await namedMint(context, request.token)
  if (!named.ok) return named
  const { mint } = named
  const parsed = parseMintAmount(request, mint)
  if (!parsed.ok) return parsed
  const { amount } = parsed
  const source = await associatedAccount(from, mint)
  const accounts = await readAccounts(context.rpc, [source])
  if (!accounts.ok) return refuse('CHAIN_ERROR', accounts.failure.message)
  const state = accounts.value.get(source)
  const account = state ? readTokenAccount(state) : undefined
  if (account === undefined) {
    return refuse('INSUFFICIENT_TOKEN_BALANCE', `The wallet has no account for ${mint.symbol} yet.`)
  }
  const current = account.delegate === spender ? account.delegatedAmount : 0n
  if (current !== 0n && amount !== 0n && current !== amount) {
    const may = `${spender} may take ${describeAmount(current, mint)} already`
    return refuse('VALIDATION_FAILED', `${may}: approve the amount 0 first, then the new one.`)
  }
  return {
    ok: true,
    instructions: [approveTokensInstruction({ mint, owner: from, account: source }, spender, amount)],
    amount,
    asset: unitOf(mint),
    to: spender,
    wallets: [],
  }
}
