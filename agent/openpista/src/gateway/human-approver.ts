import { newId } from '@openpista/common'
import type { ApprovalAnswer, ApprovalQuestion, Approver } from '../approvals/approver.ts'
import { oddText } from '../domain/odd-text.ts'
import { oneLine } from '../domain/one-line.ts'
import { sourceView } from '../domain/source-view.ts'
import type { Card } from '../protocol/index.ts'
import type { Cards } from './cards.ts'

export type Decision = 'approve' | 'reject' | 'allow_for_session'

/** The person at the end of the approval chain: asks with a card on the session's channel, silence means no. */
export type HumanApprover = Approver & {
  /** Asks whether a limit may be exceeded. Only a yes is a yes. */
  confirm: (question: LimitQuestion, signal: AbortSignal) => Promise<boolean>
  /** The owner's answer from that session. False: no such card waits there, or it does not offer this. */
  answer: (sessionId: string, cardId: string, decision: Decision, by: string) => boolean
}

/** A limit was reached in a turn, in words for a person. */
export type LimitQuestion = {
  sessionId: string
  turnId: string
  channel: string
  title: string
  facts: { label: string; value: string }[]
  reason: string
}

export type HumanApproverParts = {
  cards: Cards
  now: () => number
  /** How long a card waits on a channel. */
  approvalSeconds: (channel: string) => number
  /** Why a question is asked, and whether an answer may hold for the session. */
  judge: (question: ApprovalQuestion) => { reason: string; remember: boolean }
}

export function createHumanApprover({ cards, now, approvalSeconds, judge }: HumanApproverParts): HumanApprover {
  const open = new Map<string, { sessionId: string; card: Card; answer: (answer: Answer) => void }>()

  async function askCard(place: Place, card: Card, seconds: number, signal: AbortSignal): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const timer = setTimeout(() => resolve({ decision: 'timeout', by: 'timeout' }), seconds * 1000)
    const onAbort = () => resolve({ decision: 'cancelled', by: 'cancel' })
    signal.addEventListener('abort', onAbort, { once: true })
    open.set(card.id, { sessionId: place.sessionId, card, answer: resolve })
    try {
      await cards.post(place.sessionId, place.turnId, card)
      const answer = signal.aborted ? { decision: 'cancelled' as const, by: 'cancel' } : await promise
      open.delete(card.id)
      await cards.resolve(card.id, OUTCOMES[answer.decision], answer.by)
      return answer
    } finally {
      open.delete(card.id)
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  const expiry = (seconds: number) => Math.ceil(now() / 1000 + seconds)

  async function ask(question: ApprovalQuestion, signal: AbortSignal): Promise<ApprovalAnswer> {
    const seconds = approvalSeconds(question.channel)
    const card = toolCard(question, judge(question), expiry(seconds))
    return approvalAnswer(await askCard(question, card, seconds, signal), seconds)
  }

  async function confirm(question: LimitQuestion, signal: AbortSignal): Promise<boolean> {
    const seconds = approvalSeconds(question.channel)
    const answer = await askCard(question, limitCard(question, expiry(seconds)), seconds, signal)
    return answer.decision === 'approve'
  }

  return {
    ask,
    confirm,
    answer: (sessionId, cardId, decision, by) => {
      const waiting = open.get(cardId)
      if (waiting === undefined || waiting.sessionId !== sessionId) return false
      if (!waiting.card.buttons.some((button) => button.decision === decision)) return false
      open.delete(cardId)
      waiting.answer({ decision, by })
      return true
    },
  }
}

type Place = { sessionId: string; turnId: string }

type Answer = { decision: Decision | 'timeout' | 'cancelled'; by: string }

const OUTCOMES = {
  approve: 'approved',
  reject: 'rejected',
  allow_for_session: 'allowed_for_session',
  timeout: 'expired',
  cancelled: 'cancelled',
} as const

function approvalAnswer({ decision, by }: Answer, seconds: number): ApprovalAnswer {
  switch (decision) {
    case 'approve':
      return { decision: 'allow', by }
    case 'allow_for_session':
      return { decision: 'allow_for_session', by }
    case 'reject':
      return { decision: 'deny', by, reason: 'Tool call rejected by user' }
    case 'timeout':
      return { decision: 'deny', by, reason: `Tool call rejected: nobody answered within ${seconds} s.` }
    case 'cancelled':
      return { decision: 'deny', by, reason: 'Tool call rejected: the turn was cancelled.' }
  }
}

const RISK_WORDS = {
  read: 'It looks at something.',
  write: 'It changes files.',
  exec: 'It runs a program.',
  spend: 'It moves money.',
  send: 'It speaks to others in your name.',
} as const

function toolCard(question: ApprovalQuestion, why: { reason: string; remember: boolean }, expiresAt: number): Card {
  const { call, summary, scope, risk, untrusted, sender, note, worker } = question
  const mayRemember = why.remember && note === undefined
  const values = Object.entries(call.arguments).map(([label, value]) => ({
    label,
    value: typeof value === 'string' ? value : JSON.stringify(value),
    tone: 'code' as const,
  }))
  return {
    id: newId(),
    kind: 'tool',
    title: `${call.name}: ${summary}`,
    facts: [
      ...values,
      ...values.flatMap(({ label, value }) => {
        const odd = oddText(value)
        return odd === undefined ? [] : [{ label: `careful: ${label}`, value: odd, tone: 'warning' as const }]
      }),
    ],
    reason: `${worker === undefined ? '' : `The worker '${worker}' asks. `}${RISK_WORDS[risk]} ${note ?? why.reason}${mayRemember ? ` For the session means: ${oneLine(scope)}` : ''}`,
    sources: [sender, ...untrusted].map(sourceView),
    buttons: [
      { decision: 'approve', label: 'Approve' },
      ...(mayRemember ? [{ decision: 'allow_for_session' as const, label: 'Allow for session' }] : []),
      { decision: 'reject', label: 'Reject' },
    ],
    expiresAt,
  }
}

function limitCard({ title, facts, reason }: LimitQuestion, expiresAt: number): Card {
  return {
    id: newId(),
    kind: 'limit',
    title,
    facts: facts.map((fact) => ({ ...fact, tone: 'plain' as const })),
    reason,
    sources: [sourceView({ kind: 'system' })],
    buttons: [
      { decision: 'approve', label: 'Go on' },
      { decision: 'reject', label: 'Stop' },
    ],
    expiresAt,
  }
}
