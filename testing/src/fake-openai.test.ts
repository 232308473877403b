import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FakeOpenAI, startFakeOpenAI } from './fake-openai.ts'

let service: FakeOpenAI
beforeEach(async () => {
  service = await startFakeOpenAI({ apiKey: 'k', models: ['m'] })
})
afterEach(async () => await service.close())

const user = { role: 'user', content: 'hi' }
const calling = (id: string, text = '{}', name = 'a') => ({
  role: 'assistant',
  content: null,
  tool_calls: [{ id, type: 'function', function: { name, arguments: text } }],
})
const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: 'ok' })
const tool = (name: string, parameters: object = { type: 'object', properties: {} }) => ({
  type: 'function',
  function: { name, parameters },
})

async function ask(body: unknown, key = 'k') {
  const headers = { 'content-type': 'application/json', ...(key === '' ? {} : { authorization: `Bearer ${key}` }) }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return await fetch(`${service.baseUrl}/chat/completions`, { method: 'POST', headers, body: text })
}
const chat = (part: object = {}) => ({ model: 'm', messages: [user], ...part })

test.each<[string, unknown, string]>([
  ['no JSON', '{', 'could not parse'],
  ['no model', { messages: [user] }, 'model parameter'],
  ['no messages', { model: 'm' }, 'messages'],
  ['empty messages', chat({ messages: [] }), 'empty array'],
  ['an unknown argument', chat({ surprise: 1 }), 'surprise'],
  ['an unknown role', chat({ messages: [{ role: 'robot', content: 'x' }] }), 'robot'],
  ['a message without content', chat({ messages: [{ role: 'user' }] }), 'content'],
  ['an unknown part', chat({ messages: [{ role: 'user', content: [{ type: 'smell' }] }] }), 'smell'],
  [
    'an image that is no address',
    chat({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] }),
    'image',
  ],
  [
    'an assistant without content and calls',
    chat({ messages: [user, { role: 'assistant', content: null }] }),
    'content',
  ],
  ['a dotted tool name', chat({ tools: [tool('system.run')] }), 'does not match pattern'],
  ['a long tool name', chat({ tools: [tool('a'.repeat(65))] }), 'does not match pattern'],
  ['an empty list of tools', chat({ tools: [] }), 'empty array'],
  ['a schema that is no object', chat({ tools: [tool('a', { type: 'string' })] }), 'schema must be'],
  [
    'an array schema without items',
    chat({ tools: [tool('a', { type: 'object', properties: { x: { type: 'array' } } })] }),
    'items',
  ],
  [
    'a dotted name in history',
    chat({ messages: [user, calling('1', '{}', 'a.b'), result('1')] }),
    'does not match pattern',
  ],
  ['a call without its result', chat({ messages: [user, calling('call_7'), user] }), 'call_7'],
  ['a call at the end', chat({ messages: [user, calling('call_7')] }), 'call_7'],
  ['a result without its call', chat({ messages: [user, result('1')] }), 'preceeding'],
  ['a second result', chat({ messages: [user, calling('1'), result('1'), result('1')] }), 'preceeding'],
  ['arguments that are no JSON', chat({ messages: [user, calling('1', '{"a'), result('1')] }), 'JSON object'],
  ['a long call id', chat({ messages: [user, calling('x'.repeat(41)), result('x'.repeat(41))] }), 'string too long'],
  ['stream options without a stream', chat({ stream_options: { include_usage: true } }), 'stream'],
])('refuses %s as the service does', async (_what, body, words) => {
  const response = await ask(body)
  expect(response.status).toBe(400)
  const { error } = (await response.json()) as { error: { message: string; type: string } }
  expect(error.type).toBe('invalid_request_error')
  expect(error.message).toContain(words)
  expect(service.refused).toHaveLength(1)
})

test('checks key and model, and lists models', async () => {
  expect((await ask(chat(), '')).status).toBe(401)
  expect((await ask(chat(), 'wrong')).status).toBe(401)
  expect((await ask(chat({ model: 'other' }))).status).toBe(404)
  const models = await fetch(`${service.baseUrl}/models`, { headers: { authorization: 'Bearer k' } })
  expect(await models.json()).toMatchObject({ object: 'list', data: [{ id: 'm', object: 'model' }] })
})

test('answers whole where no stream is asked for', async () => {
  service.queue({ text: 'Hello', calls: [{ id: 'c', name: 'a', arguments: { x: 1 } }] })
  expect(await (await ask(chat())).json()).toMatchObject({
    object: 'chat.completion',
    choices: [
      {
        finish_reason: 'tool_calls',
        message: {
          content: 'Hello',
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'a', arguments: '{"x":1}' } }],
        },
      },
    ],
    usage: { total_tokens: expect.any(Number) },
  })
})

test('streams frames that end with the usage and [DONE]', async () => {
  service.queue({ text: 'one two', calls: [{ id: 'c', name: 'a', arguments: { text: 'a long argument' } }] })
  const body = await (await ask(chat({ stream: true, stream_options: { include_usage: true } }))).text()
  const lines = body.trim().split('\n\n')
  expect(lines.at(-1)).toBe('data: [DONE]')
  const frames = lines.slice(0, -1).map((line) => JSON.parse(line.slice(6)))
  expect(frames.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: expect.any(Number) } })
  const deltas = frames.flatMap((frame) => frame.choices.map((choice: { delta: object }) => choice.delta))
  expect(deltas.map((delta) => delta.content ?? '').join('')).toBe('one two')
  const pieces = deltas.flatMap((delta) => delta.tool_calls ?? [])
  expect(pieces.length).toBeGreaterThan(3)
  expect(pieces.map((piece) => piece.function.arguments).join('')).toBe('{"text":"a long argument"}')
})

test('asks the script once the queue is empty, and remembers what was asked', async () => {
  const scripted = await startFakeOpenAI({
    apiKey: 'k',
    models: ['m'],
    script: (_request, index) => ({ text: `answer ${index}` }),
  })
  const headers = { authorization: 'Bearer k' }
  const post = () =>
    fetch(`${scripted.baseUrl}/chat/completions`, { method: 'POST', headers, body: JSON.stringify(chat()) })
  scripted.queue({ text: 'queued' })
  const texts = [await (await post()).text(), await (await post()).text()]
  expect(texts[0]).toContain('queued')
  expect(texts[1]).toContain('answer 1')
  expect(scripted.requests).toHaveLength(2)
  expect(scripted.sizes[0]).toBe(Buffer.byteLength(JSON.stringify(chat())))
  await scripted.close()
})

test('of many requests only as many are kept as wanted', async () => {
  const indexes: number[] = []
  const short = await startFakeOpenAI({
    apiKey: 'k',
    models: ['m'],
    keep: 2,
    script: (_request, index) => {
      indexes.push(index)
      return { text: 'hi' }
    },
  })
  const body = (content: string) => JSON.stringify(chat({ messages: [{ role: 'user', content }] }))
  const headers = { 'content-type': 'application/json', authorization: 'Bearer k' }
  for (const word of ['a', 'b', 'c']) {
    const answer = await fetch(`${short.baseUrl}/chat/completions`, { method: 'POST', headers, body: body(word) })
    expect(answer.status).toBe(200)
  }
  expect(short.requests.map(({ messages }) => messages[0])).toMatchObject([{ content: 'b' }, { content: 'c' }])
  expect([short.sizes.length, short.headers.length]).toEqual([2, 2])
  expect(indexes).toEqual([0, 1, 2])
  await short.close()
})
