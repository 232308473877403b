import { useEffect, useState } from 'preact/hooks'
import type { Client } from '../client.ts'
import type { Link } from '../connection.ts'
import { type Item, openCards } from '../transcript.ts'
import type { View } from '../view.ts'
import { Composer } from './composer.tsx'
import { Conversation } from './conversation.tsx'
import { Icon } from './icons.tsx'
import { LinkState } from './link-state.tsx'
import { Sidebar } from './sidebar.tsx'
import { Welcome } from './welcome.tsx'

export function App({ client }: { client: Client }) {
  const view = client.view.value
  const { transcript, link } = view
  const [draft, setDraft] = useState('')
  const [isListOpen, setListOpen] = useState(false)
  const isConnected = link.state === 'connected'
  useTitle(view)
  useEscape(isListOpen, () => setListOpen(false))

  const inList = (act: (sessionId: string) => void) => (sessionId: string) => {
    act(sessionId)
    setListOpen(false)
  }
  return (
    <div class="app">
      <Sidebar
        sessions={view.sessions}
        openId={transcript?.sessionId}
        model={view.model}
        isKnown={transcript !== undefined}
        isOpen={isListOpen}
        isConnected={isConnected}
        onClose={() => setListOpen(false)}
        onNew={() => inList(client.newSession)('')}
        onOpen={inList(client.openSession)}
        onDelete={client.deleteSession}
      />
      {isListOpen ? <div class="shade" aria-hidden="true" onClick={() => setListOpen(false)} /> : null}
      <main class="main">
        <Top view={view} isListOpen={isListOpen} onList={() => setListOpen(true)} onRetry={client.reconnect} />
        {link.state === 'locked' ? <LockedHint /> : null}
        <Fault view={view} onClose={client.closeFault} />
        {transcript === undefined ? (
          <Away link={link} />
        ) : isEmpty(view) ? (
          <Welcome model={view.model} hint={view.hint} onPick={setDraft} />
        ) : (
          <Conversation view={view} onAnswer={client.answer} onRetry={client.retry} onDiscard={client.discard} />
        )}
        <Composer
          draft={draft}
          onDraft={setDraft}
          onSend={client.send}
          onStop={client.cancel}
          isRunning={transcript !== undefined && transcript.running !== false}
          placeholder={view.model === undefined ? 'Type / for commands' : 'Ask, or type / for commands'}
        />
      </main>
      <Spoken view={view} />
    </div>
  )
}

function Top(props: { view: View; isListOpen: boolean; onList: () => void; onRetry: () => void }) {
  const { sessions, transcript, link } = props.view
  const session = sessions.find(({ id }) => id === transcript?.sessionId)
  return (
    <header class="top">
      <button
        type="button"
        class="icon-button only-narrow"
        aria-label="Sessions"
        aria-expanded={props.isListOpen}
        onClick={props.onList}
      >
        <Icon name="menu" />
      </button>
      <h1>{session?.title || 'New session'}</h1>
      <LinkState link={link} onRetry={props.onRetry} />
    </header>
  )
}

function isEmpty({ transcript, outgoing }: View): boolean {
  return transcript !== undefined && transcript.items.length === 0 && outgoing.length === 0
}

/** Before the first word of the gateway. */
function Away({ link }: { link: Link }) {
  const isAway = link.state === 'waiting' || link.state === 'offline'
  return (
    <div class="away">
      {isAway ? (
        <p>
          The gateway does not answer. Start it with <code>openpista start</code>; this page connects by itself. What
          you write meanwhile is kept and sent.
        </p>
      ) : null}
    </div>
  )
}

function LockedHint() {
  return (
    <div class="banner" role="alert">
      This browser is not signed in. Open the link that <code>openpista start</code> printed, or run{' '}
      <code>openpista link</code> for a new one.
    </div>
  )
}

function Fault({ view, onClose }: { view: View; onClose: () => void }) {
  if (view.fault === undefined) return null
  return (
    <div class="banner" role="alert">
      <span>
        {view.fault.message} {view.fault.hint}
      </span>
      <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
        <Icon name="close" />
      </button>
    </div>
  )
}

/** What a screen reader says: cards at once, the rest when the reader is ready. Streaming text is not read out. */
function Spoken({ view }: { view: View }) {
  const { transcript } = view
  const card = transcript === undefined ? undefined : openCards(transcript).at(-1)
  const last = transcript?.items.at(-1)
  const isDone = transcript?.running === false
  const polite = last === undefined ? '' : spokenWords(last, isDone)
  return (
    <div class="unseen">
      <div aria-live="assertive">{card === undefined ? '' : `Waiting for your answer: ${card.title}`}</div>
      <div aria-live="polite">{polite}</div>
    </div>
  )
}

function spokenWords(last: Item, isDone: boolean): string {
  if (last.kind === 'notice') return last.text
  if (!isDone) return ''
  const words = last.kind === 'answer' ? last.text : last.kind === 'tool' && last.isAnswer ? last.output : ''
  return words.slice(0, 500)
}

function useTitle(view: View): void {
  const waits = view.transcript !== undefined && openCards(view.transcript).length > 0
  useEffect(() => {
    document.title = waits ? '● Waiting for you · openpista' : 'openpista'
  }, [waits])
}

function useEscape(isOn: boolean, act: () => void): void {
  useEffect(() => {
    if (!isOn) return
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') act()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })
}
