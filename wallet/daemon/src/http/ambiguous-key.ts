/**
 * The first key of valid JSON text that readers may understand differently, or `undefined`: one that is given
 * twice in an object (one reader takes the first value, another the last; RFC 7493 forbids it), or `__proto__`.
 */
export function ambiguousKey(text: string): string | undefined {
  const open: (Set<string> | null)[] = []
  for (let at = 0; at < text.length; at++) {
    const mark = text[at]
    if (mark === '{') open.push(new Set())
    else if (mark === '[') open.push(null)
    else if (mark === '}' || mark === ']') open.pop()
    if (mark !== '"') continue
    const end = stringEnd(text, at)
    const keys = open.at(-1)
    if (keys && isKey(text, end)) {
      const key = JSON.parse(text.slice(at, end)) as string
      if (key === '__proto__' || keys.has(key)) return key
      keys.add(key)
    }
    at = end - 1
  }
  return undefined
}

/** Where the string that begins at `start` is over. */
function stringEnd(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

const COLON = /[ \t\r\n]*:/y

function isKey(text: string, end: number): boolean {
  COLON.lastIndex = end
  return COLON.test(text)
}
