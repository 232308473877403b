import type { SessionView } from 'openpista/protocol'
import { useState } from 'preact/hooks'
import { timeAgo } from '../text.ts'
import { Icon, Mark } from './icons.tsx'

/** Sessions, the newest first; a new one; and which model answers. */
export function Sidebar(props: {
  sessions: readonly SessionView[]
  openId: string | undefined
  model: string | undefined
  /** Whether the gateway has told about itself. */
  isKnown: boolean
  isOpen: boolean
  isConnected: boolean
  onClose: () => void
  onNew: () => void
  onOpen: (sessionId: string) => void
  onDelete: (sessionId: string) => void
}) {
  const { sessions, openId, isConnected } = props
  return (
    <nav class="sidebar" data-open={props.isOpen} aria-label="Sessions">
      <div class="sidebar-head">
        <span class="brand">
          <Mark /> openpista
        </span>
        <button type="button" class="icon-button only-narrow" aria-label="Close the list" onClick={props.onClose}>
          <Icon name="close" />
        </button>
      </div>
      <button type="button" class="button new-session" data-look="quiet" disabled={!isConnected} onClick={props.onNew}>
        <Icon name="plus" /> New session
      </button>
      <ul class="sessions">
        {sessions.map((session) => (
          <SessionRow
            key={session.id}
            session={session}
            isCurrent={session.id === openId}
            isConnected={isConnected}
            onOpen={props.onOpen}
            onDelete={props.onDelete}
          />
        ))}
      </ul>
      {props.isKnown ? <ModelName model={props.model} /> : null}
    </nav>
  )
}

function ModelName({ model }: { model: string | undefined }) {
  return (
    <p class="model">
      <span class="model-dot" data-on={model !== undefined} /> {model ?? 'No model; commands work'}
    </p>
  )
}

function SessionRow(props: {
  session: SessionView
  isCurrent: boolean
  isConnected: boolean
  onOpen: (sessionId: string) => void
  onDelete: (sessionId: string) => void
}) {
  const { session, isCurrent, isConnected } = props
  const [asks, setAsks] = useState(false)
  const title = session.title || 'Untitled'
  if (asks) {
    return (
      <li class="session" data-asks="true">
        <span class="session-ask">Delete this session?</span>
        <button type="button" class="text-button" data-look="danger" onClick={() => props.onDelete(session.id)}>
          Delete
        </button>
        <button type="button" class="text-button" onClick={() => setAsks(false)}>
          Keep
        </button>
      </li>
    )
  }
  return (
    <li class="session" data-open={isCurrent}>
      <button
        type="button"
        class="session-open"
        aria-current={isCurrent ? 'true' : undefined}
        disabled={!isConnected}
        onClick={() => props.onOpen(session.id)}
      >
        <span class="session-title">{title}</span>
        <span class="session-when">
          {session.channel} · {timeAgo(session.updatedAt, Math.floor(Date.now() / 1000))}
        </span>
      </button>
      <button
        type="button"
        class="icon-button session-delete"
        aria-label={`Delete ${title}`}
        disabled={!isConnected}
        onClick={() => setAsks(true)}
      >
        <Icon name="trash" />
      </button>
    </li>
  )
}
