export type SessionIdentity = {
  kind: 'session'
  sessionId: string
  agentId: string
  /** SHA-256 of the token; of one that was replaced on routes that take such. */
  presentedHash: string
  /** Signed with a key that is on its way out. */
  retiring: boolean
}

export type OwnerIdentity = {
  kind: 'owner'
  agentId: string
  ownerAddress: string
  challengeId: string
  digest: string
  signature: string
}

/** Who is calling, as proven by the credential of the request. */
export type Identity =
  | { kind: 'public' }
  /** `tokenHash` is null for a call with the password itself. */
  | { kind: 'master'; tokenHash: string | null }
  | SessionIdentity
  | OwnerIdentity

/** The name of a caller in the event log. */
export function actorOf(identity: Identity, source: string): string {
  switch (identity.kind) {
    case 'public':
      return `source:${source}`
    case 'master':
      return 'admin'
    case 'session':
      return `session:${identity.sessionId}`
    case 'owner':
      return `owner:${identity.ownerAddress}`
  }
}
