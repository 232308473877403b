import { rowsOf } from '../editor.ts'
import type { State } from '../state.ts'

/** Rows above and below the conversation: header, what goes on, rule, status. */
const FRAME_ROWS = 4
const MOST_INPUT_ROWS = 6
const READABLE = 110
/** `› ` before the text being written. */
export const PROMPT_CELLS = 2

/** Cells for the text of the conversation. */
export function textWidth({ size }: Pick<State, 'size'>): number {
  return Math.max(8, Math.min(size.width - 4, READABLE))
}

export type InputBox = { rows: string[]; row: number; column: number; hidden: number }

/** What is seen of the text being written: the rows around the cursor. */
export function inputBox({ editor }: Pick<State, 'editor'>, width: number, most = MOST_INPUT_ROWS): InputBox {
  const { rows, row, column } = rowsOf(editor, Math.max(4, width))
  const shown = Math.max(1, most)
  const first = Math.max(0, Math.min(row - shown + 1, rows.length - shown))
  const top = row < first ? row : first
  const visible = rows.slice(top, top + shown)
  return { rows: visible, row: row - top, column, hidden: rows.length - visible.length }
}

/** Rows that the conversation has. */
export function bodyHeight(state: State): number {
  const { rows } = chatInput(state)
  return Math.max(1, state.size.height - FRAME_ROWS - rows.length)
}

export function chatInput(state: State): InputBox {
  const { width, height } = state.size
  const most = Math.max(1, Math.min(MOST_INPUT_ROWS, height - FRAME_ROWS - 1))
  return inputBox(state, width - PROMPT_CELLS - 1, most)
}
