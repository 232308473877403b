import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

const CHUNK = 8 * 1024 * 1024

/**
 * Searches everything that a process has in memory and may write: heap, stacks, what native code allocated.
 * Linux; the process must be a descendant of this one, or this one root.
 *
 * @returns how often each needle occurs.
 */
export function searchMemory(pid: number, needles: ReadonlyMap<string, Buffer>): Map<string, number> {
  const found = new Map<string, number>()
  const overlap = Math.max(...[...needles.values()].map(({ length }) => length)) - 1
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const chunk = Buffer.alloc(CHUNK)
  try {
    for (const { start, end } of writableRegions(pid)) {
      for (let at = start; at < end; at += CHUNK - overlap) {
        const bytes = chunk.subarray(0, readAt(memory, chunk.subarray(0, Math.min(CHUNK, end - at)), at))
        for (const [name, needle] of needles) {
          const count = occurrences(bytes, needle)
          if (count > 0) found.set(name, (found.get(name) ?? 0) + count)
        }
      }
    }
  } finally {
    closeSync(memory)
  }
  return found
}

/** The forms that 32 secret bytes could have in a heap, a log, a database or an answer. */
export function formsOf(name: string, secret: Buffer): Map<string, Buffer> {
  const hex = secret.toString('hex')
  const texts = {
    hex,
    HEX: hex.toUpperCase(),
    base64: secret.toString('base64'),
    base64url: secret.toString('base64url'),
  }
  const forms = new Map([
    [`${name} raw`, secret],
    // A JavaScript bigint is kept with its lowest digit first.
    [`${name} bigint`, Buffer.from(secret).reverse()],
    [`${name} decimal`, Buffer.from(BigInt(`0x${hex}`).toString())],
  ])
  for (const [form, text] of Object.entries(texts)) {
    // Base64 without its last characters, which depend on what follows.
    const stable = form.startsWith('base64') ? text.slice(0, 40) : text
    forms.set(`${name} ${form}`, Buffer.from(stable))
    forms.set(`${name} ${form} utf-16`, Buffer.from(stable, 'utf16le'))
  }
  return forms
}

export function occurrences(bytes: Buffer, needle: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1)) count += 1
  return count
}

function writableRegions(pid: number): { start: number; end: number }[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').trim().split('\n')
  return lines.flatMap((line) => {
    const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
    return start === undefined ? [] : [{ start: Number.parseInt(start, 16), end: Number.parseInt(end!, 16) }]
  })
}

/** How many bytes could be read: none where the region is gone by now, or is not backed by memory. */
function readAt(file: number, target: Buffer, position: number): number {
  try {
    return readSync(file, target, 0, target.length, position)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EIO' || code === 'EFAULT') return 0
    throw error
  }
}
