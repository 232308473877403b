import { AppError } from '@openpista/common'
import {
  type Credential,
  type CredentialResult,
  type CredentialSource,
  type GivenKeys,
  keyCredential,
} from '../providers/credential.ts'
import type { Identity } from './identity.ts'
import type { Answer } from './request.ts'
import type { CredentialStore, Login } from './store.ts'

/** A token is renewed so many seconds before it ends. */
const RENEW_BEFORE_S = 300
/** After a failed renewal the old token, while it is good, is used so long before the next attempt. */
const RENEW_AGAIN_S = 15

export type CredentialParts = {
  store: CredentialStore
  identities: ReadonlyMap<string, Identity>
  /** Seconds since 1970. */
  now: () => number
}

/**
 * Credentials for requests: the configured key, the stored login, the environment's key, in that order. Many requests
 * at once renew a login once; a renewal that fails leaves the old token in use until it ends.
 */
export function createCredentials({ store, identities, now }: CredentialParts): CredentialSource {
  const renewals = new Map<string, Promise<Renewal>>()
  const failures = new Map<string, number>()
  const fromKey = createKeyExchange(identities, now)

  const mustRenew = (provider: string, login: Login): boolean => {
    if (!isRenewable(login, identities.get(provider)) || !endsWithin(login, RENEW_BEFORE_S, now())) return false
    return endsWithin(login, 0, now()) || now() - (failures.get(provider) ?? 0) >= RENEW_AGAIN_S
  }
  const renew = (provider: string): Promise<Renewal> => {
    const running = renewals.get(provider)
    if (running !== undefined) return running
    const started = renewNow(provider).finally(() => renewals.delete(provider))
    renewals.set(provider, started)
    return started
  }
  const renewNow = async (provider: string): Promise<Renewal> => {
    const login = await store.read(provider)
    const identity = identities.get(provider)
    // Another request, or another program, may have been faster.
    if (login === undefined || identity?.renew == null || !mustRenew(provider, login)) return { login, problem: null }
    const answer = await identity.renew(login)
    if (answer.ok) {
      await store.save(provider, answer.value)
      failures.delete(provider)
      return { login: answer.value, problem: null }
    }
    failures.set(provider, now())
    return { login: await store.read(provider), problem: answer.message }
  }
  const fromStore = async (provider: string): Promise<CredentialResult | undefined> => {
    const stored = await store.read(provider)
    if (stored === undefined) return undefined
    const { login, problem } = mustRenew(provider, stored) ? await renew(provider) : { login: stored, problem: null }
    if (login !== undefined && !endsWithin(login, 0, now())) return { ok: true, credential: toCredential(login) }
    const why = problem === null ? '' : ` It could not be renewed: ${problem}`
    return signedOut(provider, `The login at ${provider} has ended.${why}`)
  }
  return {
    find: (provider) => store.list().find((login) => login.provider === provider),
    resolve: async (provider, { configured, environment }: GivenKeys) => {
      if (configured !== '') return await fromKey(provider, configured)
      const stored = await readable(provider, fromStore)
      if (stored?.ok === true) return stored
      if (environment !== '') return await fromKey(provider, environment)
      return stored ?? { ok: true, credential: keyCredential('') }
    },
  }
}

/** A key as it is given; one that only stands for another is exchanged, and the result kept in memory. */
function createKeyExchange(identities: CredentialParts['identities'], now: () => number) {
  const exchanged = new Map<string, Login>()
  return async (provider: string, key: string): Promise<CredentialResult> => {
    const known = exchanged.get(key)
    if (known !== undefined && !endsWithin(known, RENEW_BEFORE_S, now())) {
      return { ok: true, credential: toCredential(known) }
    }
    const exchange = identities.get(provider)?.fromKey?.(key) ?? null
    if (exchange === null) return { ok: true, credential: keyCredential(key) }
    const answer: Answer<Login> = await exchange
    if (!answer.ok) return signedOut(provider, answer.message)
    exchanged.set(key, answer.value)
    return { ok: true, credential: toCredential(answer.value) }
  }
}

type Renewal = { login: Login | undefined; problem: string | null }

/** A store that cannot be read is said in words, like a login that has ended. */
async function readable(
  provider: string,
  read: (provider: string) => Promise<CredentialResult | undefined>,
): Promise<CredentialResult | undefined> {
  try {
    return await read(provider)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { ok: false, message: error.message, hint: error.hint ?? signedOut(provider, '').hint }
  }
}

function isRenewable(login: Login, identity: Identity | undefined): boolean {
  return identity?.renew != null && login.secrets.refreshToken !== null
}

function endsWithin({ expiresAt }: Login, seconds: number, now: number): boolean {
  return expiresAt !== null && expiresAt - now <= seconds
}

function toCredential({ kind, endpoint, secrets: { token, accountId } }: Login): Credential {
  return { kind, token, endpoint, accountId: kind === 'oauth' ? accountId : null }
}

function signedOut(provider: string, message: string): Extract<CredentialResult, { ok: false }> {
  return { ok: false, message, hint: `Sign in again: openpista auth login -p ${provider}` }
}
