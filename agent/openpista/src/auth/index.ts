import type { CredentialSource } from '../providers/credential.ts'
import type { AuthConfig } from './config.ts'
import { createCredentials } from './credentials.ts'
import { createIdentities } from './identities.ts'
import type { Identity } from './identity.ts'
import { systemKeyring } from './key.ts'
import { type CredentialStore, createCredentialStore } from './store.ts'

/** Everything about logins, wired for a home folder. */
export type Auth = {
  store: CredentialStore
  identities: ReadonlyMap<string, Identity>
  credentials: CredentialSource
}

export type AuthParts = {
  home: string
  config: AuthConfig
  /** The owner's own OAuth client id; empty: the providers' public ones. */
  clientId: string
  env: Readonly<Record<string, string | undefined>>
}

export function openAuth({ home, config, clientId, env }: AuthParts): Auth {
  const now = () => Math.floor(Date.now() / 1000)
  const store = createCredentialStore(home, systemKeyring(env))
  const identities = createIdentities({ config, clientId, now })
  return { store, identities, credentials: createCredentials({ store, identities, now }) }
}
