import { type Editor, edits, emptyEditor, insert } from './editor.ts'
import type { Key } from './keys.ts'
import { cleanLine } from './text.ts'

/** A list to choose from. While not `filtering`, letters are commands of the list. */
export type Picker = { filter: Editor; filtering: boolean; at: number }

/** What a picker shows: `found` is searched by the filter. */
export type Row<Value> = { value: Value; label: string; note: string }

export type Picked = { picker: Picker } | { chosen: true } | { closed: true } | { command: string }

export const emptyPicker: Picker = { filter: emptyEditor, filtering: false, at: 0 }
/** A picker whose first letter is already a search. */
export const typingPicker: Picker = { ...emptyPicker, filtering: true }

const PAGE = 10
const MOVES: Readonly<Record<string, number>> = { up: -1, down: 1, pageup: -PAGE, pagedown: PAGE }
const LETTER_MOVES: Readonly<Record<string, number>> = { k: -1, j: 1 }

export function matching<Value>(rows: readonly Row<Value>[], { filter }: Picker): Row<Value>[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean)
  return rows.filter(({ label, note }) => {
    const text = `${label} ${note}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

/**
 * @param count rows that match.
 * @param commands letters and keys that the list itself understands.
 */
export function pickerKey(picker: Picker, key: Key, count: number, commands: readonly string[]): Picked {
  if (key.kind !== 'key') return typed(picker, key.text, count, commands)
  const step = MOVES[key.name]
  if (step !== undefined) return { picker: moved(picker, step, count) }
  if (key.name === 'enter') return count === 0 ? { picker } : { chosen: true }
  if (key.name === 'escape' || key.name === 'ctrl+c') return leave(picker)
  if (commands.includes(key.name) && !(key.name === 'delete' && picker.filtering)) return { command: key.name }
  const edit = edits[key.name]
  if (edit === undefined || key.name === 'newline') return { picker }
  const filter = edit(picker.filter)
  return { picker: { ...picker, filter, at: filter.text === picker.filter.text ? picker.at : 0 } }
}

function typed(picker: Picker, text: string, count: number, commands: readonly string[]): Picked {
  if (!picker.filtering) {
    const step = LETTER_MOVES[text]
    if (step !== undefined) return { picker: moved(picker, step, count) }
    if (text === '/' || text === 's') return { picker: { ...picker, filtering: true } }
    if (commands.includes(text)) return { command: text }
  }
  const filter = insert(picker.filter, cleanLine(text))
  return { picker: { filter, filtering: true, at: 0 } }
}

/** The first Escape ends a search, the next one the list. */
function leave(picker: Picker): Picked {
  return picker.filter.text === '' ? { closed: true } : { picker: { ...emptyPicker, at: 0 } }
}

/** The row that Enter takes: the list may have become shorter than it was. */
export function rowInFocus({ at }: Picker, count: number): number {
  return Math.max(0, Math.min(at, count - 1))
}

function moved(picker: Picker, step: number, count: number): Picker {
  return { ...picker, at: rowInFocus({ ...picker, at: picker.at + step }, count) }
}
