/** Who wrote a piece of text. It travels with every text into the context and decides what tools may do unasked. */
export type Provenance =
  | { kind: 'owner'; channel: string }
  | { kind: 'person'; channel: string; user: string }
  | { kind: 'web'; url: string }
  | { kind: 'tool'; tool: string }
  | { kind: 'file'; path: string }
  | { kind: 'schedule'; schedule: string }
  | { kind: 'system' }

/** Who wrote a message that came in. */
export function senderProvenance(message: {
  owner: boolean
  channel: string
  user: string
  schedule?: string
  work?: { sender: Provenance }
}): Provenance {
  const { owner, channel, user, schedule, work } = message
  if (work !== undefined) return work.sender
  if (schedule !== undefined) return { kind: 'schedule', schedule }
  return owner ? { kind: 'owner', channel } : { kind: 'person', channel, user }
}

/** True for text that the owner or the program itself wrote. Everything else may be somebody's trap. */
export function isTrusted(provenance: Provenance): boolean {
  return provenance.kind === 'owner' || provenance.kind === 'system' || provenance.kind === 'schedule'
}
