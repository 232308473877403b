import type { Card, CardOutcome, SourceView } from 'openpista/protocol'
import type { ComponentChildren } from 'preact'
import { safeHref } from '../markdown.ts'
import { splitCopyable, timeLeft, visible } from '../text.ts'
import type { Item } from '../transcript.ts'
import type { Decision } from '../view.ts'
import { CopyButton } from './copy-button.tsx'
import { Icon } from './icons.tsx'
import { useSeconds } from './use-seconds.ts'

type Answer = (cardId: string, decision: Decision) => void

/** Something that waits for the owner, with everything he decides by. Money looks unlike anything else. */
export function ApprovalCard(props: {
  item: Extract<Item, { kind: 'card' }>
  pending: Decision | undefined
  isConnected: boolean
  onAnswer: Answer
}) {
  const { card, outcome, by } = props.item
  const isOpen = outcome === undefined
  const now = useSeconds(isOpen)
  const isOver = isOpen && now >= card.expiresAt
  const strangers = card.sources.filter(({ trusted }) => !trusted)
  const titleId = `card-${card.id}`
  return (
    <article
      class="card"
      data-kind={card.kind}
      data-strangers={strangers.length > 0}
      data-state={outcome ?? (isOver ? 'expired' : 'open')}
      aria-labelledby={titleId}
      data-card={card.id}
    >
      <header class="card-head">
        <Icon name={card.kind === 'payment' ? 'coin' : 'shield'} />
        <span class="card-kind">{kinds[card.kind]}</span>
        {isOpen ? <Countdown left={card.expiresAt - now} /> : null}
      </header>
      {isOpen && strangers.length > 0 ? <Strangers sources={strangers} /> : null}
      <div class="card-body">
        <h3 id={titleId} class="card-title">
          {visible(card.title)}
        </h3>
        {isOpen ? (
          <Grounds card={card} />
        ) : (
          <details>
            <summary>Details</summary>
            <Grounds card={card} />
          </details>
        )}
      </div>
      <footer class="card-foot">
        {isOpen && !isOver ? <Buttons {...props} card={card} /> : <Result outcome={outcome ?? 'expired'} by={by} />}
      </footer>
    </article>
  )
}

const kinds: Record<Card['kind'], string> = { tool: 'Permission', limit: 'Limit', payment: 'Payment' }

/** Why it asks, what exactly it is, who wanted it. */
function Grounds({ card }: { card: Card }) {
  return (
    <>
      <p class="card-reason">{visible(card.reason)}</p>
      <Facts facts={card.facts} />
      <p class="card-origin">Asked for by: {card.sources.map(({ label }) => visible(label)).join(', ')}</p>
      {card.shortCode === undefined ? null : <ShortCode code={card.shortCode} />}
    </>
  )
}

function Countdown({ left }: { left: number }) {
  if (left <= 0) return <span class="card-time">Time is over</span>
  return (
    <span class="card-time" data-soon={left <= 15} role="timer">
      {timeLeft(left)} left
    </span>
  )
}

/** Somebody else's words led to this. */
function Strangers({ sources }: { sources: readonly SourceView[] }) {
  return (
    <div class="card-strangers" role="note">
      <Icon name="warning" />
      <div>
        <strong>Somebody else may be behind this</strong>
        <ul>
          {sources.map((source, index) => (
            <li key={index}>
              {visible(source.label)}
              {source.detail === undefined ? null : <span class="detail"> {visible(source.detail)}</span>}
            </li>
          ))}
        </ul>
      </div>
    </div>
  )
}

function Facts({ facts }: { facts: Card['facts'] }) {
  return (
    <dl class="facts">
      {facts.map((fact, index) => (
        <div key={index} data-tone={fact.tone ?? 'plain'}>
          <dt>{fact.label}</dt>
          <dd>
            <Copyable text={visible(fact.value)} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** Text in which hashes and addresses can be copied. */
export function Copyable({ text }: { text: string }) {
  return splitCopyable(text).map((piece, index): ComponentChildren => {
    if (!piece.copyable) return piece.text
    return (
      <span key={index} class="copyable">
        <code>{piece.text}</code>
        <CopyButton text={piece.text} label="Copy" />
      </span>
    )
  })
}

function ShortCode({ code }: { code: string }) {
  return (
    <div class="card-code">
      <span class="card-code-value">{visible(code)}</span>
      <span>The signing page must show the same code.</span>
    </div>
  )
}

function Buttons(props: { card: Card; pending: Decision | undefined; isConnected: boolean; onAnswer: Answer }) {
  const { card, pending, isConnected, onAnswer } = props
  if (pending !== undefined) {
    return (
      <p class="card-wait" role="status">
        <span class="spinner" /> {pending === 'reject' ? 'Rejecting' : 'Approving'} …
      </p>
    )
  }
  return (
    <>
      <div class="card-buttons">
        {card.buttons.map((button) => {
          if (button.decision === 'open') return <OpenLink key="open" url={button.url} label={button.label} />
          const { decision } = button
          return (
            <button
              key={decision}
              type="button"
              class="button"
              data-look={looks[decision]}
              disabled={!isConnected}
              onClick={() => onAnswer(card.id, decision)}
            >
              {button.label}
            </button>
          )
        })}
      </div>
      {isConnected ? null : <p class="card-hint">You can answer when the connection is back.</p>}
      {card.kind === 'payment' ? (
        <p class="card-hint">A chat cannot approve a payment. Only your wallet's signature on the signing page can.</p>
      ) : null}
    </>
  )
}

const looks: Record<Decision, string> = { approve: 'main', reject: 'danger', allow_for_session: 'quiet' }

function OpenLink({ url, label }: { url: string | undefined; label: string }) {
  const href = safeHref(url ?? '')
  if (href === undefined) return null
  return (
    <a class="button" data-look="main" href={href} target="_blank" rel="noopener noreferrer">
      {label} <Icon name="out" />
    </a>
  )
}

const outcomes: Record<CardOutcome, { words: string; icon: 'check' | 'cross' }> = {
  approved: { words: 'Approved', icon: 'check' },
  allowed_for_session: { words: 'Allowed for this session', icon: 'check' },
  executed: { words: 'Paid', icon: 'check' },
  rejected: { words: 'Rejected; nothing was done', icon: 'cross' },
  expired: { words: 'No answer in time; nothing was done', icon: 'cross' },
  cancelled: { words: 'Cancelled; nothing was done', icon: 'cross' },
  failed: { words: 'Failed', icon: 'cross' },
}

function Result({ outcome, by }: { outcome: CardOutcome; by: string | undefined }) {
  const { words, icon } = outcomes[outcome]
  const who = by === undefined ? undefined : decider(by)
  return (
    <p class="card-result" data-icon={icon}>
      <Icon name={icon} /> {words}
      {who === undefined ? null : <span class="detail"> · {who}</span>}
    </p>
  )
}

/** `owner:web` as a person says it; who else decided is in the words of the outcome. */
function decider(by: string): string | undefined {
  const [kind, channel] = visible(by).split(':')
  return kind === 'owner' ? `you, on ${channel ?? 'this machine'}` : undefined
}
