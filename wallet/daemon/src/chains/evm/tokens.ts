import type { Network } from '@waiaas/core'
import { encodeData, from } from 'ox/AbiFunction'
import { z } from 'zod'
import { type Refusal, refuse } from '../payment.ts'
import type { Reader } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { type Kept, MAX_DECIMALS, notAToken, safeSymbol, type Token } from '../token.ts'
import { isExecutionFailure } from './node-errors.ts'
import { Data } from './quantity.ts'

/** Reads symbol and decimals of ERC-20 tokens; what was read once is remembered. */
export type TokenSource = (address: string) => Promise<{ ok: true; token: Token } | Refusal>

const decimalsOf = encodeData(from('function decimals() view returns (uint8)'))
const symbolOf = encodeData(from('function symbol() view returns (string)'))
const MAX_REMEMBERED = 2_000

export function createTokenSource(rpc: Reader, network: Network): TokenSource {
  const known = new Map<string, Token>()
  return async (address) => {
    const remembered = known.get(address)
    if (remembered !== undefined) return { ok: true, token: remembered }
    const [decimals, symbol] = await Promise.all([
      callContract(rpc, address, decimalsOf),
      callContract(rpc, address, symbolOf),
    ])
    if (!decimals.ok) return refuse('CHAIN_ERROR', decimals.failure.message)
    const units = readWord(decimals.value)
    if (units === undefined) return notAToken(address, network, 'it does not tell its decimals')
    if (units > MAX_DECIMALS) return notAToken(address, network, `it claims ${units} decimals`)
    const name = symbol.ok ? readText(symbol.value) : ''
    const token = { address, symbol: safeSymbol(name, address), decimals: Number(units) }
    if (known.size >= MAX_REMEMBERED) known.delete(known.keys().next().value!)
    if (symbol.ok) known.set(address, token)
    return { ok: true, token }
  }
}

const isErc721 = encodeData(from('function supportsInterface(bytes4 id) view returns (bool)'), ['0x80ac58cd'])

/** A collection of items (ERC-721), each of which counts as one; `undefined` for any other contract. */
export async function readItems(rpc: Reader, address: string): Promise<RpcResult<Kept | undefined>> {
  const [supports, symbol] = await Promise.all([
    callContract(rpc, address, isErc721),
    callContract(rpc, address, symbolOf),
  ])
  if (!supports.ok) return supports
  if (!symbol.ok) return symbol
  if (readWord(supports.value) !== 1n) return { ok: true, value: undefined }
  return {
    ok: true,
    value: { address, symbol: safeSymbol(readText(symbol.value), address), decimals: 0, isItems: true },
  }
}

/** What a contract returns; `undefined` where it fails or there is none. */
export async function callContract(
  rpc: Reader,
  to: string,
  data: string,
  from?: string,
): Promise<RpcResult<string | undefined>> {
  const answer = await rpc.read('eth_call', [{ to, data, ...(from === undefined ? {} : { from }) }, 'latest'], Data)
  if (answer.ok) return answer
  return isExecutionFailure(answer.failure) ? { ok: true, value: undefined } : answer
}

const Word = z.string().regex(/^0x[0-9a-fA-F]{64}$/)

/** One whole number, where that is all that was returned. */
export function readWord(returned: string | undefined): bigint | undefined {
  const word = Word.safeParse(returned)
  return word.success ? BigInt(word.data) : undefined
}

/** An ABI string, or the 32 bytes that early tokens answer with. */
function readText(returned: string | undefined): string {
  const bytes = Buffer.from((returned ?? '0x').slice(2, 2 + 2 * 320), 'hex')
  if (bytes.length === 32) return bytes.toString('utf8').replace(/\0.*$/s, '')
  if (bytes.length < 64 || bytes.readUInt32BE(28) !== 32) return ''
  return bytes.subarray(64, 64 + Math.min(bytes.readUInt32BE(60), 256)).toString('utf8')
}
