import { lstatSync, readFileSync, statSync } from 'node:fs'
import { parse } from 'smol-toml'
import type { z } from 'zod'
import { AppError } from './app-error.ts'

export type ConfigSource = {
  /** TOML file; a missing file is an empty one. */
  file: string
  /** Usually `process.env`. */
  env: Readonly<Record<string, string | undefined>>
  /** Environment variable -> dotted configuration key. The variable wins over the file. */
  envKeys: Readonly<Record<string, string>>
}

/**
 * Reads a configuration: schema defaults < file < environment.
 *
 * The schema must be strict, so that a typing error is refused with the nearest known key. An environment value for
 * a text stays as it is; for anything else `true`, `false` and whole numbers become what a TOML file would hold.
 *
 * @throws AppError `CONFIG_INVALID` that names the file, the key and what was expected.
 */
export function loadConfig<Schema extends z.ZodType>(schema: Schema, source: ConfigSource): z.output<Schema> {
  const raw = readToml(source.file)
  for (const [variable, key] of Object.entries(source.envKeys)) {
    const value = source.env[variable] ?? source.env[variable.toUpperCase()]
    if (value === undefined || value === '') continue
    setKey(raw, key.split('.'), isText(schema, key) ? value : coerce(value))
  }
  const result = schema.safeParse(raw)
  if (result.success) return result.data
  const known = knownKeys(schema)
  const given = new Map(Object.entries(source.envKeys).flatMap((pair) => fromEnvironment(source, pair)))
  const faults = result.error.issues.map((issue) => {
    const variable = given.get(issue.path.join('.'))
    return `${variable === undefined ? '' : `${variable} in the environment, `}${describe(issue, known)}`
  })
  throw new AppError('CONFIG_INVALID', `${source.file}: ${faults.join('; ')}`, {
    hint: 'Mend the keys named above and start again.',
  })
}

/** The key and the variable that gives it, when one does. */
function fromEnvironment({ env }: ConfigSource, [variable, key]: [string, string]): [string, string][] {
  const name = [variable, variable.toUpperCase()].find((each) => (env[each] ?? '') !== '')
  return name === undefined ? [] : [[key, name]]
}

type Table = { [key: string]: unknown }

/** Nobody writes more by hand. */
const MAX_BYTES = 1024 * 1024

function readToml(file: string): Table {
  const bytes = readPlainFile(file)
  if (bytes === undefined) return {}
  try {
    return parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Table
  } catch (cause) {
    if (cause instanceof TypeError) throw invalid(file, 'is no text in UTF-8.', cause)
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw invalid(file, `is not valid TOML: ${reason.replace(/^Invalid TOML document: /, '')}`, cause)
  }
}

/** `undefined`: there is no such file. What is there and cannot be read is not the same as nothing. */
function readPlainFile(file: string): Buffer | undefined {
  try {
    const found = statSync(file)
    if (found.isDirectory()) throw invalid(file, 'is a folder, not a file.')
    if (!found.isFile()) throw invalid(file, 'is no plain file.')
    if (found.size > MAX_BYTES) throw invalid(file, 'has more than 1 MiB: that is no configuration.')
    return readFileSync(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined || error instanceof AppError) throw error
    if (code === 'ENOENT' && !isLink(file)) return undefined
    if (code === 'ENOENT' || code === 'ELOOP') throw invalid(file, 'is a link that leads nowhere.', error)
    throw invalid(file, `cannot be read: ${code}.`, error)
  }
}

function isLink(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true
}

function invalid(file: string, what: string, cause?: unknown): AppError {
  return new AppError('CONFIG_INVALID', `${file} ${what}`, cause === undefined ? {} : { cause })
}

function setKey(table: Table, path: string[], value: unknown): void {
  const [head, ...rest] = path
  if (head === undefined) return
  if (rest.length === 0) {
    table[head] = value
    return
  }
  if (typeof table[head] !== 'object' || table[head] === null) table[head] = {}
  setKey(table[head] as Table, rest, value)
}

function coerce(value: string): unknown {
  if (value === 'true') return true
  if (value === 'false') return false
  return /^-?\d{1,15}$/.test(value) ? Number(value) : value
}

type Issue = z.core.$ZodIssue

function describe(issue: Issue, known: readonly string[]): string {
  const at = issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return `${at || 'file'}: ${inWords(issue.message)}`
  return issue.keys
    .map((key) => {
      const full = at === '' ? key : `${at}.${key}`
      const near = nearest(withoutIndices(full), known)
      return `unknown key '${full}'${near === undefined ? '' : ` (did you mean '${near}'?)`}`
    })
    .join('; ')
}

/** What the schema says, in the words of TOML. */
function inWords(message: string): string {
  if (/^Invalid input: expected \w+, received undefined$/.test(message)) return 'is missing'
  return message.replace('expected object,', 'expected a table,').replace('received object', 'received a table')
}

/** `rules.0.tool` is the key `rules.tool` of the first row. */
function withoutIndices(path: string): string {
  return path.replace(/\.\d+(?=\.)/g, '')
}

function isText(schema: z.ZodType, key: string): boolean {
  const found = key.split('.').reduce<z.ZodType | undefined>((at, name) => at && shapeOf(at)?.[name], schema)
  return found !== undefined && (unwrap(found) as unknown as { def: { type: string } }).def.type === 'string'
}

function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  const inner = unwrap(schema)
  const { element } = (inner as unknown as { def: { element?: z.ZodType } }).def
  return element === undefined ? (inner as { shape?: Record<string, z.ZodType> }).shape : shapeOf(element)
}

/** Every dotted key of an object schema, tables and lists of tables included. */
function knownKeys(schema: z.ZodType, prefix = ''): string[] {
  const shape = shapeOf(schema)
  if (shape === undefined) return []
  return Object.entries(shape).flatMap(([key, child]) => {
    const full = prefix === '' ? key : `${prefix}.${key}`
    return [full, ...knownKeys(child, full)]
  })
}

function unwrap(schema: z.ZodType): z.ZodType {
  const definition = (schema as unknown as { def: { innerType?: z.ZodType; in?: z.ZodType } }).def
  const inner = definition.innerType ?? definition.in
  return inner === undefined ? schema : unwrap(inner)
}

/** The one key of the same name in another table, else the key with the fewest differences. */
function nearest(word: string, known: readonly string[]): string | undefined {
  const [same, ...more] = known.filter((candidate) => lastPart(candidate) === lastPart(word))
  if (same !== undefined && more.length === 0) return same
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(word, candidate)
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitute = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitute, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
