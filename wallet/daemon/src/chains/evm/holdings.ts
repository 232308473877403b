import { encodeData, from } from 'ox/AbiFunction'
import type { Reader } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import type { Holding } from '../token.ts'
import { callContract, readWord, type TokenSource } from './tokens.ts'

const balanceOf = from('function balanceOf(address account) view returns (uint256)')

/** What an account has of each of these tokens; addresses that are no tokens are left out. */
export async function readHoldings(
  { rpc, tokens }: { rpc: Reader; tokens: TokenSource },
  owner: string,
  addresses: readonly string[],
): Promise<RpcResult<Holding[]>> {
  const holdings: Holding[] = []
  const data = encodeData(balanceOf, [owner as `0x${string}`])
  const asked = addresses.map(async (address) =>
    Promise.all([tokens(address), callContract(rpc, address, data)] as const),
  )
  for (const [token, answer] of await Promise.all(asked)) {
    if (!answer.ok) return answer
    if (!token.ok && token.code === 'CHAIN_ERROR') {
      return { ok: false, failure: { kind: 'unreachable', message: token.message } }
    }
    const amount = readWord(answer.value)
    if (token.ok && amount !== undefined) holdings.push({ ...token.token, amount })
  }
  return { ok: true, value: holdings }
}
