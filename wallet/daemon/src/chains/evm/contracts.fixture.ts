import type { Hex } from 'viem'
import { encodeAbiParameters, encodeFunctionData, parseAbi, parseAbiParameters } from 'viem/utils'

/** Puts code at an address of a local chain. */
export async function setCode(rpcUrl: string, address: string, code: string): Promise<void> {
  await anvil(rpcUrl, 'anvil_setCode', address, code)
}

export async function anvil(rpcUrl: string, method: string, ...params: unknown[]): Promise<void> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const response = await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const { error } = (await response.json()) as { error?: { message: string } }
  if (error) throw new Error(`${method}: ${error.message}`)
}

/**
 * Code of a contract that answers every selector named here with fixed bytes, whatever the arguments, and
 * reverts for every other.
 */
export function answering(answers: Readonly<Record<string, Hex>>): Hex {
  const entries = Object.entries(answers).map(([signature, data]) => ({ selector: selectorOf(signature), data }))
  // Per entry: DUP1 PUSH4 selector EQ PUSH2 place JUMPI (11 bytes); then DUP-free revert; then the answers.
  const head = 6
  const tableBytes = head + 11 * entries.length + 5
  const bodies: string[] = []
  const places: number[] = []
  let at = tableBytes
  const dataBytes = entries.map(({ data }) => data.length / 2 - 1)
  // JUMPDEST PUSH2 length PUSH2 source PUSH1 0 CODECOPY PUSH2 length PUSH1 0 RETURN: 16 bytes.
  const dataStart = tableBytes + 16 * entries.length
  let source = dataStart
  for (const length of dataBytes) {
    places.push(at)
    bodies.push(`5b61${hex(length, 2)}61${hex(source, 2)}60003961${hex(length, 2)}6000f3`)
    at += 16
    source += length
  }
  const table = entries.map(({ selector }, index) => `8063${selector.slice(2)}1461${hex(places[index]!, 2)}57`)
  return `0x60003560e01c${table.join('')}60006000fd${bodies.join('')}${entries.map(({ data }) => data.slice(2)).join('')}`
}

/** Code of a contract that, whatever it is asked for, makes one call of its own. */
export function calling(target: Hex, data: Hex): Hex {
  const length = hex(data.length / 2 - 1, 2)
  // PUSH2 length PUSH2 source PUSH1 0 CODECOPY, then the five zero-or-length operands of CALL, CALL, STOP.
  const code = (source: string) =>
    `61${length}61${source}60003960006000 61${length} 6000 6000 73${target.slice(2)}5af100`.replaceAll(' ', '')
  return `0x${code(hex(code('0000').length / 2, 2))}${data.slice(2)}`
}

export const uint = (value: bigint): Hex => encodeAbiParameters(parseAbiParameters('uint256'), [value])
export const text = (value: string): Hex => encodeAbiParameters(parseAbiParameters('string'), [value])

/** Calldata of a function by its signature, such as `f(uint256)`. */
export function calldata(signature: string, ...args: unknown[]): Hex {
  const abi = parseAbi([`function ${signature}`] as never) as never
  return encodeFunctionData({ abi, args } as never)
}

function selectorOf(signature: string): Hex {
  const count = /\((.*)\)/.exec(signature)![1]!.split(',').filter(Boolean)
  const zero: Record<string, unknown> = { address: `0x${'0'.repeat(40)}`, uint256: 0n, bool: false, bytes32: uint(0n) }
  return calldata(signature, ...count.map((type) => zero[type])).slice(0, 10) as Hex
}

function hex(value: number, bytes: number): string {
  return value.toString(16).padStart(2 * bytes, '0')
}
