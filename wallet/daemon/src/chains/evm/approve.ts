import type { ApproveRequest } from '@waiaas/core'
import { encodeData, from } from 'ox/AbiFunction'
import type { Account } from '../chain-adapter.ts'
import { describeAmount, parseAmount, parseParty, type Refusal, refuse } from '../payment.ts'
import { notAToken } from '../token.ts'
import type { EvmContext } from './draft.ts'
import type { EvmPrepared } from './prepared.ts'
import { readToken } from './token-transfer.ts'
import { callContract, readWord } from './tokens.ts'
import { checkSomebody, MAX_UINT256 } from './transfer.ts'

const approve = from('function approve(address spender, uint256 value) returns (bool)')
const allowance = from('function allowance(address owner, address spender) view returns (uint256)')

/**
 * An ERC-20 allowance.
 *
 * One allowance is not turned into another: the spender could take the old one just before and the new one
 * after. The way goes over zero.
 */
export async function prepareApprove(
  context: EvmContext,
  request: ApproveRequest,
  wallet: Account,
): Promise<EvmPrepared | Refusal> {
  const { network, rpc } = context
  const party = parseParty(request.spender, network)
  if (!party.ok) return party
  const spender = party.address as `0x${string}`
  const nobody = checkSomebody(spender)
  if (nobody !== undefined) return nobody
  const found = await readToken(context, request.token)
  if (!found.ok) return found
  const { token } = found
  const parsed = parseAmount(request, token, MAX_UINT256)
  if (!parsed.ok) return parsed
  const { amount } = parsed
  const question = encodeData(allowance, [wallet.address as `0x${string}`, spender])
  const answer = await callContract(rpc, token.address, question)
  if (!answer.ok) return refuse('CHAIN_ERROR', answer.failure.message)
  const current = readWord(answer.value)
  if (current === undefined) return notAToken(token.address, network, 'it does not tell allowances')
  if (current !== 0n && amount !== 0n && current !== amount) {
    const may = `${spender} may take ${describeAmount(current, token)} already`
    return refuse('VALIDATION_FAILED', `${may}: approve the amount 0 first, then the new one.`)
  }
  return {
    ok: true,
    call: { to: token.address as `0x${string}`, value: 0n, data: encodeData(approve, [spender, amount]) },
    amount,
    asset: { symbol: token.symbol, decimals: token.decimals },
    to: spender,
  }
}
