import { readFileSync } from 'node:fs'

/** The contracts this package can deploy; source and artefact of each are in `devnet/contracts`. */
export const CONTRACT_NAMES = ['Token', 'Box', 'FeeToken', 'Items', 'OwnerFactory', 'ShareToken', 'Trickster'] as const

export type ContractName = (typeof CONTRACT_NAMES)[number]

export type Artefact = { readonly abi: unknown; readonly bytecode: `0x${string}` }

export const CONTRACTS_FOLDER = new URL('../contracts/', import.meta.url)

export function artefactOf(name: ContractName): Artefact {
  return JSON.parse(readFileSync(new URL(`${name}.json`, CONTRACTS_FOLDER), 'utf8')) as Artefact
}
