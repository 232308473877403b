import type { Candidate } from './model-stream.ts'
import { createProvider, type ProviderConfig } from './providers/index.ts'
import { findPreset } from './providers/presets.ts'
import type { RememberedModel } from './remembered.ts'

export type ModelChoice =
  /** `fallbacks` stand in, in this order, when the model fails. */
  | ({ ok: true; fallbacks: readonly Candidate[] } & Candidate)
  /** Nothing to ask: `hint` says in two lines what to do about it. */
  | { ok: false; hint: string }

/** Finds the model of a session. */
export type Models = {
  /**
   * `model`: what the owner chose for the session, over configuration; `<provider>:<model>` for another service's. `null`
   * is the configured model; where none is configured, the one chosen last.
   */
  choose: (model: string | null) => Promise<ModelChoice>
}

export type ModelsConfig = ProviderConfig & {
  /** `<provider>/<model>` each; those that are not ready (no key) are left out. */
  fallback: readonly string[]
  /** Where a local Ollama is looked for when nothing is configured; empty: nowhere. */
  ollamaUrl: string
  /** The model chosen last, by hand. */
  remembered: () => RememberedModel | undefined
}

const OLLAMA_TIMEOUT_MS = 400
const OLLAMA_ASK_AGAIN_MS = 15_000

/** Models from configuration; without one, a local Ollama that answers; without that, a hint. */
export function createModels(config: ModelsConfig, now: () => number): Models {
  let configured = createProvider(config)
  let found: { at: number; model: Promise<string | undefined> } | undefined

  return {
    choose: async (chosen) => {
      const { provider, model } = wanted(chosen, config)
      if (provider !== undefined) return elsewhere(provider, model, config)
      // A login since the start makes a provider ready.
      if (!configured.ok) configured = createProvider(config)
      if (configured.ok) return { ...configured, ...(model === null ? {} : { model }), fallbacks: fallbacks(config) }
      if (configured.code !== 'API_KEY_MISSING')
        return { ok: false, hint: hint(`${configured.message} ${configured.hint}`) }
      if (found === undefined || now() - found.at > OLLAMA_ASK_AGAIN_MS) {
        found = { at: now(), model: findOllama(config.ollamaUrl) }
      }
      const local = await found.model
      if (local === undefined) return { ok: false, hint: hint(NO_MODEL) }
      const choice = createProvider({ ...config, provider: 'ollama', baseUrl: config.ollamaUrl, model: model ?? local })
      return choice.ok ? { ...choice, fallbacks: [] } : { ok: false, hint: hint(choice.message) }
    },
  }
}

/** What a choice means; `provider` where it is not the configured one's. */
function wanted(chosen: string | null, config: ModelsConfig): { provider?: string; model: string | null } {
  if (chosen === null) {
    const last = config.model === '' ? config.remembered() : undefined
    return { model: last?.provider === ownProvider(config) ? last.model : null }
  }
  const [, name = '', model = ''] = /^([a-z-]+):(.+)$/.exec(chosen) ?? []
  const provider = findPreset(name)?.id
  if (provider === undefined) return { model: chosen }
  return provider === ownProvider(config) ? { model } : { provider, model }
}

function ownProvider({ provider }: ModelsConfig): string {
  return findPreset(provider)?.id ?? provider
}

/** A model of another service than the configured one. */
function elsewhere(provider: string, model: string | null, config: ModelsConfig): ModelChoice {
  // What needs no login runs on this machine, where the configuration says.
  const baseUrl = findPreset(provider)?.login === 'none' ? config.ollamaUrl : ''
  const choice = createProvider({ ...config, ...OWN_DEFAULTS, baseUrl, provider, model: model ?? '' })
  return choice.ok
    ? { ...choice, fallbacks: fallbacks(config) }
    : { ok: false, hint: hint(`${choice.message} ${choice.hint}`) }
}

/** Made anew for each turn: a login or logout counts at once. */
function fallbacks(config: ModelsConfig): Candidate[] {
  return config.fallback.flatMap((name) => {
    const slash = name.indexOf('/')
    const choice = createProvider({
      ...config,
      ...OWN_DEFAULTS,
      provider: name.slice(0, slash),
      model: name.slice(slash + 1),
    })
    return choice.ok ? { provider: choice.provider, model: choice.model } : []
  })
}

/** The configured key and address are the first model's; one service's key is never offered to another. */
const OWN_DEFAULTS = { apiKey: '', baseUrl: '' }

const NO_MODEL =
  'No model is configured: set an API key in the environment (OPENAI_API_KEY, OPENROUTER_API_KEY, …) and start again, sign in with openpista auth login, or start a local Ollama, which is found by itself.'

function hint(why: string): string {
  return `${why}\nWithout a model the slash commands work: /run ls, /read <path>, /wallet balance, /wallet send 0.01 ETH to 0x… (/help lists them all).`
}

/** The first model of a local Ollama, or `undefined` when none answers. */
async function findOllama(baseUrl: string): Promise<string | undefined> {
  if (baseUrl === '') return undefined
  try {
    const response = await fetch(`${baseUrl}/models`, { signal: AbortSignal.timeout(OLLAMA_TIMEOUT_MS) })
    const body = (await response.json()) as { data?: { id?: unknown }[] }
    const id = body.data?.[0]?.id
    return response.ok && typeof id === 'string' ? id : undefined
  } catch {
    return undefined
  }
}
