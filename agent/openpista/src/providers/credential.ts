/** What a request to a model service proves itself with. */
export type Credential = {
  /** `none`: a service that asks for nothing. `oauth`: a token of a subscription, not of the paid API. */
  kind: 'none' | 'key' | 'oauth'
  token: string
  /** The account that a ChatGPT token belongs to. */
  accountId: string | null
  /** Where this credential is good, when the login said so. */
  endpoint: string | null
}

export type CredentialResult = { ok: true; credential: Credential } | { ok: false; message: string; hint: string }

/** Keys that stand outside the store. Empty texts count as absent. */
export type GivenKeys = { configured: string; environment: string }

/** Where providers get their credentials from. */
export type CredentialSource = {
  /** Whether the store keeps something for a provider, without reading secrets. */
  find: (provider: string) => { endpoint: string | null } | undefined
  /** The credential for the next request: configured key, stored login (renewed when it is about to end), environment. */
  resolve: (provider: string, keys: GivenKeys) => Promise<CredentialResult>
}

export function keyCredential(token: string, endpoint: string | null = null): Credential {
  return { kind: token === '' ? 'none' : 'key', token, accountId: null, endpoint }
}

/** Keys from configuration and environment, and no store. */
export const keysOnly: CredentialSource = {
  find: () => undefined,
  resolve: async (_provider, { configured, environment }) => ({
    ok: true,
    credential: keyCredential(configured || environment),
  }),
}
