import { readFileSync, writeFileSync } from 'node:fs'
import solc from 'solc'
import { type Artefact, CONTRACT_NAMES, CONTRACTS_FOLDER, type ContractName } from './contracts.ts'

/**
 * Compiles `devnet/contracts/*.sol`. Run it as a program to renew the artefacts beside them:
 * `node devnet/src/compile-contracts.ts`. Starting a chain needs only the artefacts, not the compiler.
 */
export function compileContract(name: ContractName): Artefact {
  const source = `${name}.sol`
  const input = {
    language: 'Solidity',
    sources: { [source]: { content: readFileSync(new URL(source, CONTRACTS_FOLDER), 'utf8') } },
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 200 },
      metadata: { bytecodeHash: 'none' },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as SolcOutput
  const failures = (output.errors ?? []).filter(({ severity }) => severity === 'error')
  if (failures.length > 0) throw new Error(failures.map((failure) => failure.formattedMessage).join('\n'))
  const contract = output.contracts[source]?.[name]
  if (!contract) throw new Error(`${source} has no contract named ${name}`)
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
}

type SolcOutput = {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts: Readonly<
    Record<string, Readonly<Record<string, { abi: unknown; evm: { bytecode: { object: string } } }>>>
  >
}

if (import.meta.main) {
  for (const name of CONTRACT_NAMES) {
    writeFileSync(new URL(`${name}.json`, CONTRACTS_FOLDER), `${JSON.stringify(compileContract(name), null, 2)}\n`)
  }
}
