import type { ReadonlySignal } from '@preact/signals'
import type { ClientFrame, ServerFrame } from 'openpista/protocol'
import { type Connection, type ConnectionParts, connect } from './connection.ts'
import { watchGaps } from './gap-watch.ts'
import type { Keep } from './keep.ts'
import { unsent, type View, type ViewEvent } from './view.ts'

/** The line to the gateway with what the protocol asks of a client: hello, catching up, sending what waited. */
export type Line = {
  /** Sends now, or says that it could not. */
  say: (frame: ClientFrame) => boolean
  /** Sends what waits, once the gateway has said which session is open. */
  sendWaiting: () => void
  /** Connects now instead of waiting. */
  hurry: () => void
  close: () => void
}

export type LineParts = Omit<ConnectionParts, 'hello' | 'onFrame' | 'onLink'> & {
  keep: Keep
  view: ReadonlySignal<View>
  dispatch: (event: ViewEvent) => void
}

const PROTOCOL = 1

export function createLine({ keep, view, dispatch, ...parts }: LineParts): Line {
  let isWelcome = false
  const way = createWayIn({ keep, view, dispatch })

  const sendWaiting = () => {
    if (!isWelcome) return
    for (const { id, text } of unsent(view.value)) connection.send({ type: 'message', id, text })
  }
  const onFrame = (frame: ServerFrame) => {
    const next = isWelcome && frame.type !== 'welcome' ? undefined : way.next(frame)
    if (next !== undefined) {
      for (const each of next) connection.send(each)
      return
    }
    dispatch({ type: 'frame', frame })
    if (frame.type === 'welcome') {
      isWelcome = true
      keep.setSession(frame.sessionId)
      sendWaiting()
    }
    if (CHANGES_LIST.has(frame.type)) connection.send({ type: 'session.list' })
    gaps.look()
  }
  const gaps = watchGaps({
    missing: () => missingSeq(view.value),
    askForHistory: () => {
      way.wantHistory()
      connection.restart()
    },
    skip: () => dispatch({ type: 'gap.skipped' }),
  })
  const connection: Connection = connect({
    ...parts,
    hello: () => {
      isWelcome = false
      return way.hello()
    },
    onFrame,
    onLink: (link) => dispatch({ type: 'link', link }),
  })

  return {
    say: (frame) => connection.send(frame),
    sendWaiting,
    hurry: () => connection.hurry(),
    close: () => {
      gaps.stop()
      connection.close()
    },
  }
}

/** The way into a session, from hello to the welcome that is shown. */
function createWayIn({ keep, view, dispatch }: Pick<LineParts, 'keep' | 'view' | 'dispatch'>) {
  let wantsHistory = false
  let wantsNewSession = false
  return {
    wantHistory: () => {
      wantsHistory = true
    },
    hello: (): Extract<ClientFrame, { type: 'hello' }> => {
      const { transcript } = view.value
      const sessionId = transcript?.sessionId ?? keep.session()
      return {
        type: 'hello',
        protocol: PROTOCOL,
        clientId: keep.clientId,
        ...(sessionId === undefined ? {} : { sessionId }),
        ...(transcript === undefined || wantsHistory ? {} : { lastSeq: transcript.seq }),
      }
    },
    /** What to say to a frame that is only of the way and not to be seen; `undefined` for all others. */
    next: (frame: ServerFrame): ClientFrame[] | undefined => {
      if (frame.type === 'error' && frame.code === 'SESSION_NOT_FOUND') {
        // Another session follows, perhaps one full of other things; what waits here must not end up in it.
        dispatch({ type: 'session.lost' })
        wantsNewSession = true
        return []
      }
      if (frame.type !== 'welcome') return undefined
      if (wantsNewSession) {
        wantsNewSession = false
        return [{ type: 'session.new' }]
      }
      // A gateway that has less than this page remembers: only its whole history is the truth.
      if (isBehind(frame, view.value)) return [{ type: 'session.open', sessionId: frame.sessionId }]
      wantsHistory = false
      return undefined
    },
  }
}

const CHANGES_LIST: ReadonlySet<ServerFrame['type']> = new Set(['welcome', 'message.stored', 'turn.finished'])

/** True for an answer to `lastSeq` by a gateway that has not seen that many frames itself. */
function isBehind(frame: Extract<ServerFrame, { type: 'welcome' }>, view: View): boolean {
  const known = view.transcript?.sessionId === frame.sessionId ? view.transcript.seq : 0
  return frame.history === undefined && frame.seq < known
}

/** The number of the first frame that later ones wait for. */
function missingSeq({ transcript }: View): number | undefined {
  return transcript === undefined || transcript.held.length === 0 ? undefined : transcript.seq + 1
}
