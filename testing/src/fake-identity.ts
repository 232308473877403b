import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { listen, parseObject, readBody, sendJson } from './http.ts'

/** Places where a login or a renewal can be made to fail or to wait. */
export type IdentityStep =
  | 'authorize'
  | 'openai.code'
  | 'openai.refresh'
  | 'openai.exchange'
  | 'anthropic.code'
  | 'anthropic.refresh'
  | 'openrouter.keys'
  | 'github.code'
  | 'github.device'
  | 'copilot.token'

export type IdentityFault = { status: number; body: Record<string, unknown> }

/** Identity providers of the model services on one loopback port, each with its own quirks. */
export type FakeIdentity = {
  /** Base addresses, as the product's settings take them. */
  urls: {
    openai: string
    claude: string
    anthropic: string
    openrouter: string
    github: string
    githubApi: string
  }
  /** Seconds that tokens given out from now on are good for. */
  setLifetime: (seconds: number) => void
  /** The next request at this step is answered so. */
  fail: (step: IdentityStep, fault: IdentityFault) => void
  /** The next request at this step is carried out, but its answer waits until the returned function is called. */
  hold: (step: IdentityStep) => () => void
  /** Requests that came to a step. */
  count: (step: IdentityStep) => number
  /** What was refused, in words. */
  refused: readonly string[]
  /** The person at the browser: opens the page, says yes, and follows the way back. */
  approve: (address: string, change?: (back: URL) => void) => Promise<{ pasted: string | null; status: number }>
  /** The person types the device's code. */
  confirmDevice: (userCode: string) => void
  /** Whether this token was given out and is still good. */
  isGood: (token: string) => boolean
  close: () => Promise<void>
}

type Grant = { vendor: string; challenge: string; redirect: string; client: string; state: string }

type State = {
  lifetime: number
  faults: Map<IdentityStep, IdentityFault[]>
  holds: Map<IdentityStep, Promise<void>[]>
  counts: Map<IdentityStep, number>
  refused: string[]
  grants: Map<string, Grant>
  refreshTokens: Set<string>
  tokens: Set<string>
  idTokens: Set<string>
  devices: Map<string, { userCode: string; confirmed: boolean }>
}

const PASTE_REDIRECT = 'https://platform.claude.com/oauth/code/callback'

/** Starts the identity providers of OpenAI, Anthropic, OpenRouter and GitHub (with its Copilot token). */
export async function startFakeIdentity(): Promise<FakeIdentity> {
  const state: State = {
    lifetime: 3600,
    faults: new Map(),
    holds: new Map(),
    counts: new Map(),
    refused: [],
    grants: new Map(),
    refreshTokens: new Set(),
    tokens: new Set(),
    idTokens: new Set(),
    devices: new Map(),
  }
  const server = await listen((request, response) => route(state, request, response))
  const at = (name: string) => `${server.origin}/${name}`
  return {
    urls: {
      openai: at('openai'),
      claude: at('claude'),
      anthropic: at('platform'),
      openrouter: at('openrouter'),
      github: at('github'),
      githubApi: at('github-api'),
    },
    setLifetime: (seconds) => {
      state.lifetime = seconds
    },
    fail: (step, fault) => {
      state.faults.set(step, [...(state.faults.get(step) ?? []), fault])
    },
    hold: (step) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      state.holds.set(step, [...(state.holds.get(step) ?? []), promise])
      return resolve
    },
    count: (step) => state.counts.get(step) ?? 0,
    refused: state.refused,
    approve,
    confirmDevice: (userCode) => {
      for (const device of state.devices.values()) if (device.userCode === userCode) device.confirmed = true
    },
    isGood: (token) => state.tokens.has(token),
    close: server.close,
  }
}

async function approve(
  address: string,
  change: (back: URL) => void = () => {},
): Promise<{ pasted: string | null; status: number }> {
  const page = await fetch(address, { redirect: 'manual' })
  const location = page.headers.get('location')
  if (location === null) return { pasted: page.ok ? await page.text() : null, status: page.status }
  const back = new URL(location)
  change(back)
  const answer = await fetch(back)
  await answer.text()
  return { pasted: null, status: answer.status }
}

type Handler = (state: State, request: Asked) => Answer | Promise<Answer>
type Asked = { url: URL; headers: IncomingMessage['headers']; body: string; form: URLSearchParams }
type Answer = { status: number; body: object } | { redirect: string } | { text: string }

const ROUTES: Readonly<Record<string, readonly [IdentityStep | ((asked: Asked) => IdentityStep), Handler]>> = {
  'GET /openai/oauth/authorize': ['authorize', (state, asked) => authorizeOpenAI(state, asked)],
  'POST /openai/oauth/token': [openaiStep, tokenOpenAI],
  'GET /claude/oauth/authorize': ['authorize', authorizeAnthropic],
  'POST /platform/v1/oauth/token': [anthropicStep, tokenAnthropic],
  'GET /openrouter/auth': ['authorize', authorizeOpenRouter],
  'POST /openrouter/api/v1/auth/keys': ['openrouter.keys', keyOpenRouter],
  'GET /github/login/oauth/authorize': ['authorize', authorizeGitHub],
  'POST /github/login/device/code': ['github.device', deviceGitHub],
  'POST /github/login/oauth/access_token': ['github.code', tokenGitHub],
  'GET /github-api/copilot_internal/v2/token': ['copilot.token', tokenCopilot],
}

async function route(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const body = await readBody(request)
  const asked = { url, headers: request.headers, body, form: new URLSearchParams(body) }
  const found = ROUTES[`${request.method} ${url.pathname}`]
  if (found === undefined) return sendJson(response, 404, { error: 'not_found' })
  const step = typeof found[0] === 'string' ? found[0] : found[0](asked)
  state.counts.set(step, (state.counts.get(step) ?? 0) + 1)
  const fault = state.faults.get(step)?.shift()
  if (fault !== undefined) return sendJson(response, fault.status, fault.body)
  const answer = await found[1](state, asked)
  await state.holds.get(step)?.shift()
  if (response.destroyed) return
  if ('redirect' in answer) {
    response.writeHead(302, { location: answer.redirect }).end()
  } else if ('text' in answer) {
    response.writeHead(200, { 'content-type': 'text/plain' }).end(answer.text)
  } else {
    if (answer.status >= 400) state.refused.push(JSON.stringify(answer.body))
    sendJson(response, answer.status, answer.body)
  }
}

const refuse = (error: string, description: string, status = 400): Answer => ({
  status,
  body: { error, error_description: description },
})
const random = (prefix: string): string => `${prefix}${randomBytes(16).toString('base64url')}`
const s256 = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')

/** An unsigned JSON Web Token; nobody on our side checks the signature of a token that came over TLS. */
function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ ...claims, jti: random('') })}.${random('')}`
}

/** What an authorization request must say; keeps the grant and gives its code. */
function grant(
  state: State,
  vendor: string,
  query: URLSearchParams,
  fixed: Record<string, string>,
): { ok: true; code: string } | { ok: false; answer: Answer } {
  for (const [key, value] of Object.entries(fixed)) {
    if (query.get(key) !== value) return { ok: false, answer: refuse('invalid_request', `${key} must be ${value}`) }
  }
  const challenge = query.get('code_challenge') ?? ''
  if (!/^[\w-]{43}$/.test(challenge)) return { ok: false, answer: refuse('invalid_request', 'code_challenge') }
  const code = random('code_')
  state.grants.set(code, {
    vendor,
    challenge,
    redirect: query.get('redirect_uri') ?? '',
    client: query.get('client_id') ?? '',
    state: query.get('state') ?? '',
  })
  return { ok: true, code }
}

/** Redeems a code once. */
function redeem(state: State, vendor: string, code: string, verifier: string): Grant | Answer {
  const found = state.grants.get(code)
  state.grants.delete(code)
  if (found === undefined || found.vendor !== vendor) return refuse('invalid_grant', 'Unknown or used code.')
  return found.challenge === s256(verifier) ? found : refuse('invalid_grant', 'PKCE verification failed.')
}

function backTo(query: URLSearchParams, code: string): Answer {
  const back = new URL(query.get('redirect_uri') ?? '')
  back.searchParams.set('code', code)
  back.searchParams.set('state', query.get('state') ?? '')
  return { redirect: back.href }
}

const OAUTH = { response_type: 'code', code_challenge_method: 'S256' }

function authorizeOpenAI(state: State, { url: { searchParams: query } }: Asked): Answer {
  const quirks = { id_token_add_organizations: 'true', codex_cli_simplified_flow: 'true' }
  const granted = grant(state, 'openai', query, { ...OAUTH, ...quirks, scope: 'openid profile email offline_access' })
  if (!granted.ok) return granted.answer
  const redirect = query.get('redirect_uri') ?? ''
  if (!/^http:\/\/localhost:\d+\/auth\/callback$/.test(redirect)) return refuse('invalid_request', 'redirect_uri')
  return backTo(query, granted.code)
}

function openaiStep({ form }: Asked): IdentityStep {
  const type = form.get('grant_type')
  if (type === 'refresh_token') return 'openai.refresh'
  return type === 'authorization_code' ? 'openai.code' : 'openai.exchange'
}

function tokenOpenAI(state: State, { form, headers }: Asked): Answer {
  if (!headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    return refuse('invalid_request', 'A form is expected.')
  }
  const type = form.get('grant_type')
  if (type === 'urn:ietf:params:oauth:grant-type:token-exchange') return exchangeOpenAI(state, form)
  if (type === 'authorization_code') {
    const found = redeem(state, 'openai', form.get('code') ?? '', form.get('code_verifier') ?? '')
    if (!('vendor' in found)) return found
    if (found.redirect !== form.get('redirect_uri')) return refuse('invalid_grant', 'redirect_uri')
  } else if (!state.refreshTokens.delete(form.get('refresh_token') ?? '')) {
    return refuse('invalid_grant', 'Refresh token was used already or never given.', 401)
  }
  const exp = Math.floor(Date.now() / 1000) + state.lifetime
  const claims = { exp, 'https://api.openai.com/auth': { chatgpt_account_id: 'account-1' } }
  const idToken = jwt({ ...claims, aud: form.get('client_id'), email: 'owner@example.com' })
  state.idTokens.add(idToken)
  return { status: 200, body: { ...tokens(state, jwt(claims)), id_token: idToken, token_type: 'Bearer' } }
}

function exchangeOpenAI(state: State, form: URLSearchParams): Answer {
  if (form.get('requested_token') !== 'openai-api-key') return refuse('invalid_request', 'requested_token')
  if (form.get('subject_token_type') !== 'urn:ietf:params:oauth:token-type:id_token') {
    return refuse('invalid_request', 'subject_token_type')
  }
  if (!state.idTokens.has(form.get('subject_token') ?? '')) return refuse('invalid_grant', 'subject_token')
  const key = random('sk-')
  state.tokens.add(key)
  return { status: 200, body: { access_token: key, token_type: 'Bearer' } }
}

function tokens(state: State, accessToken: string) {
  const refreshToken = random('refresh_')
  state.tokens.add(accessToken)
  state.refreshTokens.add(refreshToken)
  return { access_token: accessToken, refresh_token: refreshToken, expires_in: state.lifetime }
}

/** Shows the code on a page instead of leading back: the person copies `code#state`. */
function authorizeAnthropic(state: State, { url: { searchParams: query } }: Asked): Answer {
  const fixed = { ...OAUTH, code: 'true', redirect_uri: PASTE_REDIRECT, scope: 'user:profile user:inference' }
  const granted = grant(state, 'anthropic', query, fixed)
  return granted.ok ? { text: `${granted.code}#${query.get('state')}` } : granted.answer
}

function anthropicStep({ body }: Asked): IdentityStep {
  return parseObject(body)?.grant_type === 'refresh_token' ? 'anthropic.refresh' : 'anthropic.code'
}

/** Takes JSON only, and wants the state again. */
function tokenAnthropic(state: State, { body, headers }: Asked): Answer {
  const sent = parseObject(body)
  if (sent === undefined || !headers['content-type']?.startsWith('application/json')) {
    return refuse('invalid_request', 'A JSON body is expected.')
  }
  if (sent.grant_type === 'refresh_token') {
    if (!state.refreshTokens.delete(String(sent.refresh_token)))
      return refuse('invalid_grant', 'Refresh token not found.')
  } else {
    const found = redeem(state, 'anthropic', String(sent.code), String(sent.code_verifier))
    if (!('vendor' in found)) return found
    if (found.state !== sent.state) return refuse('invalid_request', 'Invalid state.')
    if (found.redirect !== sent.redirect_uri) return refuse('invalid_grant', 'redirect_uri')
  }
  return {
    status: 200,
    body: { ...tokens(state, random('sk-ant-oat01-')), token_type: 'Bearer', scope: 'user:inference' },
  }
}

/** Knows no client and no state; whatever stands in the callback's own query stays there. */
function authorizeOpenRouter(state: State, { url: { searchParams: query } }: Asked): Answer {
  const granted = grant(state, 'openrouter', query, { code_challenge_method: 'S256' })
  if (!granted.ok) return granted.answer
  const back = new URL(query.get('callback_url') ?? '')
  back.searchParams.set('code', granted.code)
  return { redirect: back.href }
}

function keyOpenRouter(state: State, { body }: Asked): Answer {
  const sent = parseObject(body)
  if (sent === undefined) return refuse('invalid_request', 'A JSON body is expected.')
  if (sent.code_challenge_method !== 'S256') return refuse('invalid_request', 'code_challenge_method')
  const found = redeem(state, 'openrouter', String(sent.code), String(sent.code_verifier))
  if (!('vendor' in found)) return { status: 403, body: { error: { message: 'Invalid code or code_verifier' } } }
  const key = random('sk-or-v1-')
  state.tokens.add(key)
  return { status: 200, body: { key, user_id: 'user_1' } }
}

function authorizeGitHub(state: State, { url: { searchParams: query } }: Asked): Answer {
  const granted = grant(state, 'github', query, { code_challenge_method: 'S256', scope: 'read:user' })
  return granted.ok ? backTo(query, granted.code) : granted.answer
}

function deviceGitHub(state: State, { url, form }: Asked): Answer {
  const deviceCode = random('device_')
  const userCode = randomBytes(4)
    .toString('hex')
    .toUpperCase()
    .replace(/^(.{4})/, '$1-')
  if (form.get('scope') !== 'read:user') return refuse('invalid_scope', 'scope')
  state.devices.set(deviceCode, { userCode, confirmed: false })
  const page = new URL('/github/login/device', url).href
  return {
    status: 200,
    body: { device_code: deviceCode, user_code: userCode, verification_uri: page, expires_in: 900, interval: 0.05 },
  }
}

/** Errors come with status 200, and JSON only where it is asked for. */
function tokenGitHub(state: State, { form, headers }: Asked): Answer {
  if (headers.accept !== 'application/json') return { text: 'error=asked_without_accept_json' }
  const wrong = (error: string): Answer => ({ status: 200, body: { error, error_description: `(${error})` } })
  if (form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:device_code') {
    const device = state.devices.get(form.get('device_code') ?? '')
    if (device === undefined) return wrong('bad_device_code')
    if (!device.confirmed) return wrong('authorization_pending')
  } else {
    const found = redeem(state, 'github', form.get('code') ?? '', form.get('code_verifier') ?? '')
    if (!('vendor' in found)) return wrong('bad_verification_code')
  }
  const token = random('ghu_')
  state.tokens.add(token)
  return { status: 200, body: { access_token: token, token_type: 'bearer', scope: 'read:user' } }
}

function tokenCopilot(state: State, { headers }: Asked): Answer {
  const [scheme, token = ''] = (headers.authorization ?? '').split(' ')
  if (scheme !== 'token' || !state.tokens.has(token)) return { status: 401, body: { message: 'Bad credentials' } }
  if (headers['editor-version'] === undefined)
    return { status: 400, body: { message: 'missing Editor-Version header' } }
  const session = `${random('tid=')};exp=1`
  state.tokens.add(session)
  const now = Math.floor(Date.now() / 1000)
  return { status: 200, body: { token: session, expires_at: now + state.lifetime, refresh_in: state.lifetime - 60 } }
}
