import { parseAddress } from '@waiaas/core'
import { encodeData } from 'ox/AbiFunction'
import { clip } from '../clip.ts'
import { type Refusal, refuse } from '../payment.ts'
import { type ContractFunction, type Parameter, readFunctions, toOx } from './abi-functions.ts'

/**
 * Calldata for a function of an ABI, which is named by its name, its signature or its selector. Whole numbers may be
 * given as digits, as JSON has none that are exact. A value that is not exactly of its type is refused.
 */
export function encodeCalldata(
  abi: readonly unknown[],
  functionName: string,
  args: readonly unknown[],
): { ok: true; calldata: `0x${string}`; selector: string } | Refusal {
  try {
    const { functions, faults } = readFunctions(abi)
    const named = functions.filter(({ name, signature, selector }) =>
      [name, signature, selector].includes(functionName),
    )
    const unread = faults.get(functionName)
    if (named.length === 0 && unread !== undefined) {
      return refuse('ABI_ENCODING_FAILED', `${clip(functionName)} cannot be called: ${clip(unread)}.`)
    }
    const [found, ...others] = [...new Map(named.map((one) => [one.signature, one])).values()].flatMap((one) => {
      const values = valuesFor(one, args)
      return values.ok ? [{ one, values: values.values }] : []
    })
    if (found === undefined) return refuse('ABI_ENCODING_FAILED', whyNone(named, functionName, args))
    if (others.length > 0) {
      const signatures = [found, ...others].map(({ one }) => one.signature).join(' and ')
      return refuse('ABI_ENCODING_FAILED', `The arguments fit ${clip(signatures)}: name one of these.`)
    }
    const calldata = encodeData(toOx(found.one), found.values as never)
    return { ok: true, calldata, selector: found.one.selector }
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown reason'
    return refuse('ABI_ENCODING_FAILED', `The call cannot be encoded: ${clip(why)}`)
  }
}

function whyNone(named: readonly ContractFunction[], functionName: string, args: readonly unknown[]): string {
  const [first, ...others] = named
  if (first === undefined) return `The ABI has no function ${clip(functionName)}.`
  if (others.length > 0) return `The arguments fit no function named ${clip(functionName)}.`
  const values = valuesFor(first, args)
  return `The call cannot be encoded: ${values.ok ? 'unknown reason' : clip(values.why)}.`
}

function valuesFor(
  { name, inputs }: ContractFunction,
  args: readonly unknown[],
): { ok: true; values: unknown[] } | { ok: false; why: string } {
  if (args.length !== inputs.length) {
    return { ok: false, why: `${name} takes ${inputs.length} arguments, not ${args.length}` }
  }
  try {
    return { ok: true, values: inputs.map((input, index) => exactValue(input, args[index], `args[${index}]`)) }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return { ok: false, why: error.message }
  }
}

/** @throws TypeError that names the place of a value which is not of its type. */
function exactValue(parameter: Parameter, value: unknown, path: string): unknown {
  const { type } = parameter
  const array = /^(.*)\[(\d*)\]$/.exec(type)
  if (array !== null) {
    if (!Array.isArray(value)) throw new TypeError(`${path}: ${type} takes a list`)
    const [, inner, length] = array as unknown as [string, string, string]
    if (length !== '' && value.length !== Number(length)) {
      throw new TypeError(`${path}: ${type} takes ${length} values, not ${value.length}`)
    }
    return value.map((each, index) => exactValue({ ...parameter, type: inner }, each, `${path}[${index}]`))
  }
  const [, kind, size] = /^([a-z]+)(\d*)$/.exec(type) as unknown as [string, string, string]
  switch (kind) {
    case 'tuple':
      return exactTuple(parameter.components ?? [], value, path)
    case 'address':
      return exactAddress(value, path)
    case 'uint':
    case 'int':
      return exactNumber(type, kind === 'int', BigInt(size), value, path)
    case 'bytes':
      return exactBytes(type, size === '' ? undefined : Number(size), value, path)
    case 'bool':
      if (typeof value === 'boolean') return value
      throw new TypeError(`${path}: bool takes true or false`)
    default:
      // Half a surrogate pair has no bytes in UTF-8.
      if (typeof value === 'string' && value.isWellFormed()) return value
      throw new TypeError(`${path}: string takes a text`)
  }
}

function exactNumber(type: string, signed: boolean, bits: bigint, value: unknown, path: string): bigint {
  const isExact =
    typeof value === 'bigint' ||
    (typeof value === 'number' && Number.isSafeInteger(value)) ||
    (typeof value === 'string' && /^-?\d{1,78}$/.test(value))
  if (!isExact) throw new TypeError(`${path}: ${type} takes a whole number, best as digits in quotes`)
  const number = BigInt(value as string | number | bigint)
  const [least, beyond] = signed ? [-(1n << (bits - 1n)), 1n << (bits - 1n)] : [0n, 1n << bits]
  if (number < least || number >= beyond) throw new TypeError(`${path}: ${number} does not fit ${type}`)
  return number
}

function exactBytes(type: string, length: number | undefined, value: unknown, path: string): string {
  if (typeof value !== 'string' || !/^0x([0-9a-fA-F]{2})*$/.test(value)) {
    throw new TypeError(`${path}: ${type} takes 0x and whole bytes in hex`)
  }
  const given = value.length / 2 - 1
  if (length !== undefined && given !== length)
    throw new TypeError(`${path}: ${type} takes ${length} bytes, not ${given}`)
  return value
}

function exactAddress(value: unknown, path: string): string {
  const parsed = parseAddress('evm', typeof value === 'string' ? value : '')
  if (parsed.ok) return parsed.address
  throw new TypeError(`${path}: address: ${parsed.fault}`)
}

/** A list in the order of the components, or an object by their names. */
function exactTuple(components: readonly Parameter[], value: unknown, path: string): unknown[] {
  if (Array.isArray(value)) {
    if (value.length !== components.length) {
      throw new TypeError(`${path}: the tuple takes ${components.length} values, not ${value.length}`)
    }
    return components.map((component, index) => exactValue(component, value[index], `${path}[${index}]`))
  }
  const fields = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const names = components.map(({ name }) => name)
  if (new Set(names).size !== names.length || names.includes('')) {
    throw new TypeError(`${path}: the tuple has components without names of their own and takes a list`)
  }
  const unknown = Object.keys(fields).find((name) => !names.includes(name))
  if (unknown !== undefined) throw new TypeError(`${path}: the tuple has no ${unknown}`)
  return components.map((component) => {
    const { name } = component
    if (!Object.hasOwn(fields, name)) throw new TypeError(`${path}: ${name} is missing`)
    return exactValue(component, fields[name], `${path}.${name}`)
  })
}
