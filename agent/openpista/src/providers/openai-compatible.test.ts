import { checkSignature, type FakeOpenAIOptions, startFakeOpenAI } from '@openpista/testing'
import { expect, test } from 'vitest'
import type { Message } from '../domain/message.ts'
import { keyCredential, keysOnly } from './credential.ts'
import { createProvider, type ProviderConfig } from './index.ts'
import { createOpenAICompatible } from './openai-compatible.ts'
import { EDITOR_HEADERS } from './presets.ts'
import { providerConformance } from './provider.conformance.ts'

type Row = {
  provider: string
  service: FakeOpenAIOptions
  env: Record<string, string>
  /** The configured address, when it does not come from `env`. */
  baseUrl: 'configured' | ((baseUrl: string) => Record<string, string>)
}

const bearer = { baseUrl: 'configured', env: {} } as const
const signing = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret/key+', region: 'eu-west-1', service: 'bedrock' }

/** Every service that is spoken to in chat completions, as it looks from outside. */
const rows: Row[] = [
  { ...bearer, provider: 'openai', service: {}, env: { OPENAI_API_KEY: 'test-key' } },
  { ...bearer, provider: 'together', service: {}, env: { TOGETHER_API_KEY: 'test-key' } },
  {
    ...bearer,
    provider: 'ollama',
    service: {
      checkAccess: ({ headers }) => (headers.authorization === undefined ? undefined : 'No key is expected.'),
    },
  },
  { ...bearer, provider: 'openrouter', service: { prefix: '/api/v1' }, env: { OPENROUTER_API_KEY: 'test-key' } },
  { ...bearer, provider: 'custom', service: {}, env: { OPENAI_API_KEY: 'test-key' } },
  { ...bearer, provider: 'google', service: { prefix: '/v1beta/openai' }, env: { GOOGLE_API_KEY: 'test-key' } },
  { ...bearer, provider: 'vercel-ai-gateway', service: {}, env: { VERCEL_AI_GATEWAY_API_KEY: 'test-key' } },
  {
    ...bearer,
    provider: 'github-copilot',
    service: {
      prefix: '',
      checkAccess: ({ headers }) => {
        const missing = Object.entries(EDITOR_HEADERS).find(([name, value]) => headers[name] !== value)
        if (missing !== undefined) return `missing ${missing[0]} header`
        return headers.authorization === 'Bearer tid=1;exp=2' ? undefined : 'unauthorized: token expired'
      },
    },
    env: { GITHUB_COPILOT_TOKEN: 'tid=1;exp=2' },
  },
  {
    provider: 'azure-openai',
    service: {
      prefix: '/openai/v1',
      checkAccess: ({ headers }) => {
        if (headers.authorization !== undefined) return 'A bearer token is for Entra ID.'
        return headers['api-key'] === 'azure-key' ? undefined : 'Access denied due to invalid subscription key.'
      },
    },
    env: { AZURE_OPENAI_API_KEY: 'azure-key' },
    baseUrl: (url) => ({ AZURE_OPENAI_ENDPOINT: new URL(url).origin }),
  },
  {
    provider: 'bedrock',
    service: { prefix: '/openai/v1', checkAccess: (request) => checkSignature(request, signing) },
    env: {
      AWS_ACCESS_KEY_ID: signing.accessKeyId,
      AWS_SECRET_ACCESS_KEY: signing.secretAccessKey,
      AWS_REGION: 'eu-west-1',
    },
    baseUrl: 'configured',
  },
]

for (const row of rows) {
  providerConformance(row.provider, async () => {
    const { service, config } = await start(row)
    const choice = createProvider(config)
    if (!choice.ok) throw new Error(choice.message)
    return {
      provider: choice.provider,
      model: 'test-model',
      queue: service.queue,
      refused: () => service.refused,
      seenTools: () => service.requests.at(-1)?.tools?.map((tool) => tool.function.name) ?? [],
      aborted: service.aborted,
      close: service.close,
    }
  })
}

test('a request signed with another secret is an authentication error that says how to sign in', async () => {
  const { service, config } = await start(rows.find(({ provider }) => provider === 'bedrock')!)
  const choice = createProvider({ ...config, apiKey: 'AKIDEXAMPLE:another' })
  if (!choice.ok) throw new Error(choice.message)
  const events = await ask(choice.provider)
  await service.close()
  expect(events).toEqual([
    { type: 'error', code: 'AUTH', message: expect.stringMatching(/signature.*openpista auth login -p bedrock/) },
  ])
})

test('reasoning is streamed apart from the text and kept with the answer', async () => {
  const { service, config } = await start(rows.find(({ provider }) => provider === 'custom')!)
  service.queue({ reasoning: 'The owner greets me.', text: 'Hello.' })
  const choice = createProvider(config)
  if (!choice.ok) throw new Error(choice.message)
  const events = await ask(choice.provider)
  await service.close()
  expect(events.at(-1)).toMatchObject({
    text: 'Hello.',
    thinking: [{ type: 'thinking', provider: 'custom', text: 'The owner greets me.' }],
  })
  expect(service.requests[0]?.messages).toEqual([{ role: 'user', content: 'hi' }])
})

async function start(row: Row) {
  const service = await startFakeOpenAI(row.service)
  const own = row.baseUrl === 'configured' ? {} : row.baseUrl(service.baseUrl)
  const config: ProviderConfig = {
    ...{ provider: row.provider, model: 'test-model', apiKey: '', credentials: keysOnly },
    baseUrl: row.baseUrl === 'configured' ? service.baseUrl : '',
    env: { ...row.env, ...own },
  }
  let open = true
  const close = async () => {
    if (open) await service.close()
    open = false
  }
  return { service: { ...service, close }, config }
}

type Provider = Extract<ReturnType<typeof createProvider>, { ok: true }>['provider']

async function ask(provider: Provider) {
  const events = []
  const hello = { type: 'text' as const, text: 'hi', provenance: { kind: 'owner' as const, channel: 'cli' } }
  const request = { model: 'test-model', system: '', messages: [{ role: 'user' as const, parts: [hello] }], tools: [] }
  for await (const event of provider.stream(request, new AbortController().signal)) events.push(event)
  return events
}

test('a credential or a model that changes between two requests is used with the next one', async () => {
  const service = await startFakeOpenAI({ models: ['a', 'b'], checkAccess: () => undefined })
  let token = 'first'
  const provider = createOpenAICompatible({
    ...{ id: 'custom', baseUrl: service.baseUrl, fixedBaseUrl: true, headers: {}, auth: 'bearer', env: {} },
    credential: async () => ({ ok: true, credential: keyCredential(token) }),
  })
  const ask = async (model: string) => {
    service.queue({ text: 'hi' })
    const messages: Message[] = [
      { role: 'user', parts: [{ type: 'text', text: 'hi', provenance: { kind: 'owner', channel: 'cli' } }] },
    ]
    const events = provider.stream({ model, system: '', messages, tools: [] }, new AbortController().signal)
    for await (const event of events) expect(event.type).not.toBe('error')
  }
  await ask('a')
  await ask('a')
  token = 'second'
  await ask('a')
  await ask('b')
  expect(service.headers.map(({ authorization }) => authorization)).toEqual([
    'Bearer first',
    'Bearer first',
    'Bearer second',
    'Bearer second',
  ])
  expect(service.requests.map(({ model }) => model)).toEqual(['a', 'a', 'a', 'b'])
  await service.close()
})
