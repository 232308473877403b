import type { Provenance } from '../domain/provenance.ts'
import type { Card, CardOutcome, SessionFrame } from '../protocol/index.ts'

/** A message from outside, before it is admitted. `id` is the platform's own: a redelivery carries the same. */
export type Inbound = {
  channel: string
  chat: string
  thread?: string
  user: string
  id: string
  text: string
  /**
   * True where the platform's own authentication proves that the owner wrote it, as on his machine. A messenger says
   * false: the gateway looks up who the user is.
   */
  owner: boolean
  /** The schedule that says it, which the owner made. No channel sets this. */
  schedule?: string
  /** Of a schedule: everybody else whose words the agent had before it when the text was written. */
  sources?: readonly Provenance[]
  /**
   * Words of the agent, put into another of its sessions: the task of a worker or the report of one. `sender` is
   * whose wish it is, `untrusted` everybody else whose words the agent had before it. No channel for people sets this.
   */
  work?: { kind: 'task' | 'report'; sender: Provenance; untrusted: readonly Provenance[] }
}

/** Whoever acts on a channel. */
export type InboundSender = Pick<Inbound, 'channel' | 'user' | 'owner'>

/** What the gateway wants delivered to a conversation. `key` is the same over retries. */
export type Outbound = { key: string; chat: string; thread?: string } & (
  | { kind: 'text'; text: string }
  | { kind: 'card'; card: Card }
  | { kind: 'card.resolved'; cardId: string; outcome: CardOutcome }
)

/** How a delivery ended. `retry` is tried again with backoff; `failed` is not. */
export type Delivery =
  | { kind: 'delivered'; platformId?: string }
  | { kind: 'retry'; message: string; afterMs?: number }
  | { kind: 'failed'; message: string }

/** What a channel may ask of the gateway. */
export type Admission = {
  /**
   * Stores the message, then resolves: only then may the platform be told that it arrived. `undefined`: whoever wrote
   * it may not talk to the agent, and nothing of it is kept.
   */
  admit: (inbound: Inbound) => Promise<{ sessionId: string; duplicate: boolean } | undefined>
  /** An answer to a card. It counts from the owner, in a session of that channel. */
  answer: (sender: InboundSender, sessionId: string, cardId: string, decision: Decision) => Promise<boolean>
  /** Stops what runs there, for the owner. */
  cancel: (sender: InboundSender, sessionId: string) => Promise<boolean>
}

export type Decision = 'approve' | 'reject' | 'allow_for_session'

/**
 * A way for people to reach the agent: one file, one line in `channels/index.ts`.
 * Live channels get every session frame; others get finished texts and cards from the outbox.
 */
export type Channel = {
  name: string
  /** Seconds an approval card waits for an answer here. */
  approvalSeconds: number
  start: (admission: Admission) => Promise<void>
  deliver: (outbound: Outbound) => Promise<Delivery>
  onFrame?: (frame: SessionFrame) => void
  stop: () => Promise<void>
}
