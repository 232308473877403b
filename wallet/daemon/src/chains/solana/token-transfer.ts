import { type Address, isOffCurveAddress } from '@solana/addresses'
import type { TokenTransferRequest } from '@waiaas/core'
import { z } from 'zod'
import { checkTokenBalance, parseParty, type Refusal, refuse } from '../payment.ts'
import { type AccountState, readAccounts } from './accounts.ts'
import type { SolanaContext, SolanaPrepared } from './context.ts'
import { memoInstruction } from './message.ts'
import { namedMint, parseMintAmount, unitOf } from './mints.ts'
import { notPayable, noWallet } from './recipients.ts'
import { associatedAccount, createAccountInstruction, transferTokensInstruction } from './token-instructions.ts'
import { type Mint, readTokenAccount, transferFee } from './token-state.ts'
import { U64 } from './wire.ts'

/**
 * SPL or Token-2022 tokens to a wallet, whose token account is made where it is missing. What the mint
 * withholds is written into the transfer, so that it fails rather than withholds more.
 */
export async function prepareTokenTransfer(
  context: SolanaContext,
  request: TokenTransferRequest,
  from: string,
): Promise<SolanaPrepared | Refusal> {
  const recipient = parseParty(request.to, context.network)
  if (!recipient.ok) return recipient
  const to = recipient.address
  const named = await namedMint(context, request.token)
  if (!named.ok) return named
  const { mint } = named
  const unmovable = checkMovable(mint)
  if (unmovable !== undefined) return unmovable
  const parsed = parseMintAmount(request, mint)
  if (!parsed.ok) return parsed
  const { amount } = parsed
  if (amount === 0n) return refuse('VALIDATION_FAILED', 'The amount is zero.')

  const [source, target] = await Promise.all([associatedAccount(from, mint), associatedAccount(to, mint)])
  const [accounts, epoch] = await Promise.all([
    readAccounts(context.rpc, [source, target, to]),
    readEpoch(context, mint),
  ])
  if (!accounts.ok) return refuse('CHAIN_ERROR', accounts.failure.message)
  if (!epoch.ok) return epoch
  const state = (address: string) => accounts.value.get(address) ?? undefined
  const refusal =
    checkRecipient(to, state(to), state(target) !== undefined) ??
    checkSource(state(source), mint, amount) ??
    checkTarget(state(target), mint, to, request.memo)
  if (refusal !== undefined) return refusal

  const place = { mint, owner: from, account: source }
  const fee = mint.fee === undefined ? undefined : transferFee(mint, amount, epoch.epoch)
  return {
    ok: true,
    instructions: [
      ...(state(target) === undefined ? [createAccountInstruction(from, { mint, owner: to, account: target })] : []),
      // An account that wants a memo wants it right before the transfer.
      ...(request.memo ? [memoInstruction(request.memo)] : []),
      transferTokensInstruction(place, target, amount, fee),
    ],
    amount,
    asset: unitOf(mint),
    to,
    wallets: [],
  }
}

const Epoch = z.object({ epoch: U64 })

/** Asked for only where a fee depends on it. */
async function readEpoch({ rpc }: SolanaContext, mint: Mint): Promise<{ ok: true; epoch: bigint } | Refusal> {
  if (mint.fee === undefined) return { ok: true, epoch: 0n }
  const answer = await rpc.read('getEpochInfo', [{ commitment: 'confirmed' }], Epoch)
  return answer.ok ? { ok: true, epoch: answer.value.epoch } : refuse('CHAIN_ERROR', answer.failure.message)
}

function checkMovable({ symbol, nonTransferable, hook }: Mint): Refusal | undefined {
  if (nonTransferable) return refuse('SIMULATION_FAILED', `Token ${symbol} cannot be transferred (NonTransferable).`)
  if (hook === undefined) return undefined
  const message = `Token ${symbol} runs program ${hook} at every transfer; send it as a CONTRACT_CALL with the accounts that program needs.`
  return refuse('SIMULATION_FAILED', message)
}

/**
 * Tokens go to wallets. An address without a key (off the curve) is the wallet of a program where it has been used as
 * one, such as the vault of a multisig (LedgerHQ/ledger-live#9387, solana-foundation/solana-com#2024); where nothing
 * is there yet, it is mostly a token account that was mistaken for its owner.
 */
function checkRecipient(to: string, account: AccountState | undefined, hasTokens: boolean): Refusal | undefined {
  const found = noWallet(to, account)
  if (found !== undefined) return notPayable(to, found)
  if (account !== undefined || hasTokens || !isOffCurveAddress(to as Address)) return undefined
  const wanted = 'give the address of the wallet that shall have the tokens'
  return refuse('INVALID_ADDRESS', `${to} has no key (off the curve) and was never used as a wallet: ${wanted}.`)
}

function checkSource(account: AccountState | undefined, mint: Mint, amount: bigint): Refusal | undefined {
  const source = account && readTokenAccount(account)
  const short = checkTokenBalance(source?.amount ?? 0n, amount, mint)
  if (short !== undefined) return short
  return source?.frozen
    ? refuse('SIMULATION_FAILED', `The wallet's ${mint.symbol} are frozen by the issuer.`)
    : undefined
}

function checkTarget(
  account: AccountState | undefined,
  mint: Mint,
  to: string,
  memo: string | undefined,
): Refusal | undefined {
  if (account === undefined) {
    if (!mint.frozenAtFirst) return undefined
    return refuse(
      'SIMULATION_FAILED',
      `A new account for ${mint.symbol} begins frozen; ${to} must have one that the issuer thawed.`,
    )
  }
  const target = readTokenAccount(account)
  if (target?.frozen) return refuse('SIMULATION_FAILED', `The ${mint.symbol} account of ${to} is frozen by the issuer.`)
  if (target !== undefined && target.owner !== to) {
    return refuse('SIMULATION_FAILED', `The ${mint.symbol} account of ${to} belongs to ${target.owner} now.`)
  }
  if (target?.needsMemo && !memo) {
    return refuse('VALIDATION_FAILED', `${to} takes ${mint.symbol} only with a memo: give one.`)
  }
  return undefined
}
