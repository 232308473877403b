import { parseAddress } from '@waiaas/core'
import { type AbiFunction, encodeData, fromAbi } from 'ox/AbiFunction'
import { clip } from '../clip.ts'
import { type Refusal, refuse } from '../payment.ts'

type Parameter = { type: string; components?: readonly Parameter[] }

/** Calldata for a function of an ABI. Whole numbers may be given as digits, as JSON has none that are exact. */
export function encodeCalldata(
  abi: readonly unknown[],
  functionName: string,
  args: readonly unknown[],
): { ok: true; calldata: `0x${string}`; selector: string } | Refusal {
  try {
    const found = fromAbi(abi, functionName as never, { args: args as never }) as AbiFunction
    if (found.type !== 'function')
      return refuse('ABI_ENCODING_FAILED', `The ABI has no function ${clip(functionName)}.`)
    const exact = found.inputs.map((input, index) => exactValue(input as Parameter, args[index]))
    if (args.length !== found.inputs.length) {
      return refuse('ABI_ENCODING_FAILED', `${found.name} takes ${found.inputs.length} arguments, not ${args.length}.`)
    }
    const calldata = encodeData({ ...found, overloads: undefined } as AbiFunction, exact as never)
    return { ok: true, calldata, selector: calldata.slice(0, 10) }
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown reason'
    return refuse('ABI_ENCODING_FAILED', `The call cannot be encoded: ${clip(why)}`)
  }
}

function exactValue(parameter: Parameter, value: unknown): unknown {
  const inner = /^(.*)\[\d*\]$/.exec(parameter.type)?.[1]
  if (inner !== undefined) {
    if (!Array.isArray(value)) throw new TypeError(`${parameter.type} takes a list`)
    return value.map((each) => exactValue({ ...parameter, type: inner }, each))
  }
  if (parameter.type === 'tuple') return exactTuple(parameter.components ?? [], value)
  if (parameter.type === 'address') return exactAddress(value)
  const sized = /^(u?int|bytes)(\d+)$/.exec(parameter.type)
  if (sized !== null && !isSize(sized[1]!, Number(sized[2]))) throw new TypeError(`there is no type ${parameter.type}`)
  if (!/^u?int\d*$/.test(parameter.type)) return value
  if (typeof value === 'string' && /^-?\d{1,78}$/.test(value)) return BigInt(value)
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  if (typeof value === 'bigint') return value
  throw new TypeError(`${parameter.type} takes a whole number, best as digits in quotes`)
}

function isSize(kind: string, size: number): boolean {
  return kind === 'bytes' ? size >= 1 && size <= 32 : size >= 8 && size <= 256 && size % 8 === 0
}

function exactAddress(value: unknown): string {
  const parsed = parseAddress('evm', typeof value === 'string' ? value : '')
  if (parsed.ok) return parsed.address
  throw new TypeError(`address: ${parsed.fault}`)
}

function exactTuple(components: readonly (Parameter & { name?: string })[], value: unknown): unknown {
  if (Array.isArray(value)) return components.map((component, index) => exactValue(component, value[index]))
  const fields = (value ?? {}) as Record<string, unknown>
  return Object.fromEntries(components.map((each) => [each.name ?? '', exactValue(each, fields[each.name ?? ''])]))
}
