import type { Provenance } from './provenance.ts'

/** A tool call, by the session that it is in. */
export type OutputOwner = { sessionId: string; callId: string; tool: string }

/** Keeps the whole of what a tool gave back, where the conversation holds a part. `sources`: whose words it is made of. */
export type KeepOutput = (owner: OutputOwner, whole: string, sources: readonly Provenance[]) => Promise<void>

/** A part of what a tool gave back. `offset` and `total` count characters of the whole. */
export type OutputPart = {
  callId: string
  tool: string
  text: string
  offset: number
  total: number
  sources: readonly Provenance[]
}

/**
 * Reads from what a call of the session gave back, without a name from the newest whole that is kept. A negative
 * offset counts from the end. `undefined`: there is no such call, or it was cleared.
 */
export type ReadOutput = (
  sessionId: string,
  callId: string | undefined,
  range: { offset: number; limit: number },
) => Promise<OutputPart | undefined>
