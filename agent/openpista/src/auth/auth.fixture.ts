import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeIdentity, startFakeIdentity } from '@openpista/testing'
import type { CredentialSource } from '../providers/credential.ts'
import { AuthConfig } from './config.ts'
import { createCredentials } from './credentials.ts'
import { createIdentities } from './identities.ts'
import type { Identity } from './identity.ts'
import type { Keyring } from './key.ts'
import type { Conversation } from './login.ts'
import { type CredentialStore, createCredentialStore, type Login } from './store.ts'

/** A machine without a keyring. */
export const noKeyring: Keyring = { lookup: async () => undefined, store: async () => false }

/** An empty home folder, identity providers on sockets, and a clock that tests move. */
export type AuthBench = {
  home: string
  service: FakeIdentity
  identity: (provider: string) => Identity
  store: CredentialStore
  credentials: CredentialSource
  /** Moves the product's clock; the services keep theirs. */
  wait: (seconds: number) => void
  now: () => number
  close: () => Promise<void>
}

export function authConfig({ urls }: FakeIdentity): AuthConfig {
  return AuthConfig.parse({
    openai_url: urls.openai,
    anthropic_url: urls.claude,
    anthropic_token_url: urls.anthropic,
    openrouter_url: urls.openrouter,
    github_url: urls.github,
    github_api_url: urls.githubApi,
  })
}

export async function startAuthBench(): Promise<AuthBench> {
  const service = await startFakeIdentity()
  const home = mkdtempSync(join(tmpdir(), 'openpista-auth-'))
  let shift = 0
  const now = () => Math.floor(Date.now() / 1000) + shift
  const identities = createIdentities({ config: authConfig(service), clientId: '', now })
  const store = createCredentialStore(home, noKeyring)
  return {
    ...{ home, service, store, now },
    identity: (provider) => identities.get(provider)!,
    credentials: createCredentials({ store, identities, now }),
    wait: (seconds) => {
      shift += seconds
    },
    close: async () => {
      await service.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** A person who goes to the address that is said and does what `act` does there. */
export function person(act: (address: string) => Promise<string | null>): Conversation {
  let pasted: Promise<string | null> = Promise.resolve(null)
  return {
    say: (text) => {
      const address = /https?:\S+/.exec(text)?.[0] ?? ''
      pasted = act(address)
    },
    question: async () => (await pasted) ?? undefined,
  }
}

export function oauthLogin(expiresAt: number, refreshToken: string): Login {
  const secrets = { token: 'old-token', refreshToken, idToken: null, accountId: null }
  return { kind: 'oauth', endpoint: null, expiresAt, secrets }
}
