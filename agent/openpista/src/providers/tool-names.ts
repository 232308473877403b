import { createHash } from 'node:crypto'

const LONGEST = 64

/** Tool names as a model's wire format allows them, and back. */
export type ToolNames = { wire: (name: string) => string; own: (wireName: string) => string }

/**
 * The name with every character outside `[A-Za-z0-9_-]` as `_`: `system.run` is `system_run`.
 * A name over 64 characters keeps its beginning and ends in a hash of the whole.
 */
export function wireToolName(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_-]/g, '_')
  if (plain.length <= LONGEST && plain !== '') return plain
  return `${plain.slice(0, LONGEST - 9)}_${createHash('sha256').update(name).digest('hex').slice(0, 8)}`
}

/** Maps the tools of one request. Two tools that would get one name are refused, both named. */
export function mapToolNames(
  names: readonly string[],
): { ok: true; names: ToolNames } | { ok: false; message: string } {
  const owners = new Map<string, string>()
  for (const name of names) {
    const wire = wireToolName(name)
    const other = owners.get(wire)
    if (other !== undefined) {
      const message = `The tools '${other}' and '${name}' are both '${wire}' to a model. Rename one of them.`
      return { ok: false, message }
    }
    owners.set(wire, name)
  }
  return { ok: true, names: { wire: wireToolName, own: (wire) => owners.get(wire) ?? wire } }
}
