import { memo } from 'preact/compat'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { visible } from '../text.ts'
import type { Item, TurnEnd } from '../transcript.ts'
import { openCards } from '../transcript.ts'
import type { Decision, Outgoing, View } from '../view.ts'
import { ApprovalCard, Copyable } from './approval-card.tsx'
import { Icon, type IconName } from './icons.tsx'
import { MarkdownText } from './markdown-text.tsx'
import { ToolRow } from './tool-row.tsx'

type Actions = {
  onAnswer: (cardId: string, decision: Decision) => void
  onRetry: (id: string) => void
  onDiscard: (id: string) => void
}

/** The open session from top to bottom. Stays at the end while the reader is there, else offers the way back. */
export function Conversation({ view, ...actions }: { view: View } & Actions) {
  const { transcript, outgoing } = view
  const box = useRef<HTMLDivElement>(null)
  const end = useStickToEnd(box, [transcript, outgoing])
  if (transcript === undefined) return <div class="conversation" ref={box} />
  const waiting = outgoing.filter(({ sessionId }) => sessionId === transcript.sessionId)
  const cards = openCards(transcript)
  return (
    <div class="conversation" ref={box} role="log" aria-live="off" aria-label="Conversation">
      <div class="column">
        {transcript.items.map((item) => (
          <OneItem key={item.key} item={item} view={view} {...actions} />
        ))}
        {waiting.map((message) => (
          <Unsent key={message.id} message={message} {...actions} />
        ))}
        {transcript.running !== false && cards.length === 0 ? <Working items={transcript.items} /> : null}
      </div>
      {end.isAway ? (
        <button type="button" class="to-end" onClick={end.go} data-urgent={cards.length > 0}>
          <Icon name="down" /> {cards.length > 0 ? 'Waiting for you' : 'Latest'}
        </button>
      ) : null}
    </div>
  )
}

function OneItem({ item, view, onAnswer }: { item: Item; view: View } & Actions) {
  switch (item.kind) {
    case 'user':
      return <UserMessage item={item} />
    case 'answer':
      return <MarkdownText text={item.text} />
    case 'tool':
      return <ToolRow tool={item} />
    case 'card':
      return (
        <ApprovalCard
          item={item}
          pending={view.answers[item.card.id]}
          isConnected={view.link.state === 'connected'}
          onAnswer={onAnswer}
        />
      )
    case 'notice':
      return <Notice tone={item.tone} text={item.text} />
    case 'end':
      return <Notice {...ends[item.status]} />
  }
}

const UserMessage = memo(function UserMessage({ item }: { item: Extract<Item, { kind: 'user' }> }) {
  return (
    <div class="user" data-trusted={item.source.trusted}>
      {item.source.trusted ? null : (
        <p class="user-source">
          <Icon name="warning" /> {visible(item.source.label)}
        </p>
      )}
      <div class="bubble">{item.text}</div>
    </div>
  )
})

function Unsent({ message, onRetry, onDiscard }: { message: Outgoing } & Actions) {
  return (
    <div class="user" data-state={message.state}>
      <div class="bubble">{message.text}</div>
      {message.state === 'refused' ? (
        <p class="user-state" role="alert">
          Not taken: {message.error}{' '}
          <button type="button" class="text-button" onClick={() => onRetry(message.id)}>
            Try again
          </button>{' '}
          <button type="button" class="text-button" onClick={() => onDiscard(message.id)}>
            Discard
          </button>
        </p>
      ) : (
        <p class="user-state">{message.state === 'accepted' ? 'Received' : 'Sending …'}</p>
      )}
    </div>
  )
}

/** Shown only while nothing else moves: a running tool or text that grows says it already. */
function Working({ items }: { items: readonly Item[] }) {
  const last = items.at(-1)
  if (last?.kind === 'tool' && last.status === 'running') return null
  return (
    <p class="working" data-quiet={last?.kind === 'answer'}>
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span class="unseen">Working</span>
    </p>
  )
}

type Tone = Extract<Item, { kind: 'notice' }>['tone']

const noticeIcons: Record<Tone, IconName> = { info: 'info', success: 'check', warning: 'warning', error: 'cross' }

const ends: Record<TurnEnd, { tone: Tone; text: string }> = {
  stop: { tone: 'info', text: 'Done.' },
  aborted: { tone: 'info', text: 'Stopped.' },
  error: { tone: 'error', text: 'This answer ended with an error. You can ask again.' },
  limit: { tone: 'warning', text: 'Stopped at a limit. Say "go on" to continue.' },
}

function Notice({ tone, text }: { tone: Tone; text: string }) {
  return (
    <div class="notice" data-tone={tone}>
      <Icon name={noticeIcons[tone]} />
      <p>
        <Copyable text={visible(text)} />
      </p>
    </div>
  )
}

const NEAR_PX = 80

function useStickToEnd(box: { current: HTMLDivElement | null }, changes: readonly unknown[]) {
  const isNear = useRef(true)
  const [isAway, setAway] = useState(false)
  const go = () => {
    const element = box.current
    if (element !== null) element.scrollTop = element.scrollHeight
  }
  useEffect(() => {
    const element = box.current
    if (element === null) return
    const look = () => {
      isNear.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX
      setAway(!isNear.current)
    }
    const keep = () => {
      if (isNear.current) element.scrollTop = element.scrollHeight
      else look()
    }
    const sizes = new ResizeObserver(keep)
    sizes.observe(element)
    for (const child of element.children) sizes.observe(child)
    element.addEventListener('scroll', look, { passive: true })
    return () => {
      sizes.disconnect()
      element.removeEventListener('scroll', look)
    }
  }, [box, changes[0] === undefined])
  useLayoutEffect(() => {
    if (isNear.current) go()
  }, [...changes])
  return { isAway, go }
}
