import { base58 } from '@scure/base'
import { z } from 'zod'
import type { Reader } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { InContext, U64 } from './wire.ts'

/** An account as the chain has it. */
export type AccountState = { lamports: bigint; owner: string; executable: boolean; data: Uint8Array }

/** `null` where there is none. */
export type Accounts = ReadonlyMap<string, AccountState | null>

export const AccountInfo = z
  .object({
    lamports: U64,
    owner: z.string(),
    executable: z.boolean(),
    data: z.tuple([z.string(), z.literal('base64')]),
  })
  .transform(({ data, ...rest }): AccountState => ({ ...rest, data: Buffer.from(data[0], 'base64') }))
  .nullable()

const MAX_AT_ONCE = 100

/** The accounts at these addresses, in one question per hundred. */
export async function readAccounts(rpc: Reader, addresses: readonly string[]): Promise<RpcResult<Accounts>> {
  const distinct = [...new Set(addresses)]
  const groups: string[][] = []
  for (let start = 0; start < distinct.length; start += MAX_AT_ONCE) {
    groups.push(distinct.slice(start, start + MAX_AT_ONCE))
  }
  const options = { commitment: 'confirmed', encoding: 'base64' }
  const answers = await Promise.all(
    groups.map((group) => rpc.read('getMultipleAccounts', [group, options], InContext(z.array(AccountInfo)))),
  )
  const found = new Map<string, AccountState | null>()
  for (const [index, answer] of answers.entries()) {
    if (!answer.ok) return answer
    for (const [place, address] of groups[index]!.entries()) found.set(address, answer.value.value[place] ?? null)
  }
  return { ok: true, value: found }
}

const TABLE_HEADER_BYTES = 56

/** The addresses in a lookup table. */
export function readTable(data: Uint8Array): string[] {
  const addresses: string[] = []
  for (let at = TABLE_HEADER_BYTES; at + 32 <= data.length; at += 32) {
    addresses.push(base58.encode(data.subarray(at, at + 32)))
  }
  return addresses
}
