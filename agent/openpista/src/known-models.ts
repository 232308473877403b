import { join } from 'node:path'
import { openAuth } from './auth/index.ts'
import type { Settings } from './config.ts'
import { type CatalogueEntry, readCatalogue } from './providers/catalogue.ts'
import { createProvider, type ProviderChoice } from './providers/index.ts'
import { presets } from './providers/presets.ts'

type Env = Readonly<Record<string, string | undefined>>
type Ready = Extract<ProviderChoice, { ok: true }>

export type KnownModels = { entries: CatalogueEntry[]; problems: string[]; current: ProviderChoice }

/** Every model of the configured provider, and those known of the others that are ready to use. */
export async function knownModels(settings: Settings, env: Env): Promise<KnownModels> {
  const current = chooseProvider(settings, env, settings.config.agent.provider, '')
  const found: KnownModels = { entries: [], problems: [], current }
  for (const preset of presets) {
    const ready = chooseProvider(settings, env, preset.id, 'any')
    const isCurrent = current.ok && ready.ok && current.provider.id === ready.provider.id
    // A service without a key is only asked when it is the configured one: nobody said that it runs.
    if (!ready.ok || (!preset.needsKey && !isCurrent)) continue
    const { entries, problem } = await catalogueOf(settings, ready)
    found.entries.push(...entries)
    if (problem !== null) found.problems.push(problem)
  }
  return found
}

/** One line for each service: whether it can be used now. Never a secret. */
export function serviceLines(settings: Settings, env: Env): string[] {
  return presets.map((preset) => {
    const choice = chooseProvider(settings, env, preset.id, 'any')
    const words = preset.login === 'none' ? 'needs no login' : choice.ok ? 'ready' : 'not signed in'
    return `${preset.id.padEnd(18)} ${words}`
  })
}

/** The provider of that name; the configured address and key belong to the configured one only. */
export function chooseProvider({ config, home }: Settings, env: Env, provider: string, id: string): ProviderChoice {
  const own = provider === config.agent.provider
  const { credentials } = openAuth({ home, config: config.auth, clientId: config.agent.oauth_client_id, env })
  return createProvider({
    ...{ provider, env, credentials, model: id || (own ? config.agent.model : '') },
    apiKey: own ? config.agent.api_key : '',
    baseUrl: own ? config.agent.base_url : '',
  })
}

export async function catalogueOf(settings: Settings, { provider, baseUrl, listModels }: Ready) {
  const folder = join(settings.home, 'cache')
  return await readCatalogue({ provider: provider.id, baseUrl, folder, listModels, now: Date.now })
}
