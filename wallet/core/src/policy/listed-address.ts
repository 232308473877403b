import { z } from 'zod'
import { parseAddress } from '../address.ts'
import { type ChainFamily, type NetworkName, NetworkRef, networkOf } from '../network.ts'

/** An address in a rule, parsed to the form under which its chain compares addresses: EVM by bytes, Solana exactly. */
export const RuleAddress = z.string().transform((text, context): string => {
  if (families.some((family) => parseAddress(family, text).ok)) return comparable(text)
  const message = 'is neither an EVM nor a Solana address, or its checksum does not match'
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

const families: readonly ChainFamily[] = ['evm', 'solana']

/** Fields that limit an entry to one chain, or one network of it, and say what it is. */
export const entryFields = {
  chain: z.enum(['evm', 'solana']).optional(),
  network: NetworkRef.optional(),
  name: z.string().max(100).optional(),
}

export type Entry = {
  address: string
  chain?: 'evm' | 'solana' | undefined
  network?: NetworkName | undefined
}

/**
 * The form in which rules compare addresses. Hex ones are the same where their digits are, whatever the case of
 * these; base58 has no digit 0, so none of its addresses is taken for one.
 */
export function comparable(address: string): string {
  return address.startsWith('0x') ? address.toLowerCase() : address
}

/** True where the entry names this address on this network. */
export function isListed(entry: Entry, network: NetworkName, address: string): boolean {
  if (entry.network !== undefined && entry.network !== network) return false
  if (entry.chain !== undefined && entry.chain !== networkOf(network).family) return false
  return entry.address === comparable(address)
}

/** True where `entry` names nothing that `other` does not name. */
export function namesNoMore(entry: Entry, other: Entry): boolean {
  const chain = entry.network === undefined ? entry.chain : networkOf(entry.network).family
  if (other.network !== undefined && other.network !== entry.network) return false
  if (other.chain !== undefined && other.chain !== chain) return false
  return entry.address === other.address
}
