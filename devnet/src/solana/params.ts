import { bytesOf } from './address.ts'
import type { RpcContext } from './context.ts'
import type { Commitment } from './ledger.ts'
import { invalidParams, RpcFault } from './rpc-fault.ts'

/** Reading of JSON-RPC parameters; each function throws an `RpcFault` on a value of another kind. */

export type Config = Readonly<Record<string, unknown>>

export function addressParam(value: unknown): string {
  if (typeof value !== 'string') throw invalidParams('expected a base58 address')
  try {
    bytesOf(value)
  } catch {
    throw invalidParams(`"${value.slice(0, 64)}" is not a base58 address of 32 bytes`)
  }
  return value
}

export function textParam(value: unknown, name: string): string {
  if (typeof value !== 'string') throw invalidParams(`expected a text for ${name}`)
  return value
}

export function listParam(value: unknown, name: string, limit: number): readonly unknown[] {
  if (!Array.isArray(value)) throw invalidParams(`expected a list of ${name}`)
  if (value.length > limit) throw invalidParams(`too many ${name}; max ${limit}`)
  return value
}

export function wholeParam(value: unknown, name: string): bigint {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value)
  if (!isWhole || BigInt(value as bigint | number) < 0n) throw invalidParams(`expected a whole number for ${name}`)
  return BigInt(value as bigint | number)
}

export function configParam(value: unknown): Config {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw invalidParams('expected a configuration object')
  return value as Config
}

/** The commitment asked for; `finalized` by default, as in the protocol. */
export function commitmentParam(config: Config): Commitment {
  const { commitment } = config
  if (commitment === undefined || commitment === null) return 'finalized'
  if (commitment === 'processed' || commitment === 'confirmed' || commitment === 'finalized') return commitment
  throw invalidParams('commitment must be processed, confirmed or finalized')
}

/** Refuses a call that wants a newer state than there is. */
export function checkMinContextSlot({ ledger }: RpcContext, { minContextSlot }: Config): void {
  if (minContextSlot === undefined || minContextSlot === null) return
  const contextSlot = ledger.head.slot
  if (wholeParam(minContextSlot, 'minContextSlot') <= BigInt(contextSlot)) return
  throw new RpcFault(-32016, 'Minimum context slot has not been reached', { contextSlot })
}
