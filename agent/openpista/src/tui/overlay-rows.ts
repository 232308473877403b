import type { SessionView } from '../protocol/index.ts'
import { matching, type Picker, type Row } from './picker.ts'
import { paletteRows, type SlashCommand } from './slash.ts'
import type { ModelEntry, Overlay, ProviderEntry, State } from './state.ts'
import { cleanLine } from './text.ts'

export type Method = 'key' | 'browser'

/** What can be chosen in each overlay with a list, as far as the filter lets it through. */
export function paletteChoices(picker: Picker): Row<SlashCommand>[] {
  const typed = picker.filter.text.trim().toLowerCase().replace(/^\/?/, '/')
  // What begins as typed comes first: /se is /session before it is a word in somebody's description.
  const rank = ({ label }: { label: string }) => (label.startsWith(typed) ? 0 : 1)
  return matching(paletteRows(), picker).toSorted((a, b) => rank(a) - rank(b))
}

export function sessionChoices(overlay: Extract<Overlay, { kind: 'sessions' }>, state: State): Row<SessionView>[] {
  const rows = (overlay.sessions ?? []).map((value) => ({
    value,
    label: cleanLine(value.title) || 'no title',
    note: `${cleanLine(value.id)}${value.id === state.transcript?.sessionId ? ' (open)' : ''}`,
  }))
  return matching(rows, overlay.picker)
}

export function modelChoices({ models, picker }: Extract<Overlay, { kind: 'models' }>): Row<ModelEntry>[] {
  const rows = (models ?? []).map((value) => ({
    value,
    label: `${value.current ? '* ' : ''}${cleanLine(value.id)}`,
    note: `${value.provider}, ${cleanLine(value.note)}`,
  }))
  return matching(rows, picker)
}

export function providerChoices({ providers, picker }: Extract<Overlay, { kind: 'providers' }>): Row<ProviderEntry>[] {
  const rows = (providers ?? []).map((value) => ({ value, label: value.label, note: cleanLine(value.status) }))
  return matching(rows, picker)
}

/** The browser is offered where the service has such a login; a key is always one. */
export function methodChoices({ provider, picker }: Extract<Overlay, { kind: 'method' }>): Row<Method>[] {
  const key: Row<Method> = { value: 'key', label: 'API key', note: 'typed here, hidden' }
  const browser: Row<Method> = { value: 'browser', label: 'Browser', note: 'in a shell; says how' }
  return matching(provider.login === 'browser' ? [key, browser] : [key], picker)
}
