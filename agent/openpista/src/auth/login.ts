import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { calculatePKCECodeChallenge, generateRandomCodeVerifier, validateAuthResponse } from 'oauth4webapi'
import { startCallback } from './callback.ts'
import type { Identity } from './identity.ts'
import type { Answer } from './request.ts'
import type { Login } from './store.ts'

/** How a login speaks with the person at the machine. */
export type Conversation = {
  say: (text: string) => void
  /** A line that the person types; `undefined` when he does not. */
  question: (text: string, signal: AbortSignal) => Promise<string | undefined>
}

export type LoginOptions = {
  /** Port for the way back from the browser; `undefined`: the one that the service knows. */
  port: number | undefined
  /** Aborted when the time for the login is over. */
  signal: AbortSignal
}

const TIMED_OUT = { ok: false, message: 'The login was not finished in time.' } as const

/** Signs in through the browser, which comes back to a port of this machine (OAuth 2.0 with PKCE, RFC 7636). */
export async function loginByBrowser(
  identity: Identity,
  conversation: Conversation,
  { port, signal }: LoginOptions,
): Promise<Answer<Login>> {
  if (identity.callback === null) return await loginByPaste(identity, conversation, signal)
  const callback = await startCallback({ ...identity.callback, port: port ?? identity.callback.port })
  try {
    const { verifier, state, address } = await begin(identity, callback.redirectUri)
    conversation.say(`Open this address in a browser and sign in:\n${address}`)
    const back = await Promise.race([callback.arrived, aborted(signal)])
    if (back === undefined) return TIMED_OUT
    const code = readCode(back.searchParams, state)
    if (!code.ok) return code
    return await identity.redeem({ code: code.value, state, verifier, redirectUri: callback.redirectUri })
  } finally {
    await callback.close()
  }
}

/** Signs in through a page that shows `code#state`, which the person pastes. */
async function loginByPaste(identity: Identity, conversation: Conversation, signal: AbortSignal) {
  const redirectUri = identity.pasteRedirect ?? ''
  const { verifier, state, address } = await begin(identity, redirectUri)
  conversation.say(`Open this address in a browser, sign in, and copy the code it shows:\n${address}`)
  const pasted = await conversation.question('Code: ', signal)
  if (pasted === undefined) return TIMED_OUT
  const [code = '', returned = ''] = pasted.trim().split('#')
  const checked = readCode(new URLSearchParams({ code, state: returned }), state)
  return checked.ok ? await identity.redeem({ code: checked.value, state, verifier, redirectUri }) : checked
}

/** Signs in by a code that the person types on a page of the service (RFC 8628). */
export async function loginByDevice(
  identity: Identity,
  conversation: Conversation,
  signal: AbortSignal,
): Promise<Answer<Login>> {
  const started = await identity.startDevice?.()
  if (started === undefined) return { ok: false, message: `${identity.provider} has no login by device.` }
  if (!started.ok) return started
  const { userCode, page, expiresInSeconds, poll } = started.value
  conversation.say(`Open ${page} in a browser and type this code: ${userCode}`)
  const over = AbortSignal.any([signal, AbortSignal.timeout(expiresInSeconds * 1000)])
  let seconds = started.value.intervalSeconds
  for (;;) {
    try {
      await sleep(seconds * 1000, undefined, { signal: over })
    } catch {
      return TIMED_OUT
    }
    const answer = await poll()
    if (answer.ok || !('pending' in answer)) return answer
    if (answer.slowDown) seconds += 5
  }
}

/** A login that is just a key. */
export function keyLogin(key: string, endpoint: string | null): Login {
  const secrets = { token: key, refreshToken: null, idToken: null, accountId: null }
  return { kind: 'key', endpoint, expiresAt: null, secrets }
}

async function begin(identity: Identity, redirectUri: string) {
  const verifier = generateRandomCodeVerifier()
  const state = randomBytes(16).toString('hex')
  const challenge = await calculatePKCECodeChallenge(verifier)
  return { verifier, state, address: identity.authorizeUrl({ challenge, state, redirectUri }) }
}

/** The code of an authorization answer, once its state is the one that was sent. */
function readCode(parameters: URLSearchParams, state: string): Answer<string> {
  const refusal = parameters.get('error')
  if (parameters.get('state') !== state) {
    const message = 'The answer belongs to another login (its state does not match). Start again.'
    return { ok: false, message }
  }
  if (refusal !== null) {
    const why = (parameters.get('error_description') ?? refusal).slice(0, 200)
    return { ok: false, message: `The service refused the login: ${why}` }
  }
  try {
    const checked = validateAuthResponse({ issuer: 'https://unused.invalid' }, { client_id: '-' }, parameters, state)
    const code = checked.get('code')
    return code === null || code === ''
      ? { ok: false, message: 'The answer holds no code.' }
      : { ok: true, value: code }
  } catch (error) {
    return { ok: false, message: `The answer is not valid: ${error instanceof Error ? error.message : error}` }
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  if (signal.aborted) resolve(undefined)
  signal.addEventListener('abort', () => resolve(undefined), { once: true })
  return promise
}
