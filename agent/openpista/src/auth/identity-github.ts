import { z } from 'zod'
import { EDITOR_HEADERS } from '../providers/presets.ts'
import type { DeviceLogin, Identity, IdentityParts } from './identity.ts'
import { type Answer, ask } from './request.ts'
import type { Login } from './store.ts'

const CLIENT_ID = 'Iv1.b507a08c87ecfe98'
const SCOPE = 'read:user'
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

/** GitHub answers errors with status 200, so both forms are read. */
const Token = z.object({ access_token: z.string().optional(), error: z.string().optional() })
const Device = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri: z.url(),
  expires_in: z.number(),
  interval: z.number().default(5),
})
const Session = z.object({
  token: z.string().min(1),
  expires_at: z.number(),
  endpoints: z.object({ api: z.url().optional() }).optional(),
})

/**
 * GitHub's login for Copilot. GitHub's token is kept and exchanged for a session token of Copilot, which lives for
 * less than an hour and is renewed from it.
 */
export function createGitHubIdentity({ config, clientId }: IdentityParts): Identity {
  const client = clientId || CLIENT_ID
  const tokenUrl = `${config.github_url}/login/oauth/access_token`

  const toSession = async (githubToken: string): Promise<Answer<Login>> => {
    const headers = { ...EDITOR_HEADERS, authorization: `token ${githubToken}` }
    const answer = await ask(`${config.github_api_url}/copilot_internal/v2/token`, { headers }, Session)
    if (!answer.ok) return answer
    const { token, expires_at: expiresAt, endpoints } = answer.value
    const secrets = { token, refreshToken: githubToken, idToken: null, accountId: null }
    return {
      ok: true,
      value: { kind: 'oauth', endpoint: endpoints?.api ?? null, expiresAt: Math.floor(expiresAt), secrets },
    }
  }
  const askToken = (form: Record<string, string>) =>
    ask(tokenUrl, { body: { form: { client_id: client, ...form } } }, Token)

  const poll = (deviceCode: string): DeviceLogin['poll'] => {
    return async () => {
      const answer = await askToken({ grant_type: DEVICE_GRANT, device_code: deviceCode })
      if (!answer.ok) return answer
      const { access_token: token, error } = answer.value
      if (token !== undefined) return await toSession(token)
      const pending = error === 'authorization_pending' || error === 'slow_down'
      return pending ? { ok: false, pending, slowDown: error === 'slow_down' } : refused(error)
    }
  }

  return {
    provider: 'github-copilot',
    notice: null,
    callback: { port: 1456, path: '/callback' },
    pasteRedirect: null,
    authorizeUrl: ({ challenge, state, redirectUri }) => {
      const query = new URLSearchParams({
        ...{ response_type: 'code', client_id: client, redirect_uri: redirectUri, scope: SCOPE, state },
        ...{ code_challenge: challenge, code_challenge_method: 'S256' },
      })
      return `${config.github_url}/login/oauth/authorize?${query}`
    },
    redeem: async ({ code, verifier, redirectUri }) => {
      const answer = await askToken({ code, code_verifier: verifier, redirect_uri: redirectUri })
      if (!answer.ok) return answer
      const { access_token: token, error } = answer.value
      return token === undefined ? refused(error) : await toSession(token)
    },
    renew: (login) => toSession(login.secrets.refreshToken ?? ''),
    startDevice: async () => {
      const form = { client_id: client, scope: SCOPE }
      const answer = await ask(`${config.github_url}/login/device/code`, { body: { form } }, Device)
      if (!answer.ok) return answer
      const { user_code: userCode, verification_uri: page, interval, expires_in: expiresInSeconds } = answer.value
      const rest = { intervalSeconds: interval, expiresInSeconds, poll: poll(answer.value.device_code) }
      return { ok: true, value: { userCode, page, ...rest } }
    },
    fromKey: (key) => (/^(gh[a-z]_|github_pat_)/.test(key) ? toSession(key) : null),
  }
}

function refused(error: string | undefined): { ok: false; message: string } {
  return { ok: false, message: `GitHub refused the login: ${error ?? 'no reason given'}` }
}
