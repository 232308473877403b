import { createInterface } from 'node:readline/promises'
import { AppError } from '@openpista/common'
import { type Auth, openAuth } from '../auth/index.ts'
import type { KeyPlace } from '../auth/key.ts'
import { type Conversation, keyLogin, loginByBrowser, loginByDevice } from '../auth/login.ts'
import type { Login, LoginView } from '../auth/store.ts'
import type { Settings } from '../config.ts'
import { findPreset, type Preset, presets } from '../providers/presets.ts'

type Env = Readonly<Record<string, string | undefined>>

export type LoginFlags = {
  provider: string
  apiKey?: string
  endpoint?: string
  /** Port for the way back from the browser. */
  port?: string
  /** Seconds for the whole login. */
  timeout: string
  nonInteractive: boolean
  /** Sign in through the browser where that is not the usual way (Anthropic, GitHub Copilot). */
  browser: boolean
}

/** `openpista auth login`: keeps a key, or signs in at the service. */
export async function login(settings: Settings, env: Env, flags: LoginFlags): Promise<number> {
  const preset = presetOf(flags.provider)
  if (preset.login === 'none') {
    console.log(`${preset.label} needs no login.`)
    return 0
  }
  const seconds = wholeNumber('--timeout', flags.timeout, 3600)
  const signal = AbortSignal.timeout(seconds * 1000)
  const auth = open(settings, env)
  const endpoint = flags.endpoint ?? (preset.endpoint === null ? undefined : env[preset.endpoint.env])
  const key = flags.apiKey ?? keyFromEnvironment(preset, env, flags.nonInteractive)
  const found =
    key !== undefined
      ? keyLogin(key, endpoint ?? null)
      : await signIn(auth, preset, { ...flags, endpoint, seconds, signal })
  console.log(await keep(auth, preset, found))
  return 0
}

/** Keeps an API key; answers what to tell the person. */
export async function keepKey(
  settings: Settings,
  env: Env,
  { provider, endpoint, apiKey }: { provider: string; endpoint: string | undefined; apiKey: string },
): Promise<string> {
  return await keep(open(settings, env), presetOf(provider), keyLogin(apiKey, endpoint ?? null))
}

/** Every service with what is known of a login there. Never a secret. */
export function services(settings: Settings, env: Env): { preset: Preset; status: string }[] {
  const logins = new Map(
    open(settings, env)
      .store.list()
      .map((login) => [login.provider, login]),
  )
  return presets.map((preset: Preset) => {
    const login = logins.get(preset.id)
    const inEnvironment = preset.keyEnv !== null && Boolean(env[preset.keyEnv])
    const stored = login === undefined ? '' : describe(login, Date.now() / 1000).slice(`${preset.id}: `.length)
    return { preset, status: stored || (inEnvironment ? `key in ${preset.keyEnv}` : '') }
  })
}

async function keep(auth: Auth, preset: Preset, found: Login): Promise<string> {
  requireEndpoint(preset, found)
  await auth.store.save(preset.id, found)
  return `Signed in to ${preset.label}.\n${howKept(auth.store.keyPlace())}`
}

/** `openpista auth logout`: forgets one provider's login. */
export async function logout(settings: Settings, env: Env, provider: string): Promise<number> {
  const preset = presetOf(provider)
  const gone = open(settings, env).store.remove(preset.id)
  console.log(gone ? `Signed out of ${preset.label}.` : `There was no login for ${preset.label}.`)
  return 0
}

/** `openpista auth status`: who is signed in where, and until when. Never a secret. */
export async function status(settings: Settings, env: Env): Promise<number> {
  const { store } = open(settings, env)
  const logins = store.list()
  if (logins.length === 0) {
    console.log('No logins. Sign in with: openpista auth login -p PROVIDER')
    return 0
  }
  for (const login of logins) console.log(describe(login, Date.now() / 1000))
  console.log(howKept(store.keyPlace()))
  return 0
}

type SignInOptions = LoginFlags & { endpoint: string | undefined; seconds: number; signal: AbortSignal }

async function signIn(auth: Auth, preset: Preset, options: SignInOptions): Promise<Login> {
  if (options.nonInteractive) {
    throw new AppError('LOGIN_FAILED', `There is no key for ${preset.label}.`, {
      hint: `Give it with --api-key, or set ${preset.keyEnv} in the environment.`,
    })
  }
  const identity = preset.login === 'browser' ? auth.identities.get(preset.id) : undefined
  // What carries a warning is done only when it is asked for by name.
  const byKey = identity === undefined || (identity.notice !== null && !options.browser)
  if (byKey) return await askForKey(preset, options)
  if (identity.notice !== null) console.log(`Warning: ${identity.notice}\n`)
  const port = options.port === undefined ? undefined : wholeNumber('--port', options.port, 65_535)
  const byDevice = identity.startDevice !== null && !options.browser
  const answer = byDevice
    ? await loginByDevice(identity, conversation, options.signal)
    : await loginByBrowser(identity, conversation, { port, signal: options.signal })
  if (answer.ok) return answer.value
  throw new AppError('LOGIN_FAILED', answer.message, {
    hint: `Try again: openpista auth login -p ${preset.id}, or give a key with --api-key.`,
  })
}

const conversation: Conversation = {
  say: (text) => console.log(text),
  question: async (text, signal) => await readLine(text, signal),
}

async function askForKey(preset: Preset, { endpoint, signal }: SignInOptions): Promise<Login> {
  const wanted = preset.login === 'endpoint and key' && endpoint === undefined
  const address = wanted ? await readLine(`${preset.endpoint?.env ?? 'Address'}: `, signal) : endpoint
  const key = process.stdin.isTTY ? await readSecret(preset) : await readLine('API key: ', signal)
  if (key === undefined || key.trim() === '') throw new AppError('LOGIN_FAILED', 'No key was given.')
  return keyLogin(key.trim(), address?.trim() || null)
}

async function readSecret(preset: Preset): Promise<string | undefined> {
  const { password, isCancel } = await import('@clack/prompts')
  const answer = await password({ message: `API key of ${preset.label}` })
  return isCancel(answer) ? undefined : answer
}

/** One line from standard input; `undefined` when it ends or the time is over. */
async function readLine(text: string, signal: AbortSignal): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  const { promise, resolve } = Promise.withResolvers<undefined>()
  lines.once('close', () => resolve(undefined))
  try {
    return await Promise.race([lines.question(text, { signal }), promise])
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  } finally {
    lines.close()
  }
}

function keyFromEnvironment(preset: Preset, env: Env, nonInteractive: boolean): string | undefined {
  if (!nonInteractive) return undefined
  const own = preset.keyEnv === null ? '' : env[preset.keyEnv]
  return own || env.openpista_API_KEY || env.OPENPISTA_API_KEY || undefined
}

function requireEndpoint(preset: Preset, { endpoint, kind }: Login): void {
  if (kind !== 'key' || preset.login !== 'endpoint and key') return
  const address = endpoint === null ? null : (preset.endpoint?.toBaseUrl(endpoint) ?? endpoint)
  if (address !== null && /^https?:$/.test(URL.parse(address)?.protocol ?? '')) return
  throw new AppError('LOGIN_FAILED', `${preset.label} needs its address.`, { hint: 'Give it with --endpoint.' })
}

function presetOf(name: string): Preset {
  const preset = findPreset(name)
  if (preset !== undefined) return preset
  throw new AppError('PROVIDER_UNKNOWN', `There is no provider '${name}'.`, {
    hint: `Choose one of: ${presets.map(({ id }) => id).join(', ')}.`,
  })
}

function open({ home, config }: Settings, env: Env): Auth {
  return openAuth({ home, config: config.auth, clientId: config.agent.oauth_client_id, env })
}

function wholeNumber(flag: string, text: string, most: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && value <= most) return value
  throw new AppError('USAGE', `${flag} must be a whole number up to ${most}, not '${text}'.`)
}

function describe({ provider, kind, endpoint, expiresAt }: LoginView, now: number): string {
  const what = kind === 'key' ? 'key' : 'login'
  const where = endpoint === null ? '' : `, at ${endpoint}`
  if (expiresAt === null) return `${provider}: ${what}${where}`
  const until = new Date(expiresAt * 1000).toISOString()
  return `${provider}: ${what}, ${expiresAt > now ? 'good until' : 'ended at'} ${until}${where}`
}

/** What the encryption is worth, said as it is. */
function howKept(place: KeyPlace | undefined): string {
  if (place === 'keyring') {
    return "Kept encrypted in credentials.toml; the key lies in the system's keyring and opens with your session."
  }
  return 'Kept encrypted in credentials.toml; the key lies beside it in credentials.key (mode 0600). That protects a copy of the one file, not against a program that runs as you.'
}
