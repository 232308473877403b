import { AwsV4Signer } from 'aws4fetch'
import type { Credential } from './credential.ts'
import { createLanguageModelProvider } from './language-model.ts'
import type { LanguageModel } from './library.ts'
import type { Dialect } from './prompt.ts'
import type { Provider } from './provider.ts'
import type { WireSettings } from './wire.ts'

/** No place for images in tool results, and reasoning is not part of the conversation. */
export const chatDialect: Dialect = { thinking: 'left out', toolImages: 'after', cacheMark: null }

/** Chat Completions over HTTP, as OpenAI made it and many services copy it. */
export function createOpenAICompatible(settings: WireSettings): Provider {
  const chatModel = createChatModels(settings)
  return createLanguageModelProvider(settings.id, async ({ model }) => {
    const found = await settings.credential()
    if (!found.ok) return found
    return {
      ok: true,
      model: await chatModel(found.credential, model),
      dialect: chatDialect,
      systemInPrompt: true,
      options: {},
    }
  })
}

/**
 * Models that are spoken to in chat completions. The one that was asked for last is kept, for to make it takes about
 * as long as a request.
 */
export function createChatModels(settings: WireSettings) {
  let kept: { key: string; made: LanguageModel } | undefined
  return async (credential: Credential, model: string): Promise<LanguageModel> => {
    const key = JSON.stringify([model, credential.token, credential.endpoint])
    if (kept?.key === key) return kept.made
    const made = await makeChatModel(settings, credential, model)
    kept = { key, made }
    return made
  }
}

async function makeChatModel(settings: WireSettings, credential: Credential, model: string): Promise<LanguageModel> {
  const { createOpenAICompatible: create } = await import('@ai-sdk/openai-compatible')
  const baseURL = settings.fixedBaseUrl ? settings.baseUrl : (credential.endpoint ?? settings.baseUrl)
  return create({
    name: settings.id,
    baseURL,
    includeUsage: true,
    headers: { ...settings.headers, ...accessHeaders(settings.auth, credential.token) },
    ...(settings.auth === 'aws' ? { fetch: signingFetch(settings, credential.token) } : {}),
  }).chatModel(model)
}

/** The headers that prove who asks; a signed request has none before it is signed. */
export function accessHeaders(auth: WireSettings['auth'], token: string): Record<string, string> {
  if (token === '' || auth === 'aws') return {}
  return auth === 'bearer' ? { authorization: `Bearer ${token}` } : { 'api-key': token }
}

/** Signs every request with AWS Signature Version 4. `token`: the secret key, or `key id:secret key`. */
export function signingFetch({ env, baseUrl }: Pick<WireSettings, 'env' | 'baseUrl'>, token: string): typeof fetch {
  const colon = token.indexOf(':')
  const accessKeyId = colon === -1 ? (env.AWS_ACCESS_KEY_ID ?? '') : token.slice(0, colon)
  const secretAccessKey = token.slice(colon + 1)
  const sessionToken = colon === -1 ? env.AWS_SESSION_TOKEN : undefined
  const region =
    /^bedrock-runtime\.([a-z0-9-]+)\./.exec(new URL(baseUrl).hostname)?.[1] ?? env.AWS_REGION ?? 'us-east-1'
  return async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input)
    const signer = new AwsV4Signer({
      ...{ url, region, service: 'bedrock', accessKeyId, secretAccessKey },
      ...(sessionToken === undefined ? {} : { sessionToken }),
      method: init.method ?? 'GET',
      headers: init.headers ?? {},
      body: init.body ?? null,
    })
    const { headers } = await signer.sign()
    return await fetch(url, { ...init, headers })
  }
}
