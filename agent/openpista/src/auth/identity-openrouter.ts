import { z } from 'zod'
import type { Identity, IdentityParts } from './identity.ts'
import { ask } from './request.ts'

const Key = z.object({ key: z.string().min(1) })

/** OpenRouter's login ends in an API key. It knows no client id and no state, so the state rides in the callback. */
export function createOpenRouterIdentity({ config }: IdentityParts): Identity {
  return {
    provider: 'openrouter',
    notice: null,
    callback: { port: 9009, path: '/callback' },
    pasteRedirect: null,
    authorizeUrl: ({ challenge, state, redirectUri }) => {
      const query = new URLSearchParams({
        callback_url: `${redirectUri}?${new URLSearchParams({ state })}`,
        code_challenge: challenge,
        code_challenge_method: 'S256',
      })
      return `${config.openrouter_url}/auth?${query}`
    },
    redeem: async ({ code, verifier }) => {
      const json = { code, code_verifier: verifier, code_challenge_method: 'S256' }
      const answer = await ask(`${config.openrouter_url}/api/v1/auth/keys`, { body: { json } }, Key)
      if (!answer.ok) return answer
      const secrets = { token: answer.value.key, refreshToken: null, idToken: null, accountId: null }
      return { ok: true, value: { kind: 'key', endpoint: null, expiresAt: null, secrets } }
    },
    renew: null,
    startDevice: null,
    fromKey: null,
  }
}
