import { type AbiFunction, getSelector } from 'ox/AbiFunction'

/** A parameter with the canonical name of its type, as selectors are made from. */
export type Parameter = { type: string; name: string; components?: readonly Parameter[] }
export type ContractFunction = {
  name: string
  inputs: readonly Parameter[]
  signature: string
  selector: `0x${string}`
}

/**
 * The functions of an ABI in JSON (Solidity ABI specification) that can be called from outside, with `uint` and `int`
 * written out; and what is wrong with the others, by name.
 */
export function readFunctions(abi: readonly unknown[]): {
  functions: ContractFunction[]
  faults: ReadonlyMap<string, string>
} {
  const functions: ContractFunction[] = []
  const faults = new Map<string, string>()
  for (const item of abi) {
    if (!isRecord(item) || (item.type ?? 'function') !== 'function') continue
    try {
      functions.push(readFunction(item))
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      faults.set(String(item.name), error.message)
    }
  }
  return { functions, faults }
}

/** A function in the shape that ox encodes and decodes. */
export function toOx({ name, inputs }: ContractFunction): AbiFunction {
  return { type: 'function', name, inputs, outputs: [], stateMutability: 'nonpayable' } as unknown as AbiFunction
}

type Item = Record<string, unknown>
const isRecord = (value: unknown): value is Item => typeof value === 'object' && value !== null

/** @throws TypeError for a function without a name, or with a parameter of a type that does not exist. */
function readFunction({ name, inputs = [] }: Item): ContractFunction {
  if (typeof name !== 'string' || !/^[a-zA-Z_$][\w$]*$/.test(name)) throw new TypeError('a function has no name')
  if (!Array.isArray(inputs)) throw new TypeError(`the inputs of ${name} are not a list`)
  const read = inputs.map(readParameter)
  const known = { name, inputs: read, signature: `${name}(${read.map(typeText).join(',')})` }
  return { ...known, selector: getSelector(toOx({ ...known, selector: '0x' })) }
}

const MAX_DIMENSIONS = 8

function readParameter(given: unknown): Parameter {
  const { type, name = '', components } = isRecord(given) ? given : {}
  const [, base, dimensions] = /^([a-z]+\d*)((?:\[\d*\])*)$/.exec(typeof type === 'string' ? type : '') ?? []
  if (base === undefined || dimensions === undefined || typeof name !== 'string') {
    throw new TypeError(`there is no type ${String(type)}`)
  }
  if (dimensions.split('[').length - 1 > MAX_DIMENSIONS) throw new TypeError(`${base} has too many dimensions`)
  if (base === 'tuple') {
    if (!Array.isArray(components)) throw new TypeError('a tuple has no components')
    return { type: `tuple${dimensions}`, name, components: components.map(readParameter) }
  }
  return { type: `${canonicalBase(base)}${dimensions}`, name }
}

function canonicalBase(base: string): string {
  const [, kind, digits] = /^(u?int|bytes|address|bool|string)(\d*)$/.exec(base) ?? []
  const size = Number(digits)
  if (kind === 'uint' || kind === 'int') {
    if (digits === '') return `${kind}256`
    if (size >= 8 && size <= 256 && size % 8 === 0 && digits === String(size)) return base
  } else if (kind === 'bytes' && (digits === '' || (size >= 1 && size <= 32 && digits === String(size)))) {
    return base
  } else if (kind !== undefined && kind !== 'bytes' && digits === '') {
    return base
  }
  throw new TypeError(`there is no type ${base}`)
}

/** A type as it stands in a signature. */
function typeText({ type, components }: Parameter): string {
  return components === undefined ? type : `(${components.map(typeText).join(',')})${type.slice('tuple'.length)}`
}
