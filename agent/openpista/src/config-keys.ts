import type { z } from 'zod'

/** A key of the configuration as its schema tells it. */
export type ConfigKey = {
  /** Dotted. Keys of a table that may be there several times lie below the table's name. */
  path: string
  description: string
  /** What holds when nobody says anything; `undefined` for a key that must be given where its table is. */
  standard: unknown
  /** A valid value, where the default is none. */
  example: unknown
  /** Variables that win over the file. */
  env: readonly string[]
  /** True: a value that must not be shown. */
  secret: boolean
}

/** A `[table]`, or with `many` an `[[table]]`, with its own keys. */
export type ConfigTable = { path: string; many: boolean; description: string; keys: ConfigKey[] }

/** Every table of a schema that is made of strict objects, in the order of the schema. */
export function configTables(schema: z.ZodType, path = '', many = false): ConfigTable[] {
  const table: ConfigTable = { path, many, description: meta(schema).description ?? '', keys: [] }
  const inner: ConfigTable[] = []
  for (const [name, child] of Object.entries(shapeOf(schema) ?? {})) {
    const full = path === '' ? name : `${path}.${name}`
    const element = elementOf(child)
    if (shapeOf(child) !== undefined) inner.push(...configTables(child, full, many))
    else if (element !== undefined && shapeOf(element) !== undefined) {
      const description = meta(child).description
      inner.push(...configTables(element, full, true).map((one) => ({ ...one, ...(description && { description }) })))
    } else table.keys.push(keyOf(full, child))
  }
  return [table, ...inner]
}

export function configKeys(schema: z.ZodType): ConfigKey[] {
  return configTables(schema).flatMap(({ keys }) => keys)
}

/** Environment variable -> dotted key, for `loadConfig`. */
export function environmentKeys(schema: z.ZodType): Record<string, string> {
  return Object.fromEntries(configKeys(schema).flatMap(({ env, path }) => env.map((name) => [name, path])))
}

function keyOf(path: string, schema: z.ZodType): ConfigKey {
  const { description = '', env = [], secret = false, examples } = meta(schema)
  const found = schema.safeParse(undefined)
  return { path, description, standard: found.success ? found.data : undefined, example: examples?.[0], env, secret }
}

type Meta = { description?: string; env?: readonly string[]; secret?: boolean; examples?: readonly unknown[] }
type Inner = { innerType?: z.ZodType; in?: z.ZodType; element?: z.ZodType }

/** What the schema says of itself, or else what the schema inside a default or an option says. */
function meta(schema: z.ZodType): Meta {
  return (schema.meta() as Meta | undefined) ?? (innerOf(schema) === undefined ? {} : meta(innerOf(schema)!))
}

function innerOf(schema: z.ZodType): z.ZodType | undefined {
  const { innerType, in: input } = (schema as unknown as { def: Inner }).def
  return innerType ?? input
}

function bare(schema: z.ZodType): z.ZodType {
  const inner = innerOf(schema)
  return inner === undefined ? schema : bare(inner)
}

function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  return (bare(schema) as { shape?: Record<string, z.ZodType> }).shape
}

function elementOf(schema: z.ZodType): z.ZodType | undefined {
  return (bare(schema) as unknown as { def: Inner }).def.element
}
