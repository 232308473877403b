import type { Asset, Network, TokenRef } from '@waiaas/core'
import { parseAmount, parseParty, type Refusal, refuse } from '../payment.ts'
import type { Reader } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { checkDeclared, MAX_DECIMALS, notAToken } from '../token.ts'
import { type AccountState, type Accounts, readAccounts } from './accounts.ts'
import type { SolanaContext } from './context.ts'
import { CLOCK_SYSVAR, METADATA_PROGRAM } from './programs.ts'
import { metadataAccount } from './token-instructions.ts'
import { type Mint, readMetadataAccount, readMint } from './token-state.ts'
import { MAX_U64 } from './transfer.ts'

/** The mints among these addresses, with the names that the metadata program keeps for them. */
export async function readMints(rpc: Reader, addresses: readonly string[]): Promise<RpcResult<Map<string, Mint>>> {
  const distinct = [...new Set(addresses)]
  const names = await Promise.all(distinct.map((address) => metadataAccount(address)))
  const answer = await readAccounts(rpc, [CLOCK_SYSVAR, ...distinct, ...names])
  if (!answer.ok) return answer
  const mints = new Map<string, Mint>()
  const now = readClock(answer.value.get(CLOCK_SYSVAR))
  for (const [index, address] of distinct.entries()) {
    const mint = mintIn(answer.value, address, names[index]!, now)
    if (mint !== undefined) mints.set(address, mint)
  }
  return { ok: true, value: mints }
}

function mintIn(accounts: Accounts, address: string, name: string, now: bigint | undefined): Mint | undefined {
  const [account, metadata] = [accounts.get(address), accounts.get(name)]
  if (!account) return undefined
  const named = metadata?.owner === METADATA_PROGRAM ? readMetadataAccount(metadata) : ''
  const mint = readMint(address, account, named, now)
  return mint !== undefined && mint.decimals <= MAX_DECIMALS ? mint : undefined
}

/** Unix time, after slot, start of the epoch and two epochs: solana-sdk, clock/src/lib.rs. */
function readClock(state: AccountState | null | undefined): bigint | undefined {
  return state && state.data.length >= 40 ? Buffer.from(state.data).readBigInt64LE(32) : undefined
}

/** Base units of what a request names of a mint: in human units, what wallets show now. */
export function parseMintAmount(
  request: { amount?: string | undefined; humanAmount?: string | undefined },
  mint: Mint,
): { ok: true; amount: bigint } | Refusal {
  const isHuman = request.humanAmount !== undefined && request.amount === undefined
  if (isHuman && mint.humanFault !== undefined) return refuse('VALIDATION_FAILED', mint.humanFault)
  return parseAmount(request, mint, MAX_U64)
}

/** The mint that a request names, which must be what the request says of it and not be paused. */
export async function namedMint(
  { rpc, network }: Pick<SolanaContext, 'rpc' | 'network'>,
  declared: TokenRef,
): Promise<{ ok: true; mint: Mint } | Refusal> {
  const address = parseParty(declared.address, network)
  if (!address.ok) return address
  const mints = await readMints(rpc, [address.address])
  if (!mints.ok) return refuse('CHAIN_ERROR', mints.failure.message)
  const mint = mints.value.get(address.address)
  if (mint === undefined) return notAToken(address.address, network as Network, 'no mint is there')
  if (mint.paused) return refuse('SIMULATION_FAILED', `Token ${mint.symbol} is paused by its issuer.`)
  return checkDeclared(declared, mint) ?? { ok: true, mint }
}

/** What amounts of a mint are shown with. */
export function unitOf({ symbol, decimals, multiplier }: Mint): Pick<Asset, 'symbol' | 'decimals' | 'multiplier'> {
  return { symbol, decimals, ...(multiplier === undefined ? {} : { multiplier }) }
}
