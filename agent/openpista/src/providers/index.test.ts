import { expect, test } from 'vitest'
import { keysOnly } from './credential.ts'
import { createProvider } from './index.ts'
import { findPreset, presets } from './presets.ts'

const config = { provider: 'openai', model: '', apiKey: '', baseUrl: '', env: {}, credentials: keysOnly }

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
  ['Azure without its address', { provider: 'azure-openai', model: 'm' }, 'BASE_URL_INVALID'],
  ['Bedrock without a region', { provider: 'bedrock' }, 'BASE_URL_INVALID'],
  ['custom without an address', { provider: 'custom', model: 'm' }, 'BASE_URL_INVALID'],
  ['an address that is no web address', { provider: 'custom', model: 'm', baseUrl: 'file:///x' }, 'BASE_URL_INVALID'],
  ['custom without a model', { provider: 'custom', baseUrl: 'http://localhost:1/v1' }, 'MODEL_MISSING'],
  ['no key', {}, 'API_KEY_MISSING'],
])('%s is refused with what to do', (_what, part, code) => {
  const choice = createProvider({ ...config, ...part })
  expect(choice).toMatchObject({ ok: false, code, hint: expect.stringMatching(/\w/) })
})

test.each([
  ['anthropic', 'https://api.anthropic.com', 'claude-sonnet-4-6', 'ANTHROPIC_API_KEY', 'browser'],
  ['openai', 'https://api.openai.com/v1', 'gpt-4o', 'OPENAI_API_KEY', 'browser'],
  ['openrouter', 'https://openrouter.ai/api/v1', 'openai/gpt-4o', 'OPENROUTER_API_KEY', 'browser'],
  ['together', 'https://api.together.xyz/v1', 'meta-llama/Llama-3.3-70B-Instruct-Turbo', 'TOGETHER_API_KEY', 'key'],
  ['ollama', 'http://localhost:11434/v1', 'llama3.2', null, 'none'],
  ['custom', null, null, 'OPENAI_API_KEY', 'endpoint and key'],
  ['github-copilot', 'https://api.githubcopilot.com', 'gpt-4o', 'GITHUB_COPILOT_TOKEN', 'browser'],
] as const)(
  '%s has its address, model, key variable and way to sign in',
  (id, baseUrl, defaultModel, keyEnv, login) => {
    expect(findPreset(id)).toMatchObject({ id, baseUrl, defaultModel, keyEnv, login })
  },
)

test('claude is another name of anthropic, and pickers have one order', () => {
  expect(findPreset('Claude')?.id).toBe('anthropic')
  expect(presets.map(({ sort }) => sort)).toEqual(presets.map(({ sort }) => sort).toSorted((a, b) => a - b))
})

test.each([
  ['azure-openai', { AZURE_OPENAI_ENDPOINT: 'https://me.openai.azure.com/' }, 'https://me.openai.azure.com/openai/v1'],
  ['bedrock', { AWS_REGION: 'eu-west-1' }, 'https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1'],
])('%s finds its address in the environment', (provider, env, baseUrl) => {
  expect(createProvider({ ...config, provider, model: 'm', apiKey: 'k', env })).toMatchObject({ ok: true, baseUrl })
})
