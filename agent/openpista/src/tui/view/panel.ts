import { type Editor, rowsOf } from '../editor.ts'
import { fit, type Line, pad, type Size, span } from '../line.ts'
import { methodChoices, modelChoices, paletteChoices, providerChoices, sessionChoices } from '../overlay-rows.ts'
import { type Picker, type Row, rowInFocus } from '../picker.ts'
import type { Overlay, State } from '../state.ts'
import { clean, cleanLine, graphemes, widthOf, wrap } from '../text.ts'

/** An overlay as lines; `cursor` is where something is being typed. */
export type Panel = { lines: Line[]; cursor: { row: number; column: number } | undefined; keys: string }

/** @param size room for the panel. */
export function panel(state: State, overlay: Overlay, size: Size): Panel {
  switch (overlay.kind) {
    case 'palette':
      return list('Commands', overlay.picker, paletteChoices(overlay.picker), 'Nothing fits.', size, '')
    case 'sessions':
      return sessionsPanel(state, overlay, size)
    case 'models': {
      const empty = overlay.models === undefined ? 'Asking…' : overlay.problem || 'Nothing fits.'
      return list('Models', overlay.picker, modelChoices(overlay), empty, size, 'r refresh · ')
    }
    case 'providers': {
      const empty = overlay.providers === undefined ? 'Looking…' : 'Nothing fits.'
      return list('Sign in at', overlay.picker, providerChoices(overlay), empty, size, '')
    }
    case 'method': {
      const title = `Sign in to ${overlay.provider.label}`
      return list(title, overlay.picker, methodChoices(overlay), 'Nothing fits.', size, '')
    }
    case 'endpoint':
      return field(overlay.provider.label, overlay.provider.endpointName ?? 'Address', overlay.editor, size)
    case 'key':
      return field(overlay.provider.label, 'API key', hidden(overlay.editor), size)
    case 'saving':
      return { lines: [title(overlay.provider.label), [], [span('Keeping the key…')]], cursor: undefined, keys: '' }
    case 'words':
      return wordsPanel(overlay, size)
  }
}

function title(text: string): Line {
  return [span(text, 'strong')]
}

function list<Value>(
  name: string,
  picker: Picker,
  rows: readonly Row<Value>[],
  empty: string,
  { width, height }: Size,
  extraKeys: string,
): Panel {
  const search = `${picker.filtering ? 'search: ' : 'search (/): '}`
  const filter = cleanLine(picker.filter.text)
  const head: Line[] = [title(name), fit([span(search, 'dim'), span(filter)], width), []]
  const room = Math.max(1, height - head.length)
  const focus = rowInFocus(picker, rows.length)
  const first = Math.max(0, Math.min(focus - Math.floor(room / 2), rows.length - room))
  const labelWidth = Math.min(Math.max(12, ...rows.map(({ label }) => widthOf(label))), Math.floor(width * 0.6))
  const body = rows.slice(first, first + room).map(({ label, note }, index): Line => {
    const isChosen = first + index === focus
    const columns: Line = [
      ...pad([span(` ${label}`, isChosen ? 'chosen' : 'plain')], labelWidth + 3, isChosen ? 'chosen' : 'plain'),
      span(note, isChosen ? 'chosen' : 'dim'),
    ]
    return isChosen ? pad(columns, width, 'chosen') : fit(columns, width)
  })
  const column = Math.min(widthOf(search) + widthOf(picker.filter.text.slice(0, picker.filter.at)), width - 1)
  return {
    lines: [...head, ...(body.length === 0 ? wrapped(empty, width) : body)],
    cursor: picker.filtering ? { row: 1, column } : undefined,
    keys: `↑↓ choose · Enter take · ${extraKeys}Esc back`,
  }
}

function sessionsPanel(state: State, overlay: Extract<Overlay, { kind: 'sessions' }>, size: Size): Panel {
  const { confirming } = overlay
  if (confirming !== undefined) {
    const name = cleanLine(confirming.title === '' ? confirming.id : `${confirming.title} (${confirming.id})`)
    const text = `Delete ${name}? What was said there is gone for good.`
    return {
      lines: [title('Sessions'), [], ...wrapped(text, size.width)],
      cursor: undefined,
      keys: 'y delete · n keep',
    }
  }
  const empty = overlay.sessions === undefined ? 'Asking…' : 'No sessions.'
  return list('Sessions', overlay.picker, sessionChoices(overlay, state), empty, size, 'n new · d delete · ')
}

/** The sessions in a narrow column; the open one is marked. */
export function sidebar(state: State, overlay: Extract<Overlay, { kind: 'sessions' }>, { width, height }: Size): Panel {
  const { confirming, picker, sessions } = overlay
  if (confirming !== undefined) {
    const question = wrapped(`Delete ${cleanLine(confirming.title || confirming.id)}? It is gone for good.`, width)
    return { lines: [title('Sessions'), [], ...question], cursor: undefined, keys: 'y delete · n keep' }
  }
  const search = picker.filtering ? `/ ${cleanLine(picker.filter.text)}` : ''
  const rows = sessionChoices(overlay, state)
  const room = Math.max(1, height - 2)
  const focus = rowInFocus(picker, rows.length)
  const first = Math.max(0, Math.min(focus - Math.floor(room / 2), rows.length - room))
  const body = rows.slice(first, first + room).map(({ value, label }, index): Line => {
    const mark = value.id === state.transcript?.sessionId ? '● ' : '  '
    const isChosen = first + index === focus
    return pad([span(`${mark}${label}`, isChosen ? 'chosen' : 'plain')], width, isChosen ? 'chosen' : 'plain')
  })
  const empty = sessions === undefined ? 'Asking…' : 'No sessions.'
  return {
    lines: [title('Sessions'), [span(search, 'dim')], ...(body.length === 0 ? wrapped(empty, width) : body)],
    cursor: picker.filtering ? { row: 1, column: Math.min(widthOf(search), width - 1) } : undefined,
    keys: 'jk move · Enter open · n new · d delete · / search · Esc back',
  }
}

function field(name: string, label: string, editor: Editor, { width }: Size): Panel {
  const { rows, row, column } = rowsOf(editor, Math.max(4, width - 2))
  const lines: Line[] = [title(`Sign in to ${name}`), [], [span(`${label}:`)]]
  return {
    lines: [...lines, ...rows.map((text): Line => [span('› ', 'accent'), span(text)])],
    cursor: { row: lines.length + row, column: column + 2 },
    keys: 'Enter go on · Esc back',
  }
}

/** As many dots as there are characters. */
function hidden({ text, at }: Editor): Editor {
  return { text: '•'.repeat(graphemes(text).length), at: graphemes(text.slice(0, at)).length }
}

function wordsPanel({ title: name, text, top }: Extract<Overlay, { kind: 'words' }>, { width, height }: Size): Panel {
  const lines = wrapped(text, width)
  const room = Math.max(1, height - 2)
  const first = Math.max(0, Math.min(top, lines.length - room))
  const more = lines.length > room ? '↑↓ scroll · ' : ''
  const keys = `${more}Esc or typing goes back`
  return { lines: [title(name), [], ...lines.slice(first, first + room)], cursor: undefined, keys }
}

function wrapped(text: string, width: number): Line[] {
  return wrap(clean(text), width).map((line) => [span(line)])
}
