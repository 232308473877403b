import { type ReadonlySignal, signal } from '@preact/signals'
import type { ClientFrame, ServerFrame } from 'openpista/protocol'
import { type Connection, type ConnectionParts, connect } from './connection.ts'
import type { Keep } from './keep.ts'
import { type Decision, initialView, reduce, unsent, type View, type ViewEvent } from './view.ts'

/** The chat, without its screen: what is to be seen, and everything a person can do. */
export type Client = {
  view: ReadonlySignal<View>
  send: (text: string) => void
  /** Sends a refused message again. */
  retry: (messageId: string) => void
  discard: (messageId: string) => void
  answer: (cardId: string, decision: Decision) => void
  /** Stops the running turn. */
  cancel: () => void
  newSession: () => void
  openSession: (sessionId: string) => void
  /** Another one is opened when it is the open one. */
  deleteSession: (sessionId: string) => void
  closeFault: () => void
  /** Connects now instead of waiting. */
  reconnect: () => void
  close: () => void
}

export type ClientParts = Pick<ConnectionParts, 'url' | 'isOnline' | 'isLockedOut' | 'random'> & {
  keep: Keep
  newId: () => string
}

const PROTOCOL = 1
/** A frame that is still missing after this long was lost: connecting again brings it. */
const GAP_PATIENCE_MS = 2_000

export function createClient(parts: ClientParts): Client {
  const { keep } = parts
  const view = signal(initialView(keep.outgoing()))
  let gapTimer: ReturnType<typeof setTimeout> | undefined
  let sawWelcome = false
  let wantsHistory = false
  let askedFor: number | undefined
  let wantsNewSession = false

  const dispatch = (event: ViewEvent) => {
    const before = view.value
    view.value = reduce(before, event)
    if (view.value.outgoing !== before.outgoing) keep.setOutgoing(view.value.outgoing)
  }
  const say = (frame: ClientFrame) => connection.send(frame)
  const hello = (): Extract<ClientFrame, { type: 'hello' }> => {
    sawWelcome = false
    const transcript = view.value.transcript
    const sessionId = transcript?.sessionId ?? keep.session()
    return {
      type: 'hello',
      protocol: PROTOCOL,
      clientId: keep.clientId,
      ...(sessionId === undefined ? {} : { sessionId }),
      ...(transcript === undefined || wantsHistory ? {} : { lastSeq: transcript.seq }),
    }
  }
  const sendWaiting = () => {
    for (const { id, text } of unsent(view.value)) say({ type: 'message', id, text })
  }
  const onFrame = (frame: ServerFrame) => {
    if (!sawWelcome && frame.type === 'error' && frame.code === 'SESSION_NOT_FOUND') {
      // Another session follows, perhaps one full of other things; what waits here must not end up in it.
      dispatch({ type: 'session.lost' })
      wantsNewSession = true
      return
    }
    if (frame.type === 'welcome' && wantsNewSession) {
      wantsNewSession = false
      say({ type: 'session.new' })
      return
    }
    if (frame.type === 'welcome' && isBehind(frame, view.value)) {
      // The gateway has less than this page remembers: only its whole history is the truth.
      say({ type: 'session.open', sessionId: frame.sessionId })
      return
    }
    dispatch({ type: 'frame', frame })
    if (frame.type === 'welcome') {
      sawWelcome = true
      wantsHistory = false
      keep.setSession(frame.sessionId)
      sendWaiting()
    }
    if (frame.type === 'welcome' || frame.type === 'turn.finished' || frame.type === 'message.stored') {
      say({ type: 'session.list' })
    }
    watchGap()
  }
  const watchGap = () => {
    if (missingSeq(view.value) === undefined || gapTimer !== undefined) return
    gapTimer = setTimeout(() => {
      gapTimer = undefined
      const missing = missingSeq(view.value)
      if (missing === undefined) return
      if (missing === askedFor) {
        // The whole history has not closed the gap either: nobody has these frames.
        dispatch({ type: 'gap.skipped' })
      } else {
        askedFor = missing
        wantsHistory = true
        connection.restart()
      }
    }, GAP_PATIENCE_MS)
  }
  const connection: Connection = connect({
    url: parts.url,
    isOnline: parts.isOnline,
    isLockedOut: parts.isLockedOut,
    random: parts.random,
    hello,
    onFrame,
    onLink: (link) => dispatch({ type: 'link', link }),
  })

  return {
    view,
    send: (text) => {
      const message = { id: parts.newId(), text }
      dispatch({ type: 'queued', message })
      if (sawWelcome) say({ type: 'message', ...message })
    },
    retry: (id) => {
      dispatch({ type: 'retried', id })
      sendWaiting()
    },
    discard: (id) => dispatch({ type: 'discarded', id }),
    answer: (cardId, decision) => {
      if (say({ type: 'approval.answer', cardId, decision })) dispatch({ type: 'answered', cardId, decision })
    },
    cancel: () => say({ type: 'cancel' }),
    newSession: () => say({ type: 'session.new' }),
    openSession: (sessionId) => say({ type: 'session.open', sessionId }),
    deleteSession: (sessionId) => say({ type: 'session.delete', sessionId }),
    closeFault: () => dispatch({ type: 'fault.closed' }),
    reconnect: () => connection.hurry(),
    close: () => {
      clearTimeout(gapTimer)
      connection.close()
    },
  }
}

/** True for an answer to `lastSeq` by a gateway that has not seen that many frames itself. */
function isBehind(frame: Extract<ServerFrame, { type: 'welcome' }>, view: View): boolean {
  const known = view.transcript?.sessionId === frame.sessionId ? view.transcript.seq : 0
  return frame.history === undefined && frame.seq < known
}

/** The number of the first frame that later ones wait for. */
function missingSeq({ transcript }: View): number | undefined {
  return transcript === undefined || transcript.held.length === 0 ? undefined : transcript.seq + 1
}
