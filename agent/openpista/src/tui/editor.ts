import { breakWord, clean, graphemeAfter, graphemeBefore, graphemes, graphemeWidth, widthOf } from './text.ts'

/** Text being written. `at`: where the cursor stands, always between two graphemes. */
export type Editor = { text: string; at: number }

/** Longest message that the protocol takes. */
const MAX_LENGTH = 200_000

export const emptyEditor: Editor = { text: '', at: 0 }

export function insert({ text, at }: Editor, added: string): Editor {
  const fitting = clean(added)
    .slice(0, Math.max(0, MAX_LENGTH - text.length))
    .toWellFormed()
  const before = text.slice(0, at) + fitting
  const whole = before + text.slice(at)
  return { text: whole, at: boundary(whole, before.length) }
}

/** What keys do to the text, by their names; a key that is not here does nothing. */
export const edits: Readonly<Record<string, (editor: Editor) => Editor>> = {
  newline: (editor) => insert(editor, '\n'),
  backspace: ({ text, at }) => remove(text, graphemeBefore(text, at), at),
  delete: ({ text, at }) => remove(text, at, graphemeAfter(text, at)),
  left: ({ text, at }) => ({ text, at: graphemeBefore(text, at) }),
  right: ({ text, at }) => ({ text, at: graphemeAfter(text, at) }),
  home: ({ text, at }) => ({ text, at: lineStart(text, at) }),
  end: ({ text, at }) => ({ text, at: lineEnd(text, at) }),
  up: (editor) => vertical(editor, -1),
  down: (editor) => vertical(editor, 1),
  'ctrl+a': ({ text, at }) => ({ text, at: lineStart(text, at) }),
  'ctrl+e': ({ text, at }) => ({ text, at: lineEnd(text, at) }),
  'ctrl+k': ({ text, at }) => remove(text, at, lineEnd(text, at)),
  'ctrl+u': ({ text, at }) => remove(text, lineStart(text, at), at),
  'ctrl+w': ({ text, at }) => remove(text, wordStart(text, at), at),
  'alt+b': ({ text, at }) => ({ text, at: wordStart(text, at) }),
  'alt+f': ({ text, at }) => ({ text, at: boundary(text, at + (/^\s*\S*/.exec(text.slice(at))?.[0].length ?? 0)) }),
}

/** The text in rows of `width` cells, and the row and column of the cursor. */
export function rowsOf({ text, at }: Editor, width: number): { rows: string[]; row: number; column: number } {
  const before = hardRows(text.slice(0, at), width)
  const last = before.at(-1) ?? ''
  const filled = widthOf(last) >= width
  return {
    rows: hardRows(text, width),
    row: filled ? before.length : before.length - 1,
    column: filled ? 0 : widthOf(last),
  }
}

/** A row that is full is followed by one for the cursor. */
function hardRows(text: string, width: number): string[] {
  const rows = text.split('\n').flatMap((line) => breakWord(line, width, 0))
  return widthOf(rows.at(-1) ?? '') >= width ? [...rows, ''] : rows
}

function remove(text: string, from: number, to: number): Editor {
  const whole = text.slice(0, from) + text.slice(to)
  return { text: whole, at: boundary(whole, from) }
}

/** The next place between two graphemes: what was typed can join what stands beside it. */
function boundary(text: string, at: number): number {
  if (at >= text.length) return text.length
  const start = graphemeBefore(text, at + 1)
  return start === at ? at : graphemeAfter(text, at)
}

function lineStart(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end === -1 ? text.length : end
}

function wordStart(text: string, at: number): number {
  const [found = ''] = /\S*\s*$/.exec(text.slice(0, at)) ?? []
  return at - found.length
}

/** The same column of the line above or below; the editor itself where there is none. */
function vertical(editor: Editor, step: -1 | 1): Editor {
  const { text, at } = editor
  const start = lineStart(text, at)
  const target = step === -1 ? start - 1 : lineEnd(text, at) + 1
  if (target < 0 || target > text.length) return editor
  const from = lineStart(text, target)
  let left = widthOf(text.slice(start, at))
  let place = from
  for (const grapheme of graphemes(text.slice(from, lineEnd(text, target)))) {
    left -= graphemeWidth(grapheme)
    if (left < 0) break
    place += grapheme.length
  }
  return { text, at: place }
}
