import { fit, type Line, pad, span, spread } from '../line.ts'
import { type Overlay, type State, waiting } from '../state.ts'
import { cleanLine } from '../text.ts'
import { openCards } from '../transcript.ts'
import { linesUpTo } from './conversation.ts'
import { home } from './home.ts'
import { bodyHeight, chatInput, PROMPT_CELLS } from './layout.ts'
import { panel, sidebar } from './panel.ts'

/** What is to be seen: at most `size.height` lines of at most `size.width` cells. */
export type Screen = { lines: Line[]; cursor: { row: number; column: number } | undefined }

/** The state as a picture. */
export function view(state: State): Screen {
  const { width, height } = state.size
  const screen = state.overlay === undefined ? conversation(state) : overlaid(state, state.overlay)
  // On a screen too small for everything the end is kept: it is where one types.
  const surplus = Math.max(0, screen.lines.length - height)
  const lines = screen.lines.slice(surplus).map((line) => fit(line, width))
  const { cursor } = screen
  if (cursor === undefined || cursor.row < surplus) return { lines, cursor: undefined }
  const row = Math.min(cursor.row - surplus, height - 1)
  return { lines, cursor: { row, column: Math.min(cursor.column, width - 1) } }
}

function conversation(state: State): Screen {
  return isEmpty(state) ? home(state) : chat(state)
}

function isEmpty(state: State): boolean {
  return (state.transcript?.items.length ?? 0) === 0 && waiting(state).length === 0
}

function chat(state: State): Screen {
  const { width } = state.size
  const height = bodyHeight(state)
  const lines = linesUpTo(state, height + state.scroll)
  const end = Math.max(0, lines.length - state.scroll)
  const shown = lines.slice(Math.max(0, end - height), end)
  const blank = Array.from({ length: height - shown.length }, (): Line => [])
  const input = chatInput(state)
  const body = [...shown, ...blank].map((line): Line => (line.length === 0 ? [] : [span('  '), ...line]))
  const rows = input.rows.map((row, index): Line => [span(index === 0 ? '› ' : '  ', 'accent'), span(row)])
  const above: Line[] = [header(state), ...body, [span(`  ${activity(state)}`, 'dim')], rule(width, input.hidden)]
  const lead = above.length
  return {
    lines: [...above, ...rows, status(state, 'Tab commands · Ctrl+O output · PgUp PgDn scroll')],
    cursor: { row: lead + input.row, column: PROMPT_CELLS + input.column },
  }
}

function overlaid(state: State, overlay: NonNullable<State['overlay']>): Screen {
  const { width, height } = state.size
  if (overlay.kind === 'sessions' && overlay.beside && width >= WIDTH_FOR_BOTH) return withSidebar(state, overlay)
  const room = { width: Math.max(4, width - 4), height: Math.max(1, height - 4) }
  const { lines, cursor, keys } = panel(state, overlay, room)
  const shown = lines.slice(0, room.height).map((line): Line => [span('  '), ...line])
  const blank = Array.from({ length: room.height - shown.length }, (): Line => [])
  return {
    lines: [header(state), [], ...shown, ...blank, rule(width, 0), status(state, keys)],
    cursor: cursor === undefined ? undefined : { row: cursor.row + 2, column: cursor.column + 2 },
  }
}

const SIDEBAR_CELLS = 26
/** Beside the sidebar a conversation can still be read. */
const WIDTH_FOR_BOTH = 72

function withSidebar(state: State, overlay: Extract<Overlay, { kind: 'sessions' }>): Screen {
  const { width, height } = state.size
  const { lines, cursor, keys } = sidebar(state, overlay, { width: SIDEBAR_CELLS, height: height - 2 })
  const size = { width: width - SIDEBAR_CELLS - 3, height }
  const beside = conversation({ ...state, overlay: undefined, size }).lines
  const rows = Array.from({ length: height - 1 }, (_, row): Line => {
    const right = fit(beside[row] ?? [], size.width)
    return [span(' '), ...pad(lines[row] ?? [], SIDEBAR_CELLS), span('│ ', 'dim'), ...right]
  })
  const place = cursor === undefined ? undefined : { row: cursor.row, column: cursor.column + 1 }
  return { lines: [...rows, status(state, keys)], cursor: place }
}

function header({ transcript, link, size }: State): Line {
  const left: Line = [span(' openpista ', 'chosen'), span(` ${cleanLine(transcript?.sessionId ?? '')}`, 'dim')]
  return spread(
    left,
    link === 'open' ? [span('● connected ', 'good')] : [span('○ reconnecting… ', 'warning')],
    size.width,
  )
}

function rule(width: number, hidden: number): Line {
  const note = hidden > 0 ? ` ${hidden} more lines ` : ''
  return [span('─'.repeat(Math.max(0, width - note.length - 2)) + note + '─'.repeat(2), 'dim')]
}

function status({ model, size }: State, keys: string): Line {
  return spread(
    [span(` ${keys}`, 'dim')],
    [span(`${model === undefined ? 'no model' : cleanLine(model)} `, 'dim')],
    size.width,
  )
}

const SPINNER = ['⠋', '⠹', '⠼', '⠦', '⠧', '⠏']

/** What goes on, in a line. */
function activity(state: State): string {
  const { transcript, scroll, ticks } = state
  const below = scroll > 0 ? `↓ ${scroll} more lines below (Esc)` : ''
  if (transcript === undefined || !transcript.running) return below
  const seconds = Math.floor(ticks / 4)
  const tool = transcript.items.findLast((item) => item.kind === 'tool' && item.status === 'running')
  const isAsking = openCards(transcript).length > 0
  const what = isAsking
    ? 'Waiting for your answer'
    : tool?.kind === 'tool'
      ? `Running ${cleanLine(tool.call.name)}`
      : 'Thinking'
  const words = `${SPINNER[ticks % SPINNER.length]} ${what} · ${seconds} s · Esc cancels`
  return below === '' ? words : `${words} · ${below}`
}
