import type { ClientFrame, ServerFrame, SessionView } from '../protocol/index.ts'
import { type Editor, emptyEditor } from './editor.ts'
import type { Key } from './keys.ts'
import type { Size } from './line.ts'
import type { Picker } from './picker.ts'
import type { Transcript } from './transcript.ts'

/** Everything that the screen shows. */
export type State = {
  size: Size
  /** Names this client; its own session is `cli:<clientId>`. */
  clientId: string
  /** The nth message of this program has the id `<nonce>-<n>`. */
  nonce: string
  said: number
  link: 'connecting' | 'open' | 'lost'
  /** Failed attempts to connect, in a row. */
  attempts: number
  /** The session to watch; `undefined`: the client's own. */
  wanted: string | undefined
  /** A session that is not there any more; a new one is asked for in its place. */
  lost: { sessionId: string; isReplaced: boolean } | undefined
  transcript: Transcript | undefined
  model: string | undefined
  hint: string
  /** Messages that the gateway has not stored yet. */
  outgoing: readonly Outgoing[]
  editor: Editor
  /** Lines between the end of the conversation and the bottom of the screen; 0 follows the end. */
  scroll: number
  /** Whole tool output instead of its beginning. */
  unfolded: boolean
  overlay: Overlay | undefined
  /** Quarters of a second since the turn began. */
  ticks: number
  /** When a card came into focus: an answer before the owner can have read it is no answer. */
  cardSince: number
}

export type Outgoing = { id: string; text: string; sessionId: string }

/** What lies over the conversation and takes the keys. */
export type Overlay =
  | { kind: 'palette'; picker: Picker }
  | {
      kind: 'sessions'
      picker: Picker
      /** Beside the conversation, where there is room for both. */
      beside: boolean
      sessions: readonly SessionView[] | undefined
      confirming: SessionView | undefined
    }
  | { kind: 'models'; picker: Picker; models: readonly ModelEntry[] | undefined; problem: string }
  | { kind: 'providers'; picker: Picker; providers: readonly ProviderEntry[] | undefined }
  | { kind: 'method'; picker: Picker; provider: ProviderEntry }
  | { kind: 'endpoint'; provider: ProviderEntry; editor: Editor }
  | { kind: 'key'; provider: ProviderEntry; endpoint: string | undefined; editor: Editor }
  | { kind: 'saving'; provider: ProviderEntry }
  | { kind: 'words'; title: string; text: string; top: number }

/** A model that can be chosen. */
export type ModelEntry = { provider: string; id: string; note: string; current: boolean }

/** A service that one can sign in at. */
export type ProviderEntry = {
  id: string
  label: string
  /** What is known of a login there: `key`, `signed in until …`, ``. */
  status: string
  login: 'browser' | 'key' | 'endpoint and key' | 'none'
  /** What its address is called, where each customer has an own one. */
  endpointName: string | undefined
}

/** What happens. `at`: milliseconds since 1970. */
export type Action =
  | { type: 'key'; key: Key; at: number }
  | { type: 'frame'; frame: ServerFrame; at: number }
  | { type: 'disconnected' }
  | { type: 'resize'; size: Size }
  | { type: 'tick' }
  | { type: 'models'; models: readonly ModelEntry[]; problem: string }
  | { type: 'providers'; providers: readonly ProviderEntry[] }
  | { type: 'told'; title: string; text: string }

/** What the program shall do about it. */
export type Command =
  | { type: 'send'; frame: ClientFrame }
  | { type: 'connect'; hello: Extract<ClientFrame, { type: 'hello' }>; afterMs: number }
  | { type: 'list models' }
  | { type: 'list providers' }
  | { type: 'keep key'; provider: string; endpoint: string | undefined; apiKey: string }
  | { type: 'redraw' }
  | { type: 'quit' }

export type Step = { state: State; commands: readonly Command[] }

export function stay(state: State): Step {
  return { state, commands: [] }
}

export function doing(state: State, command: Command): Step {
  return { state, commands: [command] }
}

export function initialState(
  size: Size,
  client: { clientId: string; wanted: string | undefined; nonce: string },
): State {
  return {
    ...client,
    size,
    said: 0,
    link: 'connecting',
    attempts: 0,
    lost: undefined,
    transcript: undefined,
    model: undefined,
    hint: '',
    outgoing: [],
    editor: emptyEditor,
    scroll: 0,
    unfolded: false,
    overlay: undefined,
    ticks: 0,
    cardSince: 0,
  }
}

/** The messages of the session on the screen that are under way. */
export function waiting({ outgoing, transcript }: State): Outgoing[] {
  return outgoing.filter(({ sessionId }) => sessionId === transcript?.sessionId)
}
