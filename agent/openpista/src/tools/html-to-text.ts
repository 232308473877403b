/** A page as text: what a reader sees, with links, without scripts, styles and markup. */
export type PageText = { title: string; text: string }

/** Elements whose content nobody reads. */
const SILENT = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'svg',
  'math',
  'iframe',
  'object',
  'canvas',
  'select',
])
const BLOCKS = new Set([
  ...['address', 'article', 'aside', 'blockquote', 'body', 'br', 'dd', 'div', 'dl', 'dt', 'fieldset', 'figcaption'],
  ...[
    'figure',
    'footer',
    'form',
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'header',
    'hr',
    'html',
    'li',
    'main',
    'nav',
    'ol',
  ],
  ...['p', 'pre', 'section', 'table', 'title', 'tr', 'ul'],
])
const TAG = /^<(\/?)([a-zA-Z][a-zA-Z0-9-]*)/
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  copy: '©',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  laquo: '«',
  raquo: '»',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  euro: '€',
}

/**
 * Reads HTML in one pass, in time that grows with its length only. Not a browser: what a page builds by script,
 * or hides by style, is not known here.
 *
 * @param base address that relative links start from.
 */
export function htmlToText(html: string, base: string): PageText {
  const out: string[] = []
  let title = ''
  let link: { href: string; at: number } | undefined
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    const end = open < 0 ? html.length : open
    if (end > at) out.push(decode(html.slice(at, end)).replace(/\s+/g, ' '))
    if (open < 0) break
    const markup = readMarkup(html, open)
    at = markup.end
    if (markup.name === undefined) {
      out.push(markup.text)
      continue
    }
    if (markup.name === 'title' && !markup.closing) {
      const close = findClose(html, at, 'title')
      title ||= decode(html.slice(at, close)).replace(/\s+/g, ' ').trim()
      at = close
    } else if (SILENT.has(markup.name) && !markup.closing) at = findClose(html, at, markup.name)
    else if (markup.name === 'a') link = markup.closing ? endLink(link, out) : beginLink(markup.text, base, out)
    else if (BLOCKS.has(markup.name)) out.push(markup.name === 'li' && !markup.closing ? '\n- ' : '\n')
    else if (markup.name === 'td' || markup.name === 'th') out.push(' ')
  }
  return { title, text: tidy(out.join('')) }
}

type Markup = { name?: string; closing: boolean; text: string; end: number }

/** The tag, comment or plain `<` at this position. */
function readMarkup(html: string, open: number): Markup {
  if (html.startsWith('<!--', open)) {
    const close = html.indexOf('-->', open + 4)
    return { closing: false, text: '', end: close < 0 ? html.length : close + 3 }
  }
  const tag = TAG.exec(html.slice(open, open + 40))
  if (tag === null) {
    const declaration = html[open + 1] === '!' || html[open + 1] === '?' || html[open + 1] === '/'
    const close = declaration ? html.indexOf('>', open) : -1
    if (declaration) return { closing: false, text: '', end: close < 0 ? html.length : close + 1 }
    return { closing: false, text: '<', end: open + 1 }
  }
  const end = tagEnd(html, open + tag[0].length)
  return { name: tag[2]!.toLowerCase(), closing: tag[1] === '/', text: html.slice(open, end), end }
}

/** Behind the `>` of a tag; those inside quoted values do not count. */
function tagEnd(html: string, from: number): number {
  let quote = ''
  for (let at = from; at < html.length; at++) {
    const next = html[at]!
    if (quote !== '') {
      if (next === quote) quote = ''
    } else if (next === '>') return at + 1
    else if ((next === '"' || next === "'") && html[at - 1] === '=') quote = next
  }
  return html.length
}

/** Where `</name` stands, or the end. */
function findClose(html: string, from: number, name: string): number {
  const close = new RegExp(`</${name}[\\s/>]`, 'gi')
  close.lastIndex = from
  return close.exec(html)?.index ?? html.length
}

function beginLink(tag: string, base: string, out: string[]): { href: string; at: number } | undefined {
  const found = /\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))/i.exec(tag.slice(0, 4000))
  const url = found === null ? null : URL.parse(decode(found[1] ?? found[2] ?? found[3] ?? '').trim(), base)
  return url !== null && /^https?:$/.test(url.protocol) ? { href: url.href, at: out.length } : undefined
}

function endLink(link: { href: string; at: number } | undefined, out: string[]): undefined {
  if (link === undefined) return
  const label = out.slice(link.at).join('').trim()
  if (label !== '' && label !== link.href) out.push(` (${link.href})`)
}

function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]{2,8}));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return NAMED[name] ?? whole
    const code = Number.parseInt(decimal ?? hex, decimal === undefined ? 16 : 10)
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : ''
  })
}

function tidy(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(/[ \t]+/g, ' ').trim())
  return lines
    .filter((line, index) => line !== '' || lines[index - 1] !== '')
    .join('\n')
    .trim()
}
