import type { ClientFrame } from '../protocol/index.ts'
import { type State, type Step, waiting } from './state.ts'

/** A message to the session on the screen; it waits while there is no connection. */
export function say(state: State, text: string): Step {
  const sessionId = state.transcript?.sessionId
  if (sessionId === undefined) return { state, commands: [] }
  const said = state.said + 1
  const message = { id: `${state.nonce}-${said}`, text, sessionId }
  const next = { ...state, said, scroll: 0, outgoing: [...state.outgoing, message] }
  return { state: next, commands: state.link === 'open' ? [{ type: 'send', frame: frameOf(message) }] : [] }
}

/** Everything of this session that waits, once more: the gateway takes each id once. */
export function sayAgain(state: State): Step {
  return { state, commands: waiting(state).map((message) => ({ type: 'send', frame: frameOf(message) })) }
}

function frameOf({ id, text }: { id: string; text: string }): ClientFrame {
  return { type: 'message', id, text }
}
