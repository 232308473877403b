import type { Card } from '../protocol/index.ts'
import { edits, emptyEditor, insert } from './editor.ts'
import type { Key } from './keys.ts'
import { onFrame } from './on-frame.ts'
import { close, overlayKey } from './overlay-keys.ts'
import { say } from './say.ts'
import { openPalette, openSidebar, openWords, runLocal } from './slash.ts'
import { type Action, type Command, doing, type State, type Step, stay } from './state.ts'
import { openCards } from './transcript.ts'
import { linesUpTo } from './view/conversation.ts'
import { bodyHeight } from './view/layout.ts'

/** What becomes of the state, and what is to be done. Nothing else changes the state, and this does nothing else. */
export function update(state: State, action: Action): Step {
  switch (action.type) {
    case 'key':
      return onKey(state, action.key, action.at)
    case 'frame':
      return onFrame(state, action.frame, action.at)
    case 'disconnected':
      return onDisconnected(state)
    case 'resize':
      return stay({ ...state, size: action.size })
    case 'tick':
      return stay({ ...state, ticks: state.transcript?.running === true ? state.ticks + 1 : 0 })
    case 'models':
      return state.overlay?.kind === 'models'
        ? stay({ ...state, overlay: { ...state.overlay, models: action.models, problem: action.problem } })
        : stay(state)
    case 'providers':
      return state.overlay?.kind === 'providers'
        ? stay({ ...state, overlay: { ...state.overlay, providers: action.providers } })
        : stay(state)
    case 'told':
      return openWords(state, action.title, action.text)
  }
}

/** The first thing to do. */
export function begin(state: State): readonly Command[] {
  return [connect(state, 0)]
}

const RETRY_MS = [250, 500, 1_000, 2_000, 5_000]

function onDisconnected(state: State): Step {
  const afterMs = RETRY_MS[Math.min(state.attempts, RETRY_MS.length - 1)] ?? 0
  const next: State = { ...state, link: 'lost', attempts: state.attempts + 1 }
  return doing(next, connect(next, afterMs))
}

function connect({ clientId, transcript, wanted }: State, afterMs: number): Command {
  const sessionId = transcript?.sessionId ?? wanted
  const hello = {
    type: 'hello',
    protocol: 1,
    clientId,
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(transcript === undefined ? {} : { lastSeq: transcript.seq }),
  } as const
  return { type: 'connect', hello, afterMs }
}

function onKey(state: State, key: Key, at: number): Step {
  if (key.kind === 'key' && key.name === 'ctrl+l') return doing(state, { type: 'redraw' })
  if (state.overlay !== undefined) return overlayKey(state, state.overlay, key)
  if (key.kind === 'paste') return stay({ ...state, editor: insert(state.editor, key.text) })
  if (key.kind === 'text')
    return answer(state, key.text, at) ?? stay({ ...state, editor: insert(state.editor, key.text) })
  const special = chatKeys[key.name]
  if (special !== undefined) return special(state)
  const edit = edits[key.name]
  return stay(edit === undefined ? state : { ...state, editor: edit(state.editor) })
}

const chatKeys: Readonly<Record<string, (state: State) => Step>> = {
  enter: submit,
  tab: openPalette,
  backtab: openSidebar,
  'ctrl+b': openSidebar,
  pageup: (state) => stay(scrolled(state, bodyHeight(state) - 1)),
  pagedown: (state) => stay(scrolled(state, 1 - bodyHeight(state))),
  up: (state) => stay(moveOr(state, 'up', 1)),
  down: (state) => stay(moveOr(state, 'down', -1)),
  'ctrl+o': (state) => stay({ ...state, unfolded: !state.unfolded, scroll: 0 }),
  escape: (state) => (state.scroll > 0 ? stay({ ...state, scroll: 0 }) : cancel(state)),
  'ctrl+c': (state) => {
    if (state.editor.text !== '') return stay({ ...state, editor: emptyEditor })
    return isBusy(state) ? cancel(state) : doing(state, { type: 'quit' })
  },
  'ctrl+d': (state) =>
    state.editor.text === '' ? doing(state, { type: 'quit' }) : stay({ ...state, editor: edits.delete!(state.editor) }),
}

function submit(state: State): Step {
  const text = state.editor.text.trim()
  if (text === '') return stay(state)
  const local = runLocal({ ...state, editor: emptyEditor }, text)
  if (local !== undefined) return local
  // Without a session there is nowhere to say it yet: the words stay where they are.
  return state.transcript === undefined ? stay(state) : say({ ...state, editor: emptyEditor }, text)
}

/** A turn runs, and the gateway can be told to stop it. */
function isBusy({ transcript, link }: State): boolean {
  return transcript?.running === true && link === 'open'
}

function cancel(state: State): Step {
  return isBusy(state) ? doing(state, { type: 'send', frame: { type: 'cancel' } }) : stay(close(state))
}

/** The arrows move in text of several lines, and scroll where they cannot. */
function moveOr(state: State, name: 'up' | 'down', lines: number): State {
  const editor = edits[name]!(state.editor)
  return editor.at === state.editor.at ? scrolled(state, lines) : { ...state, editor }
}

function scrolled(state: State, by: number): State {
  const wanted = Math.max(0, state.scroll + by)
  const height = bodyHeight(state)
  const most = Math.max(0, linesUpTo(state, wanted + height).length - height)
  return { ...state, scroll: Math.min(wanted, most) }
}

/** Letters that answer the card in focus. */
const DECISIONS: Readonly<Record<string, Card['buttons'][number]['decision']>> = {
  y: 'approve',
  n: 'reject',
  s: 'allow_for_session',
}

/** A card that has just come up was not read: keys of that moment were meant for the text. */
const READING_MS = 700

function answer(state: State, text: string, at: number): Step | undefined {
  const [card] = state.transcript === undefined ? [] : openCards(state.transcript)
  const decision = DECISIONS[text.toLowerCase()]
  if (card === undefined || decision === undefined || decision === 'open') return undefined
  if (state.editor.text !== '' || state.link !== 'open' || at - state.cardSince < READING_MS) return undefined
  if (!card.buttons.some((button) => button.decision === decision)) return undefined
  const frame = { type: 'approval.answer', cardId: card.id, decision } as const
  // The next card takes the focus now; it wants reading too.
  return doing({ ...state, cardSince: at }, { type: 'send', frame })
}
