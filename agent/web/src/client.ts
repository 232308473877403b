import { type ReadonlySignal, signal } from '@preact/signals'
import { ownCommand } from './commands.ts'
import type { ConnectionParts } from './connection.ts'
import type { Keep } from './keep.ts'
import { createLine } from './line.ts'
import { type Decision, initialView, reduce, type View, type ViewEvent } from './view.ts'

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

export function createClient({ newId, ...parts }: ClientParts): Client {
  const { keep } = parts
  const view = signal(initialView(keep.outgoing()))
  const dispatch = (event: ViewEvent) => {
    const before = view.value
    view.value = reduce(before, event)
    if (view.value.outgoing !== before.outgoing) keep.setOutgoing(view.value.outgoing)
  }
  const line = createLine({ ...parts, view, dispatch })
  const { say } = line
  return {
    view,
    send: (text) => {
      const own = ownCommand(text)
      // Without a connection the words wait like all others, and the gateway answers them.
      if (own !== undefined && say(own)) return
      dispatch({ type: 'queued', message: { id: newId(), text } })
      line.sendWaiting()
    },
    retry: (id) => {
      dispatch({ type: 'retried', id })
      line.sendWaiting()
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
    reconnect: line.hurry,
    close: line.close,
  }
}
