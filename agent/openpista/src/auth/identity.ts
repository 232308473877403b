import type { AuthConfig } from './config.ts'
import type { Answer } from './request.ts'
import type { Login } from './store.ts'

/** What an authorization page is asked with. */
export type Authorization = { challenge: string; state: string; redirectUri: string }
/** What came back from it. */
export type Redemption = { code: string; state: string; verifier: string; redirectUri: string }

/** A code that the person types on a page of the service, and how to ask whether he has. */
export type DeviceLogin = {
  userCode: string
  page: string
  intervalSeconds: number
  expiresInSeconds: number
  poll: () => Promise<Answer<Login> | { ok: false; pending: true; slowDown: boolean }>
}

/** Who says who the owner is at a model service. */
export type Identity = {
  provider: string
  /** Said before a login. */
  notice: string | null
  /** Where the browser comes back to on this machine; `null`: the page shows a code, which is pasted. */
  callback: { port: number; path: string } | null
  /** The redirect address of a pasted code. */
  pasteRedirect: string | null
  authorizeUrl: (authorization: Authorization) => string
  redeem: (redemption: Redemption) => Promise<Answer<Login>>
  /** A new token for a login that is about to end; `null`: its tokens do not end. */
  renew: ((login: Login) => Promise<Answer<Login>>) | null
  /** Login by a code that is typed on another device; the way of choice where there is one. */
  startDevice: (() => Promise<Answer<DeviceLogin>>) | null
  /** What a key from the environment stands for, where it is not used as it is. */
  fromKey: ((key: string) => Promise<Answer<Login>> | null) | null
}

export type IdentityParts = {
  config: AuthConfig
  /** The owner's own client id; empty: the provider's public one. */
  clientId: string
  /** Seconds since 1970. */
  now: () => number
}
