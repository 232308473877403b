import type { TokenTransferRequest } from '@waiaas/core'
import { encodeData, from } from 'ox/AbiFunction'
import type { Account } from '../chain-adapter.ts'
import { checkTokenBalance, parseAmount, parseParty, type Refusal, refuse } from '../payment.ts'
import { checkDeclared, notAToken, type Token } from '../token.ts'
import type { EvmContext } from './draft.ts'
import type { EvmPrepared } from './prepared.ts'
import { callContract, readWord } from './tokens.ts'
import { checkSomebody, MAX_UINT256 } from './transfer.ts'

const transfer = from('function transfer(address to, uint256 value) returns (bool)')
const balanceOf = from('function balanceOf(address account) view returns (uint256)')

/** ERC-20 tokens to one address. */
export async function prepareTokenTransfer(
  context: EvmContext,
  request: TokenTransferRequest,
  wallet: Account,
): Promise<EvmPrepared | Refusal> {
  const { network, rpc } = context
  const recipient = parseParty(request.to, network)
  if (!recipient.ok) return recipient
  const to = recipient.address as `0x${string}`
  const lost = checkSomebody(to)
  if (lost !== undefined) return lost
  const found = await readToken(context, request.token)
  if (!found.ok) return found
  const { token } = found
  if (to === token.address) return refuse('INVALID_ADDRESS', `${to} is the token itself: what goes there is lost.`)
  const amount = parseAmount(request, token, MAX_UINT256)
  if (!amount.ok) return amount
  if (amount.amount === 0n) return refuse('VALIDATION_FAILED', 'The amount is zero.')
  const answer = await callContract(rpc, token.address, encodeData(balanceOf, [wallet.address as `0x${string}`]))
  if (!answer.ok) return refuse('CHAIN_ERROR', answer.failure.message)
  const balance = readWord(answer.value)
  if (balance === undefined) return notAToken(token.address, network, 'it does not tell balances')
  const short = checkTokenBalance(balance, amount.amount, token)
  if (short !== undefined) return short
  const data = encodeData(transfer, [to, amount.amount])
  return {
    ok: true,
    call: { to: token.address as `0x${string}`, value: 0n, data },
    amount: amount.amount,
    asset: { symbol: token.symbol, decimals: token.decimals },
    to,
    moves: { token: token.address, amount: amount.amount, to },
  }
}

/** The token that a request names, which must be what the request says of it. */
export async function readToken(
  { network, tokens }: EvmContext,
  declared: TokenTransferRequest['token'],
): Promise<{ ok: true; token: Token } | Refusal> {
  const address = parseParty(declared.address, network)
  if (!address.ok) return address
  const found = await tokens(address.address)
  return found.ok ? (checkDeclared(declared, found.token) ?? found) : found
}
