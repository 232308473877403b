import { z } from 'zod'
import type { Identity, IdentityParts } from './identity.ts'
import { type Answer, ask } from './request.ts'
import type { Login } from './store.ts'

const CLIENT_ID = 'app_EMoamEEZ73f0CkXaXp7hrann'
const SCOPE = 'openid profile email offline_access'
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token'

const Tokens = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().optional(),
  id_token: z.string().optional(),
  expires_in: z.number().optional(),
})
const Exchanged = z.object({ access_token: z.string().min(1) })
const Claims = z.object({
  exp: z.number().optional(),
  'https://api.openai.com/auth': z.object({ chatgpt_account_id: z.string().optional() }).optional(),
})

/** ChatGPT's login. Its id token becomes an API key where the account may have one; else the token itself is used. */
export function createOpenAIIdentity({ config, clientId, now }: IdentityParts): Identity {
  const client = clientId || CLIENT_ID
  const tokenUrl = `${config.openai_url}/oauth/token`

  const toLogin = async (tokens: z.output<typeof Tokens>, old: Login | undefined): Promise<Login> => {
    const idToken = tokens.id_token ?? old?.secrets.idToken ?? null
    const apiKey = idToken === null ? undefined : await exchange(idToken)
    const claims = claimsOf(tokens.access_token) ?? claimsOf(idToken ?? '')
    const ends = tokens.expires_in === undefined ? claims?.exp : now() + tokens.expires_in
    return {
      kind: apiKey === undefined ? 'oauth' : 'key',
      endpoint: apiKey === undefined ? config.chatgpt_url : null,
      expiresAt: ends === undefined ? null : Math.floor(ends),
      secrets: {
        token: apiKey ?? tokens.access_token,
        refreshToken: tokens.refresh_token ?? old?.secrets.refreshToken ?? null,
        idToken,
        accountId: claims?.['https://api.openai.com/auth']?.chatgpt_account_id ?? old?.secrets.accountId ?? null,
      },
    }
  }
  /** Personal accounts have no API key to give: that is no failure. */
  const exchange = async (idToken: string): Promise<string | undefined> => {
    const form = {
      ...{ grant_type: TOKEN_EXCHANGE, client_id: client, requested_token: 'openai-api-key' },
      ...{ subject_token: idToken, subject_token_type: ID_TOKEN },
    }
    const answer = await ask(tokenUrl, { body: { form } }, Exchanged)
    return answer.ok ? answer.value.access_token : undefined
  }
  const redeem = async (form: Record<string, string>, old: Login | undefined): Promise<Answer<Login>> => {
    const answer = await ask(tokenUrl, { body: { form: { ...form, client_id: client } } }, Tokens)
    return answer.ok ? { ok: true, value: await toLogin(answer.value, old) } : answer
  }

  return {
    provider: 'openai',
    notice: null,
    callback: { port: 1455, path: '/auth/callback' },
    pasteRedirect: null,
    authorizeUrl: ({ challenge, state, redirectUri }) => {
      const query = new URLSearchParams({
        ...{ response_type: 'code', client_id: client, redirect_uri: redirectUri, scope: SCOPE, state },
        ...{ code_challenge: challenge, code_challenge_method: 'S256' },
        ...{ id_token_add_organizations: 'true', codex_cli_simplified_flow: 'true' },
      })
      return `${config.openai_url}/oauth/authorize?${query}`
    },
    redeem: ({ code, verifier, redirectUri }) =>
      redeem({ grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri }, undefined),
    renew: (login) =>
      redeem({ grant_type: 'refresh_token', refresh_token: login.secrets.refreshToken ?? '', scope: SCOPE }, login),
    startDevice: null,
    fromKey: null,
  }
}

/** The claims of a token. Its signature is not checked: it came from its maker over TLS and goes back to him. */
function claimsOf(token: string): z.output<typeof Claims> | undefined {
  try {
    return Claims.parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')))
  } catch {
    return undefined
  }
}
