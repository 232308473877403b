import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { LedgerState } from './ledger.ts'

/** The ledger's state as one JSON file. Bigints are texts "<digits>n", bytes are `{ base64 }`. */

export function readLedgerState(path: string): LedgerState | undefined {
  const text = readIfThere(path)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text, revive) as LedgerState
  } catch (cause) {
    throw new Error(`The Solana state in ${path} cannot be read. Remove the file to begin a new chain.`, { cause })
  }
}

/** Replaces the file as a whole, so that a crash leaves the old or the new one. */
export function writeLedgerState(path: string, state: LedgerState): void {
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.new`
  writeFileSync(draft, JSON.stringify(state, freeze))
  renameSync(draft, path)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function freeze(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  return value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value
}

function revive(_: string, value: unknown): unknown {
  if (typeof value === 'string') return /^[0-9]+n$/.test(value) ? BigInt(value.slice(0, -1)) : value
  if (typeof value !== 'object' || value === null || !('base64' in value)) return value
  return new Uint8Array(Buffer.from(String(value.base64), 'base64'))
}
