import { edits, emptyEditor, insert } from './editor.ts'
import type { Key } from './keys.ts'
import { methodChoices, modelChoices, paletteChoices, providerChoices, sessionChoices } from './overlay-rows.ts'
import { emptyPicker, type Picker, pickerKey, type Row, rowInFocus } from './picker.ts'
import { say } from './say.ts'
import { openModels, openSidebar, openWords, runLocal } from './slash.ts'
import { doing, type Overlay, type ProviderEntry, type State, type Step, stay } from './state.ts'
import { cleanLine } from './text.ts'

type Of<Kind extends Overlay['kind']> = Extract<Overlay, { kind: Kind }>

/** A key while an overlay is open. */
export function overlayKey(state: State, overlay: Overlay, key: Key): Step {
  switch (overlay.kind) {
    case 'palette':
      return paletteKey(state, overlay, key)
    case 'sessions':
      return overlay.confirming === undefined ? sessionsKey(state, overlay, key) : confirmKey(state, overlay, key)
    case 'models':
      return modelsKey(state, overlay, key)
    case 'providers':
      return choose(state, overlay, key, providerChoices(overlay), (provider) => chooseProvider(state, provider))
    case 'method':
      return choose(state, overlay, key, methodChoices(overlay), (method) =>
        method === 'browser' ? sayBrowserLogin(state, overlay.provider) : askForKey(state, overlay.provider),
      )
    case 'endpoint':
    case 'key':
      return fieldKey(state, overlay, key)
    case 'saving':
      // The key is kept all the same, and told of when it is.
      return stay(key.kind === 'key' && key.name === 'escape' ? close(state) : state)
    case 'words':
      return wordsKey(state, overlay, key)
  }
}

export function close(state: State): State {
  return { ...state, overlay: undefined }
}

function paletteKey(state: State, overlay: Of<'palette'>, key: Key): Step {
  if (key.kind === 'key' && key.name === 'tab') return openSidebar(state)
  return choose(state, overlay, key, paletteChoices(overlay.picker), ({ name, args, local }) => {
    const typed = overlay.picker.filter.text.trim()
    const editor = typed === state.editor.text.trim() ? emptyEditor : state.editor
    const closed = { ...close(state), editor }
    // What needs more words is written into the line; the rest is done at once.
    if (args !== '') return stay({ ...closed, editor: insert(emptyEditor, `${name} `) })
    return local === undefined ? say(closed, name) : (runLocal(closed, name) ?? stay(closed))
  })
}

function sessionsKey(state: State, overlay: Of<'sessions'>, key: Key): Step {
  const leaves = overlay.beside && key.kind === 'key' && SIDEBAR_KEYS.has(key.name)
  if (leaves) return stay(close(state))
  const rows = sessionChoices(overlay, state)
  const onCommand = (command: string): Step => {
    if (command === 'n') return doing(close(state), { type: 'send', frame: { type: 'session.new' } })
    const confirming = rows[rowInFocus(overlay.picker, rows.length)]?.value
    return stay({ ...state, overlay: { ...overlay, confirming } })
  }
  const onChosen = ({ id: sessionId }: { id: string }) =>
    doing(close(state), { type: 'send', frame: { type: 'session.open', sessionId } })
  return choose(state, overlay, key, rows, onChosen, { names: ['n', 'd', 'delete'], onCommand })
}

/** The keys that opened the sidebar close it. */
const SIDEBAR_KEYS: ReadonlySet<string> = new Set(['tab', 'backtab', 'ctrl+b'])

function confirmKey(state: State, overlay: Of<'sessions'>, key: Key): Step {
  const back: State = { ...state, overlay: { ...overlay, confirming: undefined } }
  const word = key.kind === 'key' ? key.name : key.kind === 'text' ? key.text.toLowerCase() : ''
  if (word === 'n' || word === 'escape' || word === 'ctrl+c') return stay(back)
  if (word !== 'y' && word !== 'enter') return stay(state)
  const sessionId = overlay.confirming?.id ?? ''
  const picker = { ...overlay.picker, at: Math.max(0, overlay.picker.at - 1) }
  const waiting: State = { ...state, overlay: { ...overlay, confirming: undefined, picker } }
  return doing(waiting, { type: 'send', frame: { type: 'session.delete', sessionId } })
}

function modelsKey(state: State, overlay: Of<'models'>, key: Key): Step {
  const onCommand = () => openModels(state)
  const own = overlay.models?.find(({ current }) => current)?.provider
  const onChosen = ({ provider, id }: { provider: string; id: string }) =>
    say(close(state), `/model ${provider === own ? id : `${provider}:${id}`}`)
  return choose(state, overlay, key, modelChoices(overlay), onChosen, { names: ['r'], onCommand })
}

type Listed = Extract<Overlay, { picker: Picker }>
type OwnCommands = { names: readonly string[]; onCommand: (name: string) => Step }

function choose<Value>(
  state: State,
  overlay: Listed,
  key: Key,
  rows: readonly Row<Value>[],
  onChosen: (value: Value) => Step,
  own: OwnCommands = { names: [], onCommand: () => stay(state) },
): Step {
  const picked = pickerKey(overlay.picker, key, rows.length, own.names)
  if ('picker' in picked) return stay({ ...state, overlay: { ...overlay, picker: picked.picker } })
  if ('closed' in picked) return stay(close(state))
  if ('command' in picked) return own.onCommand(picked.command)
  const row = rows[rowInFocus(overlay.picker, rows.length)]
  return row === undefined ? stay(state) : onChosen(row.value)
}

function chooseProvider(state: State, provider: ProviderEntry): Step {
  if (provider.login === 'none') return openWords(state, provider.label, `${provider.label} needs no login.`)
  return stay({ ...state, overlay: { kind: 'method', provider, picker: emptyPicker } })
}

function sayBrowserLogin(state: State, { id, label }: ProviderEntry): Step {
  const text = `Run this in a shell; it opens the way to the browser and keeps the login:\n\n  openpista auth login -p ${id} --browser\n\nThis program and a running gateway use it as soon as it is there.`
  return openWords(state, `Sign in to ${label}`, text)
}

function askForKey(state: State, provider: ProviderEntry): Step {
  const overlay: Overlay =
    provider.login === 'endpoint and key'
      ? { kind: 'endpoint', provider, editor: emptyEditor }
      : { kind: 'key', provider, endpoint: undefined, editor: emptyEditor }
  return stay({ ...state, overlay })
}

function fieldKey(state: State, overlay: Of<'endpoint'> | Of<'key'>, key: Key): Step {
  if (key.kind !== 'key') {
    return stay({ ...state, overlay: { ...overlay, editor: insert(overlay.editor, cleanLine(key.text)) } })
  }
  if (key.name === 'escape' || key.name === 'ctrl+c') return stay(close(state))
  if (key.name !== 'enter') {
    const edit = key.name === 'newline' ? undefined : edits[key.name]
    return stay(edit === undefined ? state : { ...state, overlay: { ...overlay, editor: edit(overlay.editor) } })
  }
  const text = overlay.editor.text.trim()
  const { provider } = overlay
  if (overlay.kind === 'endpoint') {
    return stay({ ...state, overlay: { kind: 'key', provider, endpoint: text || undefined, editor: emptyEditor } })
  }
  if (text === '') return stay(state)
  const saving: State = { ...state, overlay: { kind: 'saving', provider } }
  return doing(saving, { type: 'keep key', provider: provider.id, endpoint: overlay.endpoint, apiKey: text })
}

const WORD_MOVES: Readonly<Record<string, number>> = { up: -1, down: 1, pageup: -10, pagedown: 10 }

function wordsKey(state: State, overlay: Of<'words'>, key: Key): Step {
  // Whoever types means the line that these words cover.
  if (key.kind !== 'key') return stay({ ...close(state), editor: insert(state.editor, key.text) })
  const step = WORD_MOVES[key.name]
  if (step === undefined) return stay(['escape', 'enter', 'ctrl+c', 'tab'].includes(key.name) ? close(state) : state)
  const last = Math.max(0, overlay.text.split('\n').length - 1)
  return stay({ ...state, overlay: { ...overlay, top: Math.max(0, Math.min(overlay.top + step, last)) } })
}
