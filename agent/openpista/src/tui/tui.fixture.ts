import type { Card, HistoryItem, ServerFrame } from '../protocol/index.ts'
import type { Size } from './line.ts'
import { type Action, type Command, initialState, type State } from './state.ts'
import { update } from './update.ts'

const SESSION = 'cli:test'
export const YOU = { trusted: true, label: 'you, on cli' }

/** A state and everything that was to be done on the way to it. */
export type Played = { state: State; commands: Command[] }

export function play(from: State, ...actions: readonly Action[]): Played {
  const commands: Command[] = []
  let state = from
  for (const action of actions) {
    const step = update(state, action)
    state = step.state
    commands.push(...step.commands)
  }
  return { state, commands }
}

export function fresh(size: Size = { width: 80, height: 24 }): State {
  return initialState(size, { clientId: 'test', wanted: undefined, nonce: 'm' })
}

/** Seconds after the beginning at which a key is pressed, long after everything was read. */
const LATER = 100_000

export const press = (name: string, at = LATER): Action => ({ type: 'key', key: { kind: 'key', name }, at })
export const type = (text: string, at = LATER): Action => ({ type: 'key', key: { kind: 'text', text }, at })
export const paste = (text: string): Action => ({ type: 'key', key: { kind: 'paste', text }, at: LATER })
export const got = (frame: ServerFrame, at = 0): Action => ({ type: 'frame', frame, at })

export function welcome(history: HistoryItem[] | undefined = [], changes: Partial<Welcome> = {}): Action {
  return got({
    type: 'welcome',
    protocol: 1,
    sessionId: SESSION,
    seq: 0,
    running: false,
    model: 'gpt-4o',
    history,
    ...changes,
  })
}
type Welcome = Extract<ServerFrame, { type: 'welcome' }>

/** Session frames, numbered in order. */
export function frames(...each: readonly Unnumbered[]): Action[] {
  return each.map((frame, index) => got({ ...frame, sessionId: SESSION, seq: index + 1 } as ServerFrame))
}
type Numbered = Extract<ServerFrame, { seq: number; sessionId: string }>
export type Unnumbered = Numbered extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'seq' | 'sessionId'>
    : never
  : never

export const stored = (text: string, messageId = 'x'): Unnumbered => ({
  type: 'message.stored',
  messageId,
  text,
  source: YOU,
})
export const started: Unnumbered = { type: 'turn.started', turnId: 't', messageId: 'x' }
export const delta = (text: string): Unnumbered => ({ type: 'text.delta', turnId: 't', text })
export const finished = (text: string): Unnumbered => ({ type: 'turn.finished', turnId: 't', status: 'stop', text })

export const toolCard: Card = {
  id: 'tool-card',
  kind: 'tool',
  title: 'system.run: rm -r build',
  facts: [{ label: 'command', value: 'rm -r build', tone: 'code' }],
  reason: "It runs a program. The rule 'change' asks.",
  sources: [YOU, { trusted: false, label: 'web page https://example.com' }],
  buttons: [
    { decision: 'approve', label: 'Approve' },
    { decision: 'reject', label: 'Reject' },
    { decision: 'allow_for_session', label: 'Allow for session' },
  ],
  expiresAt: 0,
}

export const limitCard: Card = {
  ...toolCard,
  id: 'limit-card',
  kind: 'limit',
  title: 'This turn has used 10 rounds',
  facts: [{ label: 'rounds', value: '10 of 10', tone: 'plain' }],
  reason: 'agent.max_tool_rounds',
  sources: [],
  buttons: [
    { decision: 'approve', label: 'Go on' },
    { decision: 'reject', label: 'Stop' },
  ],
}

export const paymentCard: Card = {
  id: 'payment-card',
  kind: 'payment',
  title: 'Send 0.01 ETH',
  facts: [
    { label: 'amount', value: '0.01 ETH (31.20 USD)', tone: 'plain' },
    { label: 'to', value: '0x52908400098527886E0F7030069857D2E4169EE7', tone: 'code' },
    { label: 'first contact', value: 'never paid before', tone: 'warning' },
  ],
  reason: 'Above 10 USD the owner signs.',
  sources: [],
  buttons: [
    { decision: 'open', label: 'Sign', url: 'http://127.0.0.1:3100/sign/9f2c' },
    { decision: 'reject', label: 'Reject' },
  ],
  shortCode: 'K7-QM',
  expiresAt: 0,
}
