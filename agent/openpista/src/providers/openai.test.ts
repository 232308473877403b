import { type FakeOpenAI, startFakeOpenAI } from '@openpista/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Message } from '../domain/message.ts'
import { type Credential, keyCredential } from './credential.ts'
import { createOpenAI } from './openai.ts'
import { providerConformance } from './provider.conformance.ts'
import type { Provider, ProviderEvent } from './provider.ts'

const settings = { id: 'openai', fixedBaseUrl: false, headers: {}, auth: 'bearer', env: {} } as const
const subscription = (endpoint: string): Credential => ({
  kind: 'oauth',
  token: 'chatgpt-token',
  accountId: 'account-1',
  endpoint,
})

providerConformance('OpenAI Responses', async () => {
  const service = await startFakeOpenAI({ models: ['o4-mini'] })
  const credential = { ok: true as const, credential: keyCredential(service.apiKey) }
  let open = true
  return {
    provider: createOpenAI({ ...settings, baseUrl: service.baseUrl, credential: async () => credential }),
    model: 'o4-mini',
    queue: service.queue,
    refused: () => service.refused,
    seenTools: () => service.responses.at(-1)?.tools?.map((tool) => tool.name) ?? [],
    aborted: service.aborted,
    close: async () => {
      if (open) await service.close()
      open = false
    },
  }
})

let service: FakeOpenAI
let provider: Provider
beforeEach(async () => {
  service = await startFakeOpenAI({
    chatgpt: true,
    prefix: '/backend-api/codex',
    models: ['gpt-5.3-codex', 'gpt-4o'],
    checkAccess: ({ headers }) =>
      headers.authorization === 'Bearer chatgpt-token' && headers['chatgpt-account-id'] === 'account-1'
        ? undefined
        : 'Could not validate your token.',
  })
  const credential = { ok: true as const, credential: subscription(service.baseUrl) }
  provider = createOpenAI({ ...settings, baseUrl: 'http://127.0.0.1:9', credential: async () => credential })
})
afterEach(async () => await service.close())

const owner = { kind: 'owner', channel: 'cli' } as const
const hello: Message = { role: 'user', parts: [{ type: 'text', text: 'hi', provenance: owner }] }
const run = { name: 'system.run', description: 'Runs.', parameters: { type: 'object', properties: {} } }

test('a ChatGPT account goes to its own address with its id, and keeps nothing there', async () => {
  service.queue({ text: 'Hello.' })
  expect((await ask([hello], 'gpt-4o')).at(-1)).toMatchObject({ type: 'done', text: 'Hello.' })
  expect(service.responses[0]).toMatchObject({ store: false, stream: true, instructions: 'Be brief.' })
})

test('encrypted reasoning goes back in front of its call, also after a restart', async () => {
  service.queue(
    { reasoning: 'I must look.', calls: [{ id: 'call_1', name: 'system_run', arguments: {} }] },
    { text: 'ok' },
  )
  const done = (await ask([hello])).at(-1)
  if (done?.type !== 'done') throw new Error('no answer')
  expect(done.thinking[0]?.text).toBe('I must look.')
  const kept = JSON.parse(JSON.stringify({ role: 'assistant', ...done })) as Message
  const events = await ask([hello, kept, result('call_1')])
  expect(service.refused).toEqual([])
  expect(events.at(-1)).toMatchObject({ type: 'done', text: 'ok' })
  expect(service.responses[1]?.input.map(({ type, role }) => type ?? role)).toEqual([
    'user',
    'reasoning',
    'function_call',
    'function_call_output',
  ])
})

test("one model's reasoning is not shown to another", async () => {
  service.queue({ reasoning: 'hm', calls: [{ id: 'call_1', name: 'system_run', arguments: {} }] }, { text: 'ok' })
  const done = (await ask([hello])).at(-1)
  if (done?.type !== 'done') throw new Error('no answer')
  await ask([hello, { role: 'assistant', ...done }, result('call_1')], 'gpt-4o')
  expect(service.responses[1]?.input.some(({ type }) => type === 'reasoning')).toBe(false)
})

async function ask(messages: Message[], model = 'gpt-5.3-codex'): Promise<ProviderEvent[]> {
  const events: ProviderEvent[] = []
  const request = { model, system: 'Be brief.', messages, tools: [run] }
  for await (const event of provider.stream(request, new AbortController().signal)) events.push(event)
  return events
}

function result(callId: string): Message {
  const provenance = { kind: 'tool', tool: 'system.run' } as const
  return { role: 'tool', callId, name: 'system.run', output: 'ok', isError: false, images: [], provenance }
}
