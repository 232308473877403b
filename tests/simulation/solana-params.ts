/** Parameters of JSON-RPC methods, read as strictly as Agave reads them. */

import { base58 } from '@scure/base'
import type { SolanaChain } from './solana-chain.ts'
import type { FaultDice } from './solana-faults.ts'
import type { SolanaBlock } from './solana-ledger.ts'
import type { NodeView } from './solana-node.ts'
import type { Level } from './solana-truth.ts'

/** A JSON-RPC error; the codes above -32100 are those of agave, rpc-client-api `custom_error.rs`. */
export class RpcFault extends Error {
  readonly code: number
  readonly data: unknown

  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.code = code
    this.data = data
  }
}

export type Call = {
  chain: SolanaChain
  node: NodeView
  dice: FaultDice
  genesisHash: string
  params: readonly unknown[]
}

export type Config = Readonly<Record<string, unknown>>

export function invalidParams(message: string): RpcFault {
  return new RpcFault(-32602, message)
}

export function configAt({ params }: Call, index: number): Config {
  const value = params[index]
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalidParams(`Invalid params: invalid type: ${shown(value)}, expected struct`)
  }
  return value as Config
}

export function textAt({ params }: Call, index: number): string {
  const value = params[index]
  if (typeof value === 'string') return value
  if (value === undefined) throw invalidParams('`params` should have at least 1 argument(s)')
  throw invalidParams(`Invalid params: invalid type: ${shown(value)}, expected a string.`)
}

export function wholeAt({ params }: Call, index: number): number {
  const value = params[index]
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  if (value === undefined) throw invalidParams('`params` should have at least 1 argument(s)')
  throw invalidParams(`Invalid params: invalid type: ${shown(value)}, expected u64.`)
}

export function listAt({ params }: Call, index: number, most: number): readonly unknown[] {
  const value = params[index]
  if (!Array.isArray(value)) throw invalidParams(`Invalid params: invalid type: ${shown(value)}, expected a sequence.`)
  if (value.length > most) throw invalidParams(`Too many inputs provided; max ${most}`)
  return value
}

export function address(value: unknown): string {
  if (isAddress(value)) return value
  throw invalidParams('Invalid param: WrongSize')
}

/** The commitment of a configuration: `finalized` where it names none. */
export function levelOf({ commitment }: Config): Level {
  if (commitment === undefined || commitment === null) return 'finalized'
  if (commitment === 'processed' || commitment === 'confirmed' || commitment === 'finalized') return commitment
  throw invalidParams(`Invalid params: unknown variant \`${String(commitment)}\`.`)
}

export function atLeastConfirmed(config: Config): 'confirmed' | 'finalized' {
  const level = levelOf(config)
  if (level === 'processed') throw invalidParams('Method does not support commitment below `confirmed`')
  return level
}

/** The block that a question is about (agave `get_bank_with_config`). */
export function bankOf({ node }: Call, config: Config): SolanaBlock {
  const bank = node[levelOf(config)]
  checkContextSlot(bank.slot, config)
  return bank
}

export function checkContextSlot(slot: number, { minContextSlot }: Config): void {
  if (typeof minContextSlot === 'number' && slot < minContextSlot) {
    throw new RpcFault(-32016, 'Minimum context slot has not been reached', { contextSlot: slot })
  }
}

export function inContext(bank: SolanaBlock, value: unknown) {
  return { context: { apiVersion: API_VERSION, slot: bank.slot }, value }
}

export const API_VERSION = '3.0.6'

export function checkHistory({ node, dice }: Call): void {
  if (node.hasHistory) return
  dice.count('noHistory')
  throw new RpcFault(-32011, 'Transaction history is not available from this node')
}

const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => object }

/** An unsigned 64-bit number as the wire has it, also above 2^53. */
export function u64(value: bigint): number | object {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : rawJSON(value.toString())
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `string "${value.slice(0, 60)}"` : (JSON.stringify(value)?.slice(0, 60) ?? 'null')
}

/** Whether a text is 32 bytes in base58. */
export function isAddress(text: unknown): text is string {
  if (typeof text !== 'string' || text.length < 32 || text.length > 44) return false
  try {
    return base58.decode(text).length === 32
  } catch {
    return false
  }
}
