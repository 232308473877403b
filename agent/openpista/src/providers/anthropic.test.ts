import { type FakeAnthropic, startFakeAnthropic } from '@openpista/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Message } from '../domain/message.ts'
import { createAnthropic } from './anthropic.ts'
import { type Credential, keyCredential } from './credential.ts'
import { providerConformance } from './provider.conformance.ts'
import type { ProviderEvent } from './provider.ts'

const settings = { id: 'anthropic', fixedBaseUrl: false, headers: {}, auth: 'bearer', env: {} } as const
const provider = (baseUrl: string, credential: Credential) =>
  createAnthropic({ ...settings, baseUrl, credential: async () => ({ ok: true, credential }) })

providerConformance('Anthropic', async () => {
  const service = await startFakeAnthropic()
  let open = true
  return {
    provider: provider(service.baseUrl, keyCredential(service.apiKey)),
    model: 'claude-sonnet-4-6',
    queue: service.queue,
    refused: () => service.refused,
    seenTools: () => service.requests.at(-1)?.tools?.map((tool) => tool.name) ?? [],
    aborted: service.aborted,
    close: async () => {
      if (open) await service.close()
      open = false
    },
  }
})

let service: FakeAnthropic
beforeEach(async () => {
  service = await startFakeAnthropic({ authToken: 'sk-ant-oat01-x' })
})
afterEach(async () => await service.close())

const owner = { kind: 'owner', channel: 'cli' } as const
const hello: Message = { role: 'user', parts: [{ type: 'text', text: 'hi', provenance: owner }] }
const run = { name: 'system.run', description: 'Runs.', parameters: { type: 'object', properties: {} } }

test('system prompt, results and options stand where the service wants them', async () => {
  service.queue({ text: 'Hello.' })
  const asked: Message = {
    role: 'assistant',
    text: 'I look.',
    thinking: [],
    calls: [
      { id: 'a', name: 'system.run', arguments: {} },
      { id: 'b', name: 'system.run', arguments: {} },
    ],
  }
  const answered: Message = { role: 'assistant', text: 'Two.', thinking: [], calls: [] }
  await ask([hello, asked, result('a'), result('b'), answered, hello])
  expect(service.requests[0]).toMatchObject({
    max_tokens: 26_000,
    thinking: { type: 'enabled', budget_tokens: 10_000 },
    system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'hi' }] },
      { role: 'assistant', content: [{ type: 'text' }, { type: 'tool_use' }, { type: 'tool_use' }] },
      { role: 'user', content: [{ type: 'tool_result' }, { type: 'tool_result' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'Two.' }] },
      { role: 'user', content: [{ type: 'text', text: 'hi', cache_control: { type: 'ephemeral' } }] },
    ],
  })
  expect(service.headers[0]).toMatchObject({
    'anthropic-version': '2023-06-01',
    'anthropic-beta': expect.stringContaining('interleaved-thinking-2025-05-14'),
  })
})

test('thinking goes back signed and in its place, also after a restart', async () => {
  service.queue(
    {
      blocks: [
        { thinking: 'First I look.' },
        { redacted: 'c2VjcmV0' },
        { text: 'Let me see.' },
        { thinking: 'Now I call.' },
        { call: { id: 'toolu_1', name: 'system_run', arguments: { command: 'ls' } } },
        { thinking: 'And again.' },
        { call: { id: 'toolu_2', name: 'system_run', arguments: {} } },
      ],
    },
    { text: 'Done.' },
  )
  const first = (await ask([hello])).at(-1)
  if (first?.type !== 'done') throw new Error(JSON.stringify(first))
  const kept = JSON.parse(JSON.stringify({ role: 'assistant', ...first })) as Message
  const events = await ask([hello, kept, result('toolu_1'), result('toolu_2')])
  expect(service.refused).toEqual([])
  expect(events.at(-1)).toMatchObject({ type: 'done', text: 'Done.' })
})

test('a tool loop that another provider began is ended without thinking', async () => {
  service.queue({ text: 'Done.' })
  const theirs: Message = {
    role: 'assistant',
    text: '',
    thinking: [{ type: 'thinking', provider: 'openai', text: 'hm', opaque: { id: 'rs_1' } }],
    calls: [{ id: 'call_1', name: 'system.run', arguments: {} }],
  }
  expect((await ask([hello, theirs, result('call_1')])).at(-1)).toMatchObject({ type: 'done', text: 'Done.' })
  expect(service.requests[0]?.thinking).toBeUndefined()
})

test("a subscription's token travels as bearer with the beta for it", async () => {
  service.queue({ text: 'Hello.' })
  const credential: Credential = { kind: 'oauth', token: 'sk-ant-oat01-x', accountId: null, endpoint: null }
  expect((await ask([hello], credential)).at(-1)).toMatchObject({ type: 'done', text: 'Hello.' })
  expect(service.headers[0]).not.toHaveProperty('x-api-key')
})

test('without a credential nothing is sent and the way to sign in is said', async () => {
  const refused = {
    ok: false,
    message: 'The login has ended.',
    hint: 'Run: openpista auth login -p anthropic',
  } as const
  const signedOut = createAnthropic({ ...settings, baseUrl: service.baseUrl, credential: async () => refused })
  const events: ProviderEvent[] = []
  const request = { model: 'claude-sonnet-4-6', system: '', messages: [hello], tools: [] }
  for await (const event of signedOut.stream(request, new AbortController().signal)) events.push(event)
  expect(events).toEqual([{ type: 'error', code: 'AUTH', message: expect.stringContaining(refused.hint) }])
  expect(service.requests).toEqual([])
})

async function ask(messages: Message[], credential = keyCredential(service.apiKey)): Promise<ProviderEvent[]> {
  const events: ProviderEvent[] = []
  const request = { model: 'claude-sonnet-4-6', system: 'Be brief.', messages, tools: [run] }
  const { stream } = provider(service.baseUrl, credential)
  for await (const event of stream(request, new AbortController().signal)) events.push(event)
  return events
}

function result(callId: string): Message {
  const provenance = { kind: 'tool', tool: 'system.run' } as const
  return { role: 'tool', callId, name: 'system.run', output: 'ok', isError: false, images: [], provenance }
}
