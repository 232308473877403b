/** The head of a SKILL.md: what stands at its keys, unread, and the text behind it. */
export type FrontMatter = { keys: ReadonlyMap<string, Entry>; body: string }

/** What stands behind a key's colon, and the indented lines below it. */
export type Entry = { inline: string; block: readonly string[] }

export type Parsed<Value> = { ok: true; value: Value } | { ok: false; why: string }

const KEY = /^([A-Za-z][A-Za-z0-9_-]*):(?:[ \t]+(.*))?$/

/**
 * Reads the front matter of a Markdown text: the part of YAML that skills are written in. Keys that nobody asks for
 * may hold anything; what is asked for is read by `textOf` and `mapOf`, which refuse what they do not understand.
 */
export function readFrontMatter(text: string): Parsed<FrontMatter> {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  if (lines[0]?.trimEnd() !== '---') return no('it does not begin with a line of ---')
  const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === '---')
  if (end === -1) return no('its front matter does not end with a line of ---')
  const keys = new Map<string, { inline: string; block: string[] }>()
  let current: { inline: string; block: string[] } | undefined
  for (const [index, line] of lines.slice(1, end).entries()) {
    const match = KEY.exec(line)
    if (match !== null) {
      const [, key = '', inline = ''] = match
      if (keys.has(key)) return no(`it has ${key} twice`)
      current = { inline: inline.trim(), block: [] }
      keys.set(key, current)
    } else if (line.trim() === '' || /^[ \t]/.test(line) || line.startsWith('- ')) current?.block.push(line)
    else if (!line.startsWith('#'))
      return no(`line ${index + 2} of its front matter is neither "key: value" nor indented`)
  }
  return {
    ok: true,
    value: {
      keys,
      body: lines
        .slice(end + 1)
        .join('\n')
        .trim(),
    },
  }
}

/** A text: plain, quoted, or a block of lines. */
export function textOf({ inline, block }: Entry): Parsed<string> {
  const lines = block.map((line) => line.trim())
  if (/^[|>][+-]?$/.test(inline)) {
    const joined = inline.startsWith('|') ? lines.join('\n') : lines.join(' ').replace(/ {2,}/g, '\n')
    return { ok: true, value: joined.trim() }
  }
  const whole = [inline, ...lines].filter((line) => line !== '').join(' ')
  if (whole.startsWith('"')) return doubleQuoted(whole)
  if (whole.startsWith("'")) {
    const match = /^'((?:[^']|'')*)'(?:\s+#.*)?$/.exec(whole)
    return match === null ? no('a quote is not closed') : { ok: true, value: match[1]!.replaceAll("''", "'") }
  }
  if (/^[&*!%@`[{]/.test(whole)) return no('text that begins with such a sign stands in quotes')
  return { ok: true, value: whole.replace(/(^|\s)#.*$/, '').trim() }
}

/** Texts by key, one to an indented line. */
export function mapOf({ inline, block }: Entry): Parsed<Record<string, string>> {
  if (inline !== '' && !inline.startsWith('#')) return no('its keys stand on indented lines of their own')
  const lines = block.filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
  const depth = /^[ \t]*/.exec(lines[0] ?? '')?.[0].length ?? 0
  const read: [string, string][] = []
  for (const line of lines) {
    const match = KEY.exec(line.slice(depth))
    if (match === null || line.slice(0, depth).trim() !== '') return no(`"${line.trim()}" is not "key: value"`)
    const value = textOf({ inline: match[2] ?? '', block: [] })
    if (!value.ok) return value
    if (read.some(([key]) => key === match[1])) return no(`it has ${match[1]} twice`)
    read.push([match[1]!, value.value])
  }
  return { ok: true, value: Object.fromEntries(read) }
}

function doubleQuoted(text: string): Parsed<string> {
  const match = /^("(?:[^"\\]|\\.)*")(?:\s+#.*)?$/.exec(text)
  try {
    if (match !== null) return { ok: true, value: String(JSON.parse(match[1]!)) }
  } catch {
    // An escape that JSON does not have: said below.
  }
  return no('its quotes cannot be read')
}

function no(why: string): { ok: false; why: string } {
  return { ok: false, why }
}
