import { type ChainFamily, findNetwork, type NetworkName, parseAddress } from '@waiaas/core'
import { fail } from '../fail.ts'

export type OwnerAccount = {
  address: string
  family: ChainFamily
  /** Where the owner is a contract: the network that it lives on. */
  network: NetworkName | null
  /** Canonical form: the address, or the CAIP-10 account. */
  text: string
}

/**
 * An owner may live on either chain; the forms of the addresses cannot be confused. A plain address belongs to a
 * key. A contract names its network, as the same address may be somebody else's on another one.
 *
 * @throws AppError INVALID_ADDRESS.
 */
export function parseOwner(text: string): OwnerAccount {
  const contract = /^(eip155:\d+):(0x[0-9a-fA-F]{40})$/.exec(text)
  if (contract !== null) return parseContract(contract[1]!, contract[2]!)
  for (const family of ['evm', 'solana'] as const) {
    const parsed = parseAddress(family, text)
    if (parsed.ok) return { address: parsed.address, family, network: null, text: parsed.address }
  }
  const evm = parseAddress('evm', text)
  const why = !evm.ok && evm.fault === 'checksum does not match' ? 'its checksum does not match' : 'it has neither form'
  throw fail('INVALID_ADDRESS', `The owner address must be an EVM or a Solana address; ${why}.`)
}

function parseContract(chain: string, address: string): OwnerAccount {
  const network = findNetwork(chain)
  const parsed = parseAddress('evm', address)
  if (network === undefined || !parsed.ok) {
    throw fail('INVALID_ADDRESS', `${chain}:${address} is not an account on a known network.`)
  }
  return { address: parsed.address, family: 'evm', network: network.name, text: `${chain}:${parsed.address}` }
}
