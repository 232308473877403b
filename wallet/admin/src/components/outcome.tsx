import type { Notice } from '@waiaas/core'
import type { Fault } from '../api.ts'
import type { Desk } from '../desk.ts'
import { type Look, outcomeWords } from '../outcome-words.ts'
import { timeOfDay, visible } from '../text.ts'
import { CopyButton } from './address.tsx'
import { Icon, type IconName } from './icons.tsx'
import { Fact } from './payment.tsx'

const icons: Record<Exclude<Look, 'busy'>, IconName> = {
  good: 'check',
  bad: 'cross',
  calm: 'cross',
  wait: 'clock',
  warn: 'warning',
}

/** What became of the payment. */
export function Outcome({ desk }: { desk: Extract<Desk, { step: 'decided' }> }) {
  const { progress, action, refusal, lost } = desk
  const { title, paragraphs, look, hashLabel } = outcomeWords(progress, action)
  // That the owner rejected it is said already, and a notice says more than the error that stands beside it.
  const error = action === 'reject' || progress.notice !== undefined ? undefined : progress.error
  return (
    <section class="outcome" data-look={look} role="status">
      <span class="outcome-sign">{look === 'busy' ? <span class="spinner" /> : <Icon name={icons[look]} />}</span>
      <h2>{title}</h2>
      {refusal !== undefined && <p>Your answer did not count: {visible(refusal.message)}</p>}
      {action !== undefined && <p>You {action === 'approve' ? 'approved' : 'rejected'}.</p>}
      {paragraphs.map((text) => (
        <p key={text}>{text}</p>
      ))}
      {error !== undefined && error !== refusal?.message && <p>The reason: {visible(error)}</p>}
      {progress.notice !== undefined && <NoticeFacts notice={progress.notice} />}
      {progress.hash !== undefined && <Hash hash={progress.hash} label={hashLabel ?? 'Transaction'} />}
      {lost !== undefined && (
        <p class="lost">
          {visible(lost.fault.message)} This is how it was at {timeOfDay(lost.lastSeen)}.
        </p>
      )}
    </section>
  )
}

function NoticeFacts({ notice }: { notice: Notice }) {
  const { code, message, waitsFor, usually, since, nodeWords } = notice
  return (
    <dl class="facts">
      <Fact name="The wallet says">
        <span>{visible(message)}</span>
        {nodeWords !== undefined && <span class="base">A server of the network said: {visible(nodeWords)}</span>}
      </Fact>
      {/* What was written off waits for nothing. */}
      {code !== 'WRITTEN_OFF' && <Fact name="Waits for">{visible(waitsFor)}</Fact>}
      {code !== 'WRITTEN_OFF' && <Fact name="How long, usually">{visible(usually)}</Fact>}
      <Fact name="Since">{timeOfDay(since)}</Fact>
    </dl>
  )
}

function Hash({ hash, label }: { hash: string; label: string }) {
  return (
    <p class="hash">
      <span>{label}</span>
      <code>{visible(hash)}</code>
      <CopyButton text={hash} label="Copy transaction" />
    </p>
  )
}

type Explanation = { title: string; text: string }

const explanations: Readonly<Record<string, Explanation>> = {
  TX_NOT_FOUND: {
    title: 'There is no such payment',
    text: 'Check that the link is complete, and that it was made by this wallet.',
  },
  TX_ALREADY_PROCESSED: { title: 'This payment is decided already', text: 'There is nothing left to do here.' },
  APPROVAL_TIMEOUT: {
    title: 'The time to decide is over',
    text: 'Nothing was paid. If you still want the payment, ask for it again: it gets a new question.',
  },
  APPROVAL_NOT_FOUND: {
    title: 'This payment does not need your approval',
    text: 'It is paid after a delay, if the rules of the wallet still allow it then. Until then it can be cancelled.',
  },
  OWNER_NOT_CONNECTED: {
    title: 'This agent has no owner',
    text: 'The operator has to register an owner address before anybody can approve.',
  },
  RATE_LIMIT_EXCEEDED: { title: 'Too many questions', text: 'Wait a minute, then reload this page.' },
  SYSTEM_LOCKED: {
    title: 'The wallet is locked',
    text: 'The kill switch is on: nothing is paid until it is released.',
  },
  unreachable: {
    title: 'The wallet does not answer',
    text: 'Check that the wallet daemon runs on this machine, then look again.',
  },
  bad_link: { title: 'This link is not complete', text: 'Open it again from the chat, in one piece.' },
}

/** Why there is nothing to decide, and what to do next. */
export function Closed({ fault, onReload }: { fault: Fault; onReload: () => void }) {
  const { title, text } = explanations[fault.code] ?? { title: fault.message, text: fault.hint ?? 'Reload this page.' }
  return (
    <section class="outcome" data-look="calm">
      <span class="outcome-sign">
        <Icon name="warning" />
      </span>
      <h2>{title}</h2>
      <p>{text}</p>
      {fault.code === 'bad_link' ? null : (
        <button type="button" class="button" onClick={onReload}>
          Look again
        </button>
      )}
    </section>
  )
}
