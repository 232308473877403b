import { z } from 'zod'
import type { Identity, IdentityParts } from './identity.ts'
import { type Answer, ask } from './request.ts'
import type { Login } from './store.ts'

const CLIENT_ID = '9d1c250a-e61b-44d9-88ed-5944d1962f5e'
const SCOPE = 'user:profile user:inference'
const REDIRECT = 'https://platform.claude.com/oauth/code/callback'

const Tokens = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().optional(),
  expires_in: z.number().optional(),
})

/** Claude's login: the page shows `code#state`, which is pasted. Its token endpoint takes JSON, and the state again. */
export function createAnthropicIdentity({ config, clientId, now }: IdentityParts): Identity {
  const client = clientId || CLIENT_ID
  const redeem = async (json: Record<string, string>, old: Login | undefined): Promise<Answer<Login>> => {
    const body = { json: { ...json, client_id: client } }
    const answer = await ask(`${config.anthropic_token_url}/v1/oauth/token`, { body }, Tokens)
    if (!answer.ok) return answer
    const { access_token: token, refresh_token: refreshToken, expires_in: seconds } = answer.value
    return {
      ok: true,
      value: {
        kind: 'oauth',
        endpoint: null,
        expiresAt: seconds === undefined ? null : Math.floor(now() + seconds),
        secrets: {
          token,
          refreshToken: refreshToken ?? old?.secrets.refreshToken ?? null,
          idToken: null,
          accountId: null,
        },
      },
    }
  }
  return {
    provider: 'anthropic',
    notice:
      "Anthropic's terms do not allow the login of a Claude subscription in other programs; it may close the account. An API key (ANTHROPIC_API_KEY, or --api-key) is the allowed way.",
    callback: null,
    pasteRedirect: REDIRECT,
    authorizeUrl: ({ challenge, state, redirectUri }) => {
      const query = new URLSearchParams({
        ...{ code: 'true', response_type: 'code', client_id: client, redirect_uri: redirectUri, scope: SCOPE, state },
        ...{ code_challenge: challenge, code_challenge_method: 'S256' },
      })
      return `${config.anthropic_url}/oauth/authorize?${query}`
    },
    redeem: ({ code, state, verifier, redirectUri }) =>
      redeem(
        { grant_type: 'authorization_code', code, state, code_verifier: verifier, redirect_uri: redirectUri },
        undefined,
      ),
    renew: (login) => redeem({ grant_type: 'refresh_token', refresh_token: login.secrets.refreshToken ?? '' }, login),
    startDevice: null,
    fromKey: null,
  }
}
