/** Who is calling, as proven by the credential of the request. */
export type Identity =
  | { kind: 'public' }
  /** `tokenHash` is null for a call with the password itself. */
  | { kind: 'master'; tokenHash: string | null }
  | { kind: 'session'; sessionId: string; agentId: string }
  | { kind: 'owner'; agentId: string; ownerAddress: string; challengeId: string; digest: string; signature: string }

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
