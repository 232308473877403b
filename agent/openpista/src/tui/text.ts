import { printable } from '../cli/card-prompt.ts'

/**
 * Text as a terminal shows it: in cells, of which a Korean syllable or an emoji takes two. A line is measured by
 * graphemes (Unicode Standard Annex 29) and by East Asian width (Annex 11).
 */
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

const PLAIN = /^[\x20-\x7e]*$/
/** Latin letters, Korean syllables, kana and Han characters: one code unit each, which joins no other. */
const SIMPLE = /^[\x20-\x7e\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]*$/
const FIRST_WIDE = 0x3041
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]*$/u
const WIDE =
  /^[\u1100-\u115f\p{Script=Hangul}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\p{Regional_Indicator}\u3000-\u303e\u30fb-\u30fe\u3200-\u33ff\uff01-\uff60\uffe0-\uffe6]/u
/** Halfwidth forms of scripts that are wide otherwise. */
const HALF = /^[\uff61-\uffdc]/u
const AS_EMOJI = '\ufe0f'

export function graphemes(text: string): string[] {
  return SIMPLE.test(text) ? text.split('') : Array.from(segmenter.segment(text), ({ segment }) => segment)
}

/** Cells that the text takes on one line. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length
  if (SIMPLE.test(text)) return simpleWidth(text)
  return graphemes(text).reduce((sum, grapheme) => sum + graphemeWidth(grapheme), 0)
}

function simpleWidth(text: string): number {
  let width = text.length
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= FIRST_WIDE) width += 1
  return width
}

export function graphemeWidth(grapheme: string): number {
  if (PLAIN.test(grapheme)) return grapheme.length
  if (NO_WIDTH.test(grapheme)) return 0
  if (HALF.test(grapheme)) return 1
  return WIDE.test(grapheme) || grapheme.includes(AS_EMOJI) ? 2 : 1
}

/** Where the grapheme before `at` begins; 0 at the start. */
export function graphemeBefore(text: string, at: number): number {
  return at === 0 ? 0 : (segmenter.segment(text).containing(at - 1)?.index ?? 0)
}

/** Where the grapheme at `at` ends. */
export function graphemeAfter(text: string, at: number): number {
  const found = segmenter.segment(text).containing(at)
  return found === undefined ? text.length : found.index + found.segment.length
}

/** Text from anywhere, made fit for the screen: nothing in it moves the cursor, and no line break but `\n`. */
export function clean(text: string): string {
  const lines = text.toWellFormed().replace(/\r\n?|[\u2028\u2029]/g, '\n')
  return printable(lines.replaceAll('\t', '    '))
}

/** The same on one line. */
export function cleanLine(text: string): string {
  return clean(text).replace(/\s*\n\s*/g, ' ')
}

/** The beginning of a line, with `…` where the rest does not fit. */
export function cut(line: string, width: number): string {
  if (widthOf(line) <= width) return line
  if (width <= 0) return ''
  let taken = ''
  let used = 0
  for (const grapheme of graphemes(line)) {
    used += graphemeWidth(grapheme)
    if (used > width - 1) break
    taken += grapheme
  }
  return `${taken}…`
}

/** Breaks text into lines of at most `width` cells, between words where that is possible. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, Math.max(2, width)))
}

function wrapLine(line: string, width: number): string[] {
  if (widthOf(line) <= width) return [line]
  const lines: string[] = []
  let current = ''
  let used = 0
  for (const word of line.match(/\s+|\S+/g) ?? []) {
    const wide = widthOf(word)
    if (used + wide <= width) {
      current += word
      used += wide
      continue
    }
    if (/^\s/.test(word)) {
      lines.push(current)
      current = ''
      used = 0
      continue
    }
    if (wide <= width) {
      lines.push(current.trimEnd())
      current = word
      used = wide
      continue
    }
    const pieces = breakWord(word, width, used)
    pieces[0] = current + pieces[0]
    current = pieces.pop() ?? ''
    lines.push(...pieces)
    used = widthOf(current)
  }
  return current === '' ? lines : [...lines, current]
}

/** A word that is longer than a line, cut where lines end; the first one has `used` cells already. */
export function breakWord(word: string, width: number, used: number): string[] {
  const pieces = ['']
  let filled = used
  for (const grapheme of graphemes(word)) {
    const wide = graphemeWidth(grapheme)
    if (filled + wide > width) {
      pieces.push('')
      filled = 0
    }
    pieces[pieces.length - 1] += grapheme
    filled += wide
  }
  return pieces
}
