import { expect, test } from 'vitest'
import { createProvider } from './index.ts'

const config = { provider: 'openai', model: '', apiKey: '', baseUrl: '', env: {} }

test('a preset brings its address, model and key variable', () => {
  const choice = createProvider({ ...config, env: { OPENAI_API_KEY: 'k' } })
  expect(choice).toMatchObject({ ok: true, model: 'gpt-4o', provider: { id: 'openai' } })
})

test('a local Ollama needs no key', () => {
  expect(createProvider({ ...config, provider: 'ollama' })).toMatchObject({ ok: true, model: 'llama3.2' })
})

test("one service's key is not sent to another", () => {
  const choice = createProvider({ ...config, provider: 'together', env: { OPENAI_API_KEY: 'k' } })
  expect(choice).toMatchObject({
    ok: false,
    code: 'API_KEY_MISSING',
    hint: expect.stringContaining('TOGETHER_API_KEY'),
  })
})

test.each([
  ['an unknown name', { provider: 'opnai' }, 'PROVIDER_UNKNOWN'],
  ['a service whose API is not spoken, by alias', { provider: 'claude' }, 'PROVIDER_NOT_SPOKEN'],
  ['custom without an address', { provider: 'custom', model: 'm' }, 'BASE_URL_INVALID'],
  ['an address that is no web address', { provider: 'custom', model: 'm', baseUrl: 'file:///x' }, 'BASE_URL_INVALID'],
  ['custom without a model', { provider: 'custom', baseUrl: 'http://localhost:1/v1' }, 'MODEL_MISSING'],
  ['no key', {}, 'API_KEY_MISSING'],
])('%s is refused with what to do', (_what, part, code) => {
  const choice = createProvider({ ...config, ...part })
  expect(choice).toMatchObject({ ok: false, code, hint: expect.stringMatching(/\w/) })
})
