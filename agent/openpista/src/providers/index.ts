import { createAnthropic } from './anthropic.ts'
import type { CredentialSource } from './credential.ts'
import { createOpenAI } from './openai.ts'
import { createOpenAICompatible } from './openai-compatible.ts'
import { findPreset, type Preset, presets, type WireName } from './presets.ts'
import type { Provider } from './provider.ts'
import { fetchModelIds, type ModelList } from './remote-models.ts'
import type { WireSettings } from './wire.ts'

/** Every wire format this program speaks. A new one is a file beside this one and a line here. */
const wires = {
  openai: createOpenAI,
  anthropic: createAnthropic,
  'openai-compatible': createOpenAICompatible,
} as const satisfies Record<WireName, (settings: WireSettings) => Provider>

/** What configuration says about the model. Empty texts count as absent. */
export type ProviderConfig = {
  /** Preset id or alias. */
  provider: string
  model: string
  /** From configuration or `openpista_API_KEY`; goes before every other. */
  apiKey: string
  baseUrl: string
  /** Where the preset's own variables are looked up: usually `process.env`. */
  env: Readonly<Record<string, string | undefined>>
  credentials: CredentialSource
}

export type ProviderChoice =
  | {
      ok: true
      provider: Provider
      model: string
      baseUrl: string
      /** Asks the service which models it has. */
      listModels: () => Promise<ModelList>
    }
  | {
      ok: false
      code: 'PROVIDER_UNKNOWN' | 'BASE_URL_INVALID' | 'MODEL_MISSING' | 'API_KEY_MISSING'
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
  const stored = config.credentials.find(preset.id)
  const baseUrl = findBaseUrl(preset, config, stored?.endpoint ?? null)
  if (baseUrl === null || !/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? '')) {
    const own = preset.endpoint === null ? '' : `${preset.endpoint.env}, `
    const hint = `Set ${own}agent.base_url, or openpista_BASE_URL, to an address such as http://localhost:8000/v1.`
    return fail('BASE_URL_INVALID', `${preset.label} needs an http or https address (base_url).`, hint)
  }
  const model = config.model === '' ? preset.defaultModel : config.model
  if (model === null) {
    const hint = 'Set agent.model, or openpista_MODEL, to a model name of that service.'
    return fail('MODEL_MISSING', `${preset.label} needs a model name.`, hint)
  }
  // One service's key is never offered to another: only the preset's own variable is read.
  const environment = preset.keyEnv === null ? '' : (config.env[preset.keyEnv] ?? '')
  if (config.apiKey === '' && stored === undefined && environment === '' && preset.needsKey) {
    const hint = `Set ${preset.keyEnv} in the environment, or agent.api_key, or run: openpista auth login -p ${preset.id}.`
    return fail('API_KEY_MISSING', `${preset.label} needs an API key.`, hint)
  }
  const settings: WireSettings = {
    ...{ id: preset.id, baseUrl, fixedBaseUrl: config.baseUrl !== '' || preset.endpoint !== null },
    ...{ headers: preset.headers, auth: preset.auth, env: config.env },
    credential: () => config.credentials.resolve(preset.id, { configured: config.apiKey, environment }),
  }
  const listModels = () => fetchModelIds(settings, preset.wire)
  return { ok: true, provider: wires[preset.wire](settings), model, baseUrl, listModels }
}

function findBaseUrl(preset: Preset, config: ProviderConfig, stored: string | null): string | null {
  if (config.baseUrl !== '') return config.baseUrl
  // A login at a service with one address may bring another for its requests; that is asked for with each of them.
  if (preset.endpoint === null) return preset.baseUrl ?? stored
  const given = stored ?? config.env[preset.endpoint.env] ?? ''
  return given === '' ? null : preset.endpoint.toBaseUrl(given)
}

function fail(code: Extract<ProviderChoice, { ok: false }>['code'], message: string, hint: string): ProviderChoice {
  return { ok: false, code, message, hint }
}
