import { modelInfo } from '../domain/model-info.ts'
import type { Credential } from './credential.ts'
import { createLanguageModelProvider } from './language-model.ts'
import { chatDialect, createChatModels } from './openai-compatible.ts'
import type { Dialect } from './prompt.ts'
import type { Provider } from './provider.ts'
import type { WireSettings } from './wire.ts'

/** Encrypted reasoning goes back, because nothing is kept at the service. */
const responsesDialect: Dialect = { thinking: 'replayed', toolImages: 'inside', cacheMark: null }

/**
 * OpenAI's own service: chat completions for the models made for them, the Responses API for the others and for
 * everything behind a ChatGPT subscription, which is served from an address of its own.
 */
export function createOpenAI(settings: WireSettings): Provider {
  const chatModel = createChatModels(settings)
  return createLanguageModelProvider(settings.id, async ({ model, system }) => {
    const found = await settings.credential()
    if (!found.ok) return found
    const { credential } = found
    const { api, effort } = modelInfo(settings.id, model)
    if (api === 'chat' && credential.kind !== 'oauth') {
      const chat = await chatModel(credential, model)
      return { ok: true, model: chat, dialect: chatDialect, systemInPrompt: true, options: {} }
    }
    const openai = {
      store: false,
      // A subscription refuses requests without instructions.
      instructions: system === '' ? 'Be helpful.' : system,
      include: ['reasoning.encrypted_content'],
      ...(effort === null ? {} : { reasoningEffort: effort, reasoningSummary: 'auto' }),
    }
    return {
      ok: true,
      model: await responsesModel(settings, credential, model),
      dialect: responsesDialect,
      systemInPrompt: false,
      options: { providerOptions: { openai } },
    }
  })
}

async function responsesModel(settings: WireSettings, credential: Credential, model: string) {
  const { createOpenAI: create } = await import('@ai-sdk/openai')
  const account = credential.accountId
  return create({
    apiKey: credential.token,
    baseURL: settings.fixedBaseUrl ? settings.baseUrl : (credential.endpoint ?? settings.baseUrl),
    headers: {
      ...settings.headers,
      ...(account === null ? {} : { 'chatgpt-account-id': account, originator: 'openpista' }),
    },
  }).responses(model)
}
