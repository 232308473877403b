import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FakeOpenAI, startFakeOpenAI } from './fake-openai.ts'

let service: FakeOpenAI
beforeEach(async () => {
  service = await startFakeOpenAI({ apiKey: 'k', models: ['m'], chatgpt: true })
})
afterEach(async () => await service.close())

const user = { role: 'user', content: [{ type: 'input_text', text: 'hi' }] }
const call = { type: 'function_call', call_id: 'c', name: 'a', arguments: '{}' }
const output = { type: 'function_call_output', call_id: 'c', output: 'ok' }
const body = (part: object = {}) => ({
  model: 'm',
  stream: true,
  store: false,
  instructions: 'x',
  input: [user],
  ...part,
})

async function ask(content: unknown) {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer k' }
  return await fetch(`${service.baseUrl}/responses`, { method: 'POST', headers, body: JSON.stringify(content) })
}

test.each<[string, unknown, string]>([
  ['an unknown parameter', body({ surprise: 1 }), 'Unknown parameter'],
  ['storing', body({ store: true }), 'Store must be set to false'],
  ['no instructions', body({ instructions: '' }), 'Instructions are required'],
  ['an empty input', body({ input: [] }), 'empty array'],
  ['a call without output', body({ input: [user, call] }), 'No tool output found'],
  ['an output without call', body({ input: [user, output] }), 'No tool call found'],
  [
    'reasoning of somebody else',
    body({ input: [user, { type: 'reasoning', id: 'r', encrypted_content: 'x' }] }),
    'verified',
  ],
  ['a dotted tool name', body({ tools: [{ type: 'function', name: 'a.b' }] }), 'does not match pattern'],
])('refuses %s', async (_what, content, words) => {
  const response = await ask(content)
  expect(response.status).toBe(400)
  expect(JSON.stringify(await response.json())).toContain(words)
})

test('gives encrypted reasoning out when it is asked for, and takes it back in front of its call', async () => {
  service.queue({ reasoning: 'hm', calls: [{ id: 'c', name: 'a', arguments: {} }] }, { text: 'ok' })
  const stream = await (await ask(body({ include: ['reasoning.encrypted_content'] }))).text()
  const encrypted = /"encrypted_content":"([^"]+)"/.exec(stream)![1]
  const reasoning = { type: 'reasoning', id: 'rs_0', encrypted_content: encrypted, summary: [] }
  expect((await ask(body({ input: [user, reasoning, user] }))).status).toBe(400)
  expect((await ask(body({ input: [user, reasoning, call, output] }))).status).toBe(200)
})
