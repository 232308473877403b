import type { z } from 'zod'
import { type ConfigKey, type ConfigTable, configTables } from './config-keys.ts'

const HEAD = `# Configuration of openpista. Copy it to ~/.openpista/config.toml and change what you need.
# Every key stands here with its default. A key that is not here is refused. Environment variables are
# accepted in upper case too (OPENPISTA_MODEL) and win over this file.
`

/** A configuration file with every key, its default and what it means. */
export function renderExample(schema: z.ZodType): string {
  const tables = configTables(schema).filter(({ keys }) => keys.length > 0)
  return [HEAD, ...tables.map(renderTable)].join('\n')
}

/** Tables that may be there several times have no default: they stand as a comment. */
function renderTable({ path, many, description, keys }: ConfigTable): string {
  const lines = [many ? `[[${path}]]` : `[${path}]`, ...keys.flatMap((key) => renderKey(key, path))]
  const about = description === '' ? [] : [`# ${description}`]
  return `${[...about, ...lines.map((line) => (many ? `# ${line}` : line))].join('\n')}\n`
}

function renderKey({ path, description, standard, example, env }: ConfigKey, table: string): string[] {
  const name = path.slice(table.length + 1)
  const variables = env.length === 0 ? '' : ` (${env.join(', ')})`
  return [`# ${description}${variables}`, `${name} = ${toml(standard ?? example)}`]
}

/** Texts, numbers, truth values, lists and flat tables. */
function toml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const parts = Object.entries(value).map(([key, part]) => `${JSON.stringify(key)} = ${toml(part)}`)
  return `{ ${parts.join(', ')} }`
}
