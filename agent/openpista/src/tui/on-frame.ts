import type { ServerFrame } from '../protocol/index.ts'
import { insert } from './editor.ts'
import { sayAgain } from './say.ts'
import { doing, type State, type Step, stay, waiting } from './state.ts'
import { emptyTranscript, fromHistory, type Item, receive, type Transcript } from './transcript.ts'
import { growth } from './view/conversation.ts'

type Frame<Type extends ServerFrame['type']> = Extract<ServerFrame, { type: Type }>

/** A frame of the gateway. */
export function onFrame(state: State, frame: ServerFrame, at: number): Step {
  switch (frame.type) {
    case 'welcome':
      return onWelcome(state, frame, at)
    case 'message.accepted':
      return stay(frame.duplicate ? without(state, frame.id) : state)
    case 'session.listed':
      return state.overlay?.kind === 'sessions'
        ? stay({ ...state, overlay: { ...state.overlay, sessions: frame.sessions } })
        : stay(state)
    case 'pong':
      return stay(state)
    case 'error':
      return onError(state, frame)
    default:
      return onSessionFrame(state, frame, at)
  }
}

function onWelcome(state: State, frame: Frame<'welcome'>, at: number): Step {
  if (state.lost?.isReplaced === false) {
    const lost = { ...state.lost, isReplaced: true }
    return doing({ ...state, lost }, { type: 'send', frame: { type: 'session.new' } })
  }
  const known = state.transcript?.sessionId === frame.sessionId ? state.transcript : undefined
  const isWhole = frame.history !== undefined
  // A gateway that has less than this screen remembers: only its whole history is the truth.
  if (!isWhole && frame.seq !== (known?.seq ?? 0)) {
    return doing(state, { type: 'send', frame: { type: 'session.open', sessionId: frame.sessionId } })
  }
  const { sessionId, seq, running, history } = frame
  const transcript: Transcript =
    history === undefined
      ? { ...(known ?? emptyTranscript(sessionId)), running }
      : { sessionId, seq, running, items: [...history.map(fromHistory), ...lostWords(state)] }
  const next: State = {
    ...state,
    link: 'open',
    attempts: 0,
    transcript,
    model: frame.model,
    hint: frame.hint ?? '',
    scroll: known === undefined ? 0 : state.scroll,
    cardSince: at,
    wanted: undefined,
    lost: undefined,
  }
  const step = sayAgain(forgetStored(next))
  const isListWanted = state.overlay?.kind === 'sessions' && state.overlay.sessions === undefined
  if (!isListWanted) return step
  return { ...step, commands: [...step.commands, { type: 'send', frame: { type: 'session.list' } }] }
}

/** Why the session that was asked for is not the one on the screen. */
function lostWords({ lost }: State): Item[] {
  if (lost === undefined) return []
  return [{ kind: 'notice', text: `There is no session '${lost.sessionId}'. This is a new one.`, tone: 'warning' }]
}

function onError(state: State, frame: Frame<'error'>): Step {
  // Before the welcome: the session asked for is gone, and the gateway opens another one, perhaps full of other things.
  if (frame.code === 'SESSION_NOT_FOUND' && state.link !== 'open') {
    const texts = waiting(state).map(({ text }) => text)
    const lost = { sessionId: state.transcript?.sessionId ?? state.wanted ?? '', isReplaced: false }
    const kept = { ...state, lost, transcript: undefined, wanted: undefined, outgoing: [] }
    return stay({ ...kept, editor: insert(state.editor, texts.join('\n')) })
  }
  const text = frame.hint === undefined ? frame.message : `${frame.message} ${frame.hint}`
  return stay(
    withNotice(frame.id === undefined ? state : without(state, frame.id), { kind: 'notice', text, tone: 'error' }),
  )
}

type SessionFrame = Exclude<ServerFrame, { type: 'welcome' | 'message.accepted' | 'session.listed' | 'pong' | 'error' }>

function onSessionFrame(state: State, frame: SessionFrame, at: number): Step {
  const { transcript: before } = state
  if (before === undefined) return stay(state)
  const transcript = receive(before, frame)
  if (transcript === before) return stay(state)
  const next = forgetStored({
    ...state,
    transcript,
    ticks: frame.type === 'turn.started' ? 0 : state.ticks,
    // Whoever reads further up goes on reading there.
    scroll: state.scroll === 0 ? 0 : Math.max(0, state.scroll + growth(state, before.items, transcript.items)),
    cardSince: frame.type === 'approval.requested' || frame.type === 'approval.resolved' ? at : state.cardSince,
  })
  const isModelChosen = frame.type === 'turn.finished' && lastSaid(transcript).startsWith('/model ')
  if (!isModelChosen) return stay(next)
  // Only a welcome tells the model.
  return doing(next, { type: 'send', frame: { type: 'session.open', sessionId: transcript.sessionId } })
}

function lastSaid({ items }: Transcript): string {
  const last = items.findLast((item) => item.kind === 'user')
  return last?.kind === 'user' ? last.text : ''
}

/** Messages that stand in the transcript are not under way any more. */
function forgetStored(state: State): State {
  if (state.outgoing.length === 0) return state
  const stored = new Set(state.transcript?.items.flatMap((item) => (item.kind === 'user' ? [item.messageId] : [])))
  return { ...state, outgoing: state.outgoing.filter(({ id }) => !stored.has(id)) }
}

function without(state: State, id: string): State {
  return { ...state, outgoing: state.outgoing.filter((message) => message.id !== id) }
}

function withNotice(state: State, notice: Item): State {
  const { transcript } = state
  return transcript === undefined
    ? { ...state, hint: notice.kind === 'notice' ? notice.text : state.hint }
    : { ...state, transcript: { ...transcript, items: [...transcript.items, notice] } }
}
