/** A piece of a line. Code and text are shown as they are; there is no way to write HTML. */
export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong'; children: Inline[] }
  | { kind: 'emphasis'; children: Inline[] }
  /** `href` is http, https or mailto. */
  | { kind: 'link'; href: string; children: Inline[] }

export type Block =
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'code'; language: string; text: string }
  | { kind: 'list'; start: number | undefined; items: Block[][] }
  | { kind: 'quote'; children: Block[] }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' }

const MAX_DEPTH = 6

/**
 * The subset of Markdown that models write: paragraphs, headings, fenced and inline code, lists, quotes, tables,
 * emphasis and links. Half-written text, as it streams in, always parses. Images and HTML stay plain text.
 */
export function parseMarkdown(text: string): Block[] {
  return parseBlocks(text.replace(/\r\n?/g, '\n').split('\n'), 0)
}

/** The address as a link, or `undefined` for anything that a click should not open. */
export function safeHref(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined
  const { protocol, href } = new URL(address)
  return protocol === 'https:' || protocol === 'http:' || protocol === 'mailto:' ? href : undefined
}

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$/
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/
const BULLET = /^( {0,3})(?:[-*+]|(\d{1,9})[.)])(\s+)(.*)$/
const QUOTE = /^ {0,3}> ?/
const TABLE_LINE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)+\|?\s*$/

function parseBlocks(lines: readonly string[], depth: number): Block[] {
  const blocks: Block[] = []
  let at = 0
  while (at < lines.length) {
    const taken = takeBlock(lines, at, depth)
    if (taken.block !== undefined) blocks.push(taken.block)
    at = taken.next
  }
  return blocks
}

type Taken = { block?: Block; next: number }

function takeBlock(lines: readonly string[], at: number, depth: number): Taken {
  const line = lines[at] ?? ''
  if (line.trim() === '') return { next: at + 1 }
  const fence = FENCE.exec(line)
  if (fence !== null) return takeFence(lines, at, fence)
  const heading = HEADING.exec(line)
  if (heading !== null) {
    const children = parseInline(heading[2] ?? '')
    return { block: { kind: 'heading', level: heading[1]?.length ?? 1, children }, next: at + 1 }
  }
  if (RULE.test(line)) return { block: { kind: 'rule' }, next: at + 1 }
  if (depth < MAX_DEPTH && QUOTE.test(line)) return takeQuote(lines, at, depth)
  if (depth < MAX_DEPTH && BULLET.test(line)) return takeList(lines, at, depth)
  if (line.includes('|') && TABLE_LINE.test(lines[at + 1] ?? '')) return takeTable(lines, at)
  return takeParagraph(lines, at)
}

function takeFence(lines: readonly string[], at: number, fence: RegExpExecArray): Taken {
  const mark = fence[1] ?? '```'
  let end = at + 1
  while (end < lines.length && !isClosing(lines[end] ?? '', mark)) end += 1
  const block: Block = { kind: 'code', language: fence[2] ?? '', text: lines.slice(at + 1, end).join('\n') }
  return { block, next: end + 1 }
}

function isClosing(line: string, mark: string): boolean {
  const text = line.trim()
  return text.length >= mark.length && [...text].every((character) => character === mark[0])
}

function takeQuote(lines: readonly string[], at: number, depth: number): Taken {
  let end = at
  while (end < lines.length && QUOTE.test(lines[end] ?? '')) end += 1
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ''))
  return { block: { kind: 'quote', children: parseBlocks(inner, depth + 1) }, next: end }
}

function takeList(lines: readonly string[], at: number, depth: number): Taken {
  const first = BULLET.exec(lines[at] ?? '')
  const isOrdered = first?.[2] !== undefined
  const items: string[][] = []
  let indent = 0
  let next = at
  for (; next < lines.length; next += 1) {
    const line = lines[next] ?? ''
    const bullet = BULLET.exec(line)
    const isInner = leadingSpaces(line) >= indent && items.length > 0
    if (bullet !== null && !isInner) {
      if ((bullet[2] !== undefined) !== isOrdered) break
      indent = line.length - (bullet[4] ?? '').length
      items.push([bullet[4] ?? ''])
    } else if (line.trim() === '') {
      const after = lines[next + 1] ?? ''
      if (leadingSpaces(after) < indent && !BULLET.test(after)) break
      items.at(-1)?.push('')
    } else if (isInner || !startsBlock(line)) {
      items.at(-1)?.push(line.slice(Math.min(indent, leadingSpaces(line))))
    } else {
      break
    }
  }
  const start = isOrdered ? Number(first?.[2]) : undefined
  return { block: { kind: 'list', start, items: items.map((item) => parseBlocks(item, depth + 1)) }, next }
}

function takeTable(lines: readonly string[], at: number): Taken {
  const head = tableCells(lines[at] ?? '')
  const rows: Inline[][][] = []
  let next = at + 2
  for (; next < lines.length && (lines[next] ?? '').includes('|'); next += 1) {
    const cells = tableCells(lines[next] ?? '')
    rows.push(head.map((_, column) => cells[column] ?? []))
  }
  return { block: { kind: 'table', head, rows }, next }
}

function tableCells(line: string): Inline[][] {
  const inner = line.trim().replace(/^\||(?<!\\)\|$/g, '')
  return inner.split(/(?<!\\)\|/).map((cell) => parseInline(cell.trim().replaceAll('\\|', '|')))
}

function takeParagraph(lines: readonly string[], at: number): Taken {
  let end = at + 1
  while (end < lines.length && (lines[end] ?? '').trim() !== '' && !startsBlock(lines[end] ?? '')) end += 1
  return { block: { kind: 'paragraph', children: parseInline(lines.slice(at, end).join('\n')) }, next: end }
}

function startsBlock(line: string): boolean {
  return [FENCE, HEADING, RULE, BULLET, QUOTE].some((pattern) => pattern.test(line))
}

function leadingSpaces(line: string): number {
  return line.length - line.trimStart().length
}

const INLINE = [
  {
    pattern: /(`+)([\s\S]{0,4000}?[^`])\1(?!`)/y,
    make: ([, , code]: Match): Inline => ({ kind: 'code', text: trimCode(code) }),
  },
  { pattern: /\[([^[\]\n]{1,500})\]\(\s*<?([^\s<>()]{1,2000})>?(?:\s+"[^"\n]*")?\s*\)/y, make: linkOf },
  {
    pattern: /<?(https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}*_])>?/y,
    make: ([whole, address]: Match) => bareLink(whole, address),
  },
  {
    pattern: /(\*\*|__)(?=\S)([^\n]{0,2000}?\S)\1/y,
    make: ([, , text]: Match): Inline => ({ kind: 'strong', children: parseInline(text ?? '') }),
  },
  {
    pattern: /(?<![\w*])([*_])(?=[^\s*_])([^\n*_]{0,2000}?\S)\1(?!\w)/y,
    make: ([, , text]: Match): Inline => ({ kind: 'emphasis', children: parseInline(text ?? '') }),
  },
] as const

type Match = readonly (string | undefined)[]

function parseInline(text: string): Inline[] {
  const pieces: Inline[] = []
  let plain = ''
  let at = 0
  while (at < text.length) {
    if (text[at] === '\\' && /[\\`*_[\]()#+.!|>-]/.test(text[at + 1] ?? '')) {
      plain += text[at + 1]
      at += 2
      continue
    }
    const found = matchAt(text, at)
    if (found === undefined) {
      plain += text[at]
      at += 1
      continue
    }
    if (plain !== '') pieces.push({ kind: 'text', text: plain })
    plain = ''
    pieces.push(found.piece)
    at += found.length
  }
  if (plain !== '') pieces.push({ kind: 'text', text: plain })
  return pieces
}

function matchAt(text: string, at: number): { piece: Inline; length: number } | undefined {
  if (!'`[<h*_'.includes(text[at] ?? ' ')) return undefined
  for (const { pattern, make } of INLINE) {
    const sticky = new RegExp(pattern.source, 'y')
    sticky.lastIndex = at
    const match = sticky.exec(text)
    if (match === null) continue
    const piece = make(match)
    if (piece !== undefined) return { piece, length: match[0].length }
  }
  return undefined
}

function linkOf([, label, address]: Match): Inline | undefined {
  const href = safeHref(address ?? '')
  return href === undefined ? undefined : { kind: 'link', href, children: [{ kind: 'text', text: label ?? '' }] }
}

function bareLink(whole: string | undefined, address: string | undefined): Inline | undefined {
  const href = safeHref(address ?? '')
  const isWhole = whole?.startsWith('<') === whole?.endsWith('>')
  if (href === undefined || !isWhole) return undefined
  return { kind: 'link', href, children: [{ kind: 'text', text: address ?? '' }] }
}

function trimCode(code: string | undefined): string {
  return (code ?? '').replaceAll('\n', ' ')
}
