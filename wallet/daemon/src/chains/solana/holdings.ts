import { z } from 'zod'
import type { Reader } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { type Holding, tokenWords } from '../token.ts'
import { AccountInfo } from './accounts.ts'
import { readMints } from './mints.ts'
import { tokenPrograms } from './programs.ts'
import { readTokenAccount } from './token-state.ts'
import { InContext } from './wire.ts'

const Owned = InContext(z.array(z.object({ account: AccountInfo })))

/** What a wallet has of each of these mints, over all its token accounts; addresses that are no mints are left out. */
export async function readHoldings(
  rpc: Reader,
  owner: string,
  addresses: readonly string[],
): Promise<RpcResult<Holding[]>> {
  if (addresses.length === 0) return { ok: true, value: [] }
  const options = { commitment: 'confirmed', encoding: 'base64' }
  const [mints, ...owned] = await Promise.all([
    readMints(rpc, addresses),
    ...tokenPrograms.map((programId) => rpc.read('getTokenAccountsByOwner', [owner, { programId }, options], Owned)),
  ])
  if (!mints.ok) return mints
  const totals = new Map<string, bigint>()
  for (const answer of owned) {
    if (!answer.ok) return answer
    for (const { account } of answer.value.value) {
      const held = account === null ? undefined : readTokenAccount(account)
      if (held !== undefined) totals.set(held.mint, (totals.get(held.mint) ?? 0n) + held.amount)
    }
  }
  const holdings = [...mints.value.values()].map((mint) => {
    const { address, symbol, decimals } = mint
    return { address, symbol, decimals, ...tokenWords(mint), amount: totals.get(address) ?? 0n }
  })
  return { ok: true, value: holdings }
}
