import type { TransactionStatus } from '@waiaas/core'
import type { Fault } from '../api.ts'
import type { Desk } from '../desk.ts'
import { visible } from '../text.ts'
import { CopyButton } from './address.tsx'
import { Icon, type IconName } from './icons.tsx'

type Words = { title: string; text: string; look: 'good' | 'bad' | 'busy' | 'calm' }

const words: Record<TransactionStatus, Words> = {
  PENDING: { title: 'Being judged', text: 'The policy has not answered yet.', look: 'busy' },
  QUEUED: { title: 'Waiting', text: 'The payment waits.', look: 'busy' },
  EXECUTING: { title: 'On its way', text: 'The wallet is signing the payment.', look: 'busy' },
  SIGNED: { title: 'On its way', text: 'The payment is signed and is being sent.', look: 'busy' },
  SUBMITTED: { title: 'On its way', text: 'The network has the payment and has not confirmed it yet.', look: 'busy' },
  CONFIRMED: { title: 'Paid', text: 'The network has confirmed the payment.', look: 'good' },
  FAILED: { title: 'Failed', text: 'The payment did not take effect. At most a network fee was spent.', look: 'bad' },
  CANCELLED: { title: 'Not paid', text: 'The payment was rejected or cancelled. Nothing was sent.', look: 'calm' },
  EXPIRED: { title: 'Not paid', text: 'Nobody approved in time. Nothing was sent.', look: 'calm' },
}

const icons: Record<Words['look'], IconName> = { good: 'check', bad: 'cross', busy: 'clock', calm: 'cross' }

/** What became of the payment. */
export function Outcome({ desk }: { desk: Extract<Desk, { step: 'decided' }> }) {
  const { progress, action } = desk
  const { title, text, look } = words[progress.status] ?? words.SUBMITTED
  const decided = action === 'approve' ? 'You approved. ' : action === 'reject' ? 'You rejected. ' : ''
  return (
    <section class="outcome" data-look={look} role="status">
      <span class="outcome-sign">{look === 'busy' ? <span class="spinner" /> : <Icon name={icons[look]} />}</span>
      <h2>{title}</h2>
      <p>
        {decided}
        {progress.outcomeUnknown === true ? 'The network does not tell yet whether it took effect.' : text}
      </p>
      {progress.error === undefined ? null : <p class="outcome-error">{visible(progress.error)}</p>}
      {progress.hash === undefined ? null : <Hash hash={progress.hash} />}
    </section>
  )
}

function Hash({ hash }: { hash: string }) {
  return (
    <p class="hash">
      <span>Transaction</span>
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
  APPROVAL_NOT_FOUND: { title: 'This payment does not wait for you', text: 'It needs no approval.' },
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
