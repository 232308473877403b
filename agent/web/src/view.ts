import type { ServerFrame, SessionFrame, SessionView } from 'openpista/protocol'
import type { Link } from './connection.ts'
import { emptyTranscript, fromHistory, receive, skipGap, type Transcript } from './transcript.ts'

/**
 * A message of this client that has not come back as `message.stored`. `waiting`: kept and sent again until the
 * gateway says that it has it. `accepted`: the gateway has it. `refused`: it said why not.
 */
export type Outgoing = {
  id: string
  text: string
  /** Absent until the first welcome tells which session this client has. */
  sessionId?: string
  state: 'waiting' | 'accepted' | 'refused'
  error?: string
}

export type Decision = 'approve' | 'reject' | 'allow_for_session'

/** Everything the screen shows. */
export type View = {
  link: Link
  transcript: Transcript | undefined
  outgoing: readonly Outgoing[]
  /** Decisions that were sent and not yet answered, by card. */
  answers: Readonly<Record<string, Decision>>
  sessions: readonly SessionView[]
  model: string | undefined
  hint: string | undefined
  /** What went wrong last, in words. */
  fault: { message: string; hint?: string } | undefined
}

export type ViewEvent =
  | { type: 'frame'; frame: ServerFrame }
  | { type: 'link'; link: Link }
  | { type: 'queued'; message: { id: string; text: string } }
  | { type: 'discarded'; id: string }
  | { type: 'retried'; id: string }
  | { type: 'answered'; cardId: string; decision: Decision }
  | { type: 'session.lost' }
  | { type: 'gap.skipped' }
  | { type: 'fault.closed' }

export function initialView(outgoing: readonly Outgoing[]): View {
  return {
    link: { state: 'connecting' },
    transcript: undefined,
    outgoing,
    answers: {},
    sessions: [],
    model: undefined,
    hint: undefined,
    fault: undefined,
  }
}

/** The next view. Pure; the same frames in any order, doubled or replayed, end in the same view. */
export function reduce(view: View, event: ViewEvent): View {
  switch (event.type) {
    case 'frame':
      return onFrame(view, event.frame)
    case 'link':
      // An answer that was on its way when the line broke may be lost: the buttons come back.
      return { ...view, link: event.link, answers: event.link.state === 'connected' ? view.answers : {} }
    case 'queued': {
      const sessionId = view.transcript?.sessionId
      const message: Outgoing = {
        ...event.message,
        state: 'waiting',
        ...(sessionId === undefined ? {} : { sessionId }),
      }
      return { ...view, outgoing: [...view.outgoing, message] }
    }
    case 'discarded':
      return { ...view, outgoing: view.outgoing.filter(({ id }) => id !== event.id) }
    case 'retried':
      return setOutgoing(view, event.id, { state: 'waiting' })
    case 'answered':
      return { ...view, answers: { ...view.answers, [event.cardId]: event.decision } }
    case 'gap.skipped':
      return { ...view, transcript: view.transcript && skipGap(view.transcript) }
    case 'session.lost': {
      const outgoing = view.outgoing.map(({ sessionId: _, ...message }) => message)
      return { ...view, transcript: undefined, outgoing }
    }
    case 'fault.closed':
      return { ...view, fault: undefined }
  }
}

/** Messages to send now: those of the open session that the gateway has not taken. */
export function unsent(view: View): Outgoing[] {
  const sessionId = view.transcript?.sessionId
  if (sessionId === undefined) return []
  return view.outgoing.filter((message) => message.state === 'waiting' && message.sessionId === sessionId)
}

function onFrame(view: View, frame: ServerFrame): View {
  switch (frame.type) {
    case 'welcome':
      return onWelcome(view, frame)
    case 'message.accepted':
      return setOutgoing(view, frame.id, { state: 'accepted' })
    case 'session.listed':
      return { ...view, sessions: [...frame.sessions].sort((a, b) => b.updatedAt - a.updatedAt) }
    case 'pong':
      return view
    case 'error':
      return onError(view, frame)
    default:
      return onSessionFrame(view, frame)
  }
}

function onWelcome(view: View, frame: Extract<ServerFrame, { type: 'welcome' }>): View {
  const { sessionId } = frame
  const known = view.transcript?.sessionId === sessionId ? view.transcript : emptyTranscript(sessionId)
  const transcript = frame.history === undefined ? { ...known } : fromHistory(frame, frame.history)
  const told = new Set(transcript.items.flatMap((item) => (item.kind === 'user' ? [item.messageId] : [])))
  const outgoing = view.outgoing
    .map((message): Outgoing => (message.sessionId === undefined ? { ...message, sessionId } : message))
    .filter((message) => !told.has(message.id))
    .filter((message) => message.state !== 'accepted' || frame.history === undefined)
  return { ...view, transcript, outgoing, answers: {}, model: frame.model, hint: frame.hint, fault: undefined }
}

function onError(view: View, frame: Extract<ServerFrame, { type: 'error' }>): View {
  const about = frame.id
  if (about !== undefined && view.outgoing.some(({ id }) => id === about)) {
    return setOutgoing(view, about, { state: 'refused', error: frame.message })
  }
  const fault = { message: frame.message, ...(frame.hint === undefined ? {} : { hint: frame.hint }) }
  return { ...view, answers: {}, fault }
}

function onSessionFrame(view: View, frame: SessionFrame): View {
  if (view.transcript === undefined) return view
  const transcript = receive(view.transcript, frame)
  if (transcript === view.transcript) return view
  const told = new Set(transcript.items.flatMap((item) => (item.kind === 'user' ? [item.messageId] : [])))
  const outgoing = view.outgoing.some(({ id }) => told.has(id))
    ? view.outgoing.filter(({ id }) => !told.has(id))
    : view.outgoing
  return { ...view, transcript, outgoing }
}

function setOutgoing(view: View, id: string, change: Partial<Outgoing>): View {
  return {
    ...view,
    outgoing: view.outgoing.map((message) => (message.id === id ? { ...message, ...change } : message)),
  }
}
