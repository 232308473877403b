import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FakeAnthropic, startFakeAnthropic } from './fake-anthropic.ts'

let service: FakeAnthropic
beforeEach(async () => {
  service = await startFakeAnthropic({ apiKey: 'k', authToken: 't', models: ['m'] })
})
afterEach(async () => await service.close())

const version = { 'anthropic-version': '2023-06-01' }
const user = { role: 'user', content: 'hi' }
const calling = (id: string) => ({ role: 'assistant', content: [{ type: 'tool_use', id, name: 'a', input: {} }] })
const result = (id: string) => ({ role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: 'ok' }] })
const body = (part: object = {}) => ({ model: 'm', max_tokens: 2000, stream: true, messages: [user], ...part })
const thinking = { type: 'enabled', budget_tokens: 1024 }

async function ask(content: unknown, headers: Record<string, string> = { ...version, 'x-api-key': 'k' }) {
  const all = { 'content-type': 'application/json', ...headers }
  return await fetch(`${service.baseUrl}/v1/messages`, { method: 'POST', headers: all, body: JSON.stringify(content) })
}

test.each<[string, unknown, string]>([
  ['an unknown key', body({ surprise: 1 }), 'Extra inputs'],
  ['no max_tokens', { model: 'm', messages: [user] }, 'max_tokens: Field required'],
  ['a system message', body({ messages: [{ role: 'system', content: 'x' }] }), 'Unexpected role'],
  ['an empty text', body({ messages: [{ role: 'user', content: '' }] }), 'non-whitespace'],
  ['a dotted tool name', body({ tools: [{ name: 'a.b', input_schema: { type: 'object' } }] }), 'should match pattern'],
  ['a call without result', body({ messages: [user, calling('x'), user] }), 'without `tool_result`'],
  ['a result without call', body({ messages: [user, result('x')] }), 'unexpected `tool_use_id`'],
  ['a budget as large as the answer', body({ thinking: { type: 'enabled', budget_tokens: 2000 } }), 'max_tokens'],
  [
    'a tool loop without its thinking',
    body({ thinking, messages: [user, calling('x'), result('x')] }),
    'Expected `thinking`',
  ],
  [
    'thinking with a signature of its own',
    body({ messages: [user, { role: 'assistant', content: [{ type: 'thinking', thinking: 'x', signature: 'y' }] }] }),
    'Invalid `signature`',
  ],
])('refuses %s', async (_what, content, words) => {
  const response = await ask(content)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ type: 'error', error: { message: expect.stringContaining(words) } })
})

test.each<[string, Record<string, string>, number]>([
  ['no version', { 'x-api-key': 'k' }, 400],
  ['another version', { 'x-api-key': 'k', 'anthropic-version': '2020-01-01' }, 400],
  ['an unknown beta', { ...version, 'x-api-key': 'k', 'anthropic-beta': 'nonsense-2020-01-01' }, 400],
  ['no key', version, 401],
  ['another key', { ...version, 'x-api-key': 'z' }, 401],
  ['a bearer token without its beta', { ...version, authorization: 'Bearer t' }, 401],
])('refuses %s', async (_what, headers, status) => {
  expect((await ask(body(), headers)).status).toBe(status)
})

test('streams blocks with their signature, and takes them back unchanged only', async () => {
  service.queue({ reasoning: 'I look.', calls: [{ id: 'x', name: 'a', arguments: {} }] }, { text: 'ok' })
  const stream = await (await ask(body({ thinking }))).text()
  const events = stream.split('\n').flatMap((line) => (line.startsWith('event: ') ? line.slice(7) : []))
  expect([...new Set(events)]).toEqual([
    ...['message_start', 'ping', 'content_block_start', 'content_block_delta', 'content_block_stop'],
    ...['message_delta', 'message_stop'],
  ])
  const signature = /"signature":"([^"]+)"/.exec(stream)![1]
  const block = { type: 'thinking', thinking: 'I look.', signature }
  const answer = (content: object[]) =>
    body({ thinking, messages: [user, { role: 'assistant', content }, result('x')] })
  const call = calling('x').content[0]!
  expect((await ask(answer([block, { type: 'text', text: 'added' }, call]))).status).toBe(400)
  expect((await ask(answer([block, call]))).status).toBe(200)
})
