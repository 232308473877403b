import type { Faucet } from './faucet.ts'
import type { Ledger } from './ledger.ts'
import type { VirtualMachine } from './virtual-machine.ts'

/** What the RPC methods work on. */
export type RpcContext = { readonly ledger: Ledger; readonly vm: VirtualMachine; readonly faucet: Faucet }

export type RpcMethod = (context: RpcContext, params: readonly unknown[]) => unknown

export const API_VERSION = '3.0.0'

/** An answer with the slot it is true at. */
export function withSlot<T>({ ledger }: RpcContext, value: T) {
  return { context: { apiVersion: API_VERSION, slot: ledger.head.slot }, value }
}
