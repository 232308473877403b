import type { AnswerOf } from '@waiaas/sdk'
import { oneLine } from '../domain/one-line.ts'

type WalletFacts = Pick<AnswerOf<'wallet'>, 'defaultNetwork' | 'wallets'>
type Chain = WalletFacts['wallets'][number]['chain']

/** What an address looks like on each family of chains. Whether it is a good one the wallet tells. */
const addressForms: Readonly<Record<Chain, RegExp>> = {
  evm: /^0x/i,
  solana: /^[1-9A-HJ-NP-Za-km-z]{32,44}$/,
}

/**
 * Where a payment goes whose network nobody named: the wallet's own network if the address fits there, else the
 * only other one where it does. Undefined leaves the choice, and the complaint, to the wallet.
 *
 * @returns `choose` where several would do: a guess could pay on the wrong one.
 */
export function networkFor(
  to: string,
  { defaultNetwork, wallets }: WalletFacts,
): { network?: string; choose?: string } {
  const fitting = wallets.filter(({ chain }) => addressForms[chain].test(to)).flatMap(({ networks }) => networks)
  if (fitting.includes(defaultNetwork)) return { network: defaultNetwork }
  if (fitting.length <= 1) return fitting[0] === undefined ? {} : { network: fitting[0] }
  return { choose: `Say on which network: ${fitting.map(oneLine).join(', ')}. Nothing was sent.` }
}
