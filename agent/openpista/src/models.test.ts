import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createModels, type ModelsConfig } from './models.ts'
import { keysOnly } from './providers/credential.ts'
import { openRemembered } from './remembered.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'openpista-models-'))
  file = join(folder, 'state.toml')
})
afterEach(() => rmSync(folder, { recursive: true }))

const config: ModelsConfig = {
  ...{ provider: 'openai', model: '', apiKey: '', baseUrl: '', ollamaUrl: '', fallback: [], credentials: keysOnly },
  env: { OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k' },
  remembered: () => undefined,
}
const choose = async (model: string | null, changes: Partial<ModelsConfig> = {}) => {
  const choice = await createModels({ ...config, ...changes }, Date.now).choose(model)
  return choice.ok ? `${choice.provider.id}/${choice.model}` : choice.hint
}

test.each([
  [null, 'openai/gpt-4o'],
  ['gpt-new', 'openai/gpt-new'],
  ['openai:gpt-new', 'openai/gpt-new'],
  ['anthropic:claude-new', 'anthropic/claude-new'],
  ['claude:claude-new', 'anthropic/claude-new'],
  // Names of models with a colon of their own.
  ['llama3.2:latest', 'openai/llama3.2:latest'],
  ['vendor/model:free', 'openai/vendor/model:free'],
  ['together:some/model', 'TOGETHER_API_KEY'],
])('the choice %j is %s', async (model, expected) => {
  expect(await choose(model)).toContain(expected)
})

test('another service gets neither the key nor the address of the configured one', async () => {
  const own = { apiKey: 'the configured key', baseUrl: 'http://127.0.0.1:1/v1', env: {} }
  expect(await choose(null, own)).toBe('openai/gpt-4o')
  expect(await choose('anthropic:claude-new', own)).toContain('ANTHROPIC_API_KEY')
})

test('the model chosen last is that of new sessions, over a restart, where none is configured', async () => {
  openRemembered(file).noteModel({ provider: 'openai', model: 'gpt-last' })
  expect(readFileSync(file, 'utf8')).toContain('last_model = "gpt-last"\nlast_provider = "openai"\n')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const remembered = openRemembered(file).model
  expect(await choose(null, { remembered })).toBe('openai/gpt-last')
  expect(await choose('gpt-other', { remembered })).toBe('openai/gpt-other')
  expect(await choose(null, { remembered, model: 'gpt-configured' })).toBe('openai/gpt-configured')
  expect(await choose(null, { remembered, provider: 'anthropic' })).toBe('anthropic/claude-sonnet-4-6')
  openRemembered(file).noteModel(undefined)
  expect(openRemembered(file).model()).toBeUndefined()
})

test('a state.toml that is broken, or from another program, is no reason not to start', () => {
  for (const text of ['last_model = ', 'what = 1\n', '\u0000']) {
    writeFileSync(file, text)
    expect(openRemembered(file).model()).toBeUndefined()
  }
})
