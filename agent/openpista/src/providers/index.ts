import { createOpenAICompatible } from './openai-compatible.ts'
import { findPreset, type Preset, presets, type WireName } from './presets.ts'
import type { Provider } from './provider.ts'

/** Every wire format this program speaks. A new one is a file beside this one and a line here. */
const wires = { 'openai-compatible': createOpenAICompatible } as const satisfies Record<WireName, unknown>

/** What configuration says about the model. Empty texts count as absent. */
export type ProviderConfig = {
  /** Preset id or alias. */
  provider: string
  model: string
  /** From configuration, `openpista_API_KEY` or the credential store, in that order of precedence. */
  apiKey: string
  baseUrl: string
  /** Where the preset's own key variable is looked up: usually `process.env`. */
  env: Readonly<Record<string, string | undefined>>
}

export type ProviderChoice =
  | { ok: true; provider: Provider; model: string }
  | {
      ok: false
      code: 'PROVIDER_UNKNOWN' | 'PROVIDER_NOT_SPOKEN' | 'BASE_URL_INVALID' | 'MODEL_MISSING' | 'API_KEY_MISSING'
      message: string
      hint: string
    }

/** Makes the provider that configuration names, or says what is missing. Opens no connection. */
export function createProvider(config: ProviderConfig): ProviderChoice {
  const preset = findPreset(config.provider)
  if (preset === undefined) {
    const known = presets.map(({ id }) => id).join(', ')
    return fail('PROVIDER_UNKNOWN', `There is no provider '${config.provider}'.`, `Set agent.provider to: ${known}.`)
  }
  if (preset.wire === null) {
    const hint = 'Use a service with an OpenAI-compatible API (openai, openrouter, together, ollama, custom).'
    return fail('PROVIDER_NOT_SPOKEN', `The API of ${preset.label} is not spoken yet.`, hint)
  }
  const baseUrl = config.baseUrl === '' ? preset.baseUrl : config.baseUrl
  if (baseUrl === null || !/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? '')) {
    const hint = 'Set agent.base_url, or openpista_BASE_URL, to an address such as http://localhost:8000/v1.'
    return fail('BASE_URL_INVALID', `${preset.label} needs an http or https address (base_url).`, hint)
  }
  const model = config.model === '' ? preset.defaultModel : config.model
  if (model === null) {
    const hint = 'Set agent.model, or openpista_MODEL, to a model name of that service.'
    return fail('MODEL_MISSING', `${preset.label} needs a model name.`, hint)
  }
  const apiKey = findKey(preset, config)
  if (apiKey === '' && preset.needsKey) {
    const hint = `Set ${preset.keyEnv} in the environment, or agent.api_key, or run: openpista auth login.`
    return fail('API_KEY_MISSING', `${preset.label} needs an API key.`, hint)
  }
  return { ok: true, provider: wires[preset.wire]({ id: preset.id, baseUrl, apiKey }), model }
}

/** One service's key is never offered to another: only the preset's own variable is read. */
function findKey(preset: Preset, config: ProviderConfig): string {
  if (config.apiKey !== '') return config.apiKey
  return preset.keyEnv === null ? '' : (config.env[preset.keyEnv] ?? '')
}

function fail(code: Extract<ProviderChoice, { ok: false }>['code'], message: string, hint: string): ProviderChoice {
  return { ok: false, code, message, hint }
}
