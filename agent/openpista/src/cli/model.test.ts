import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeOpenAI, startFakeAnthropic, startFakeOpenAI } from '@openpista/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openpista } from './cli.fixture.ts'

let home: string
let service: FakeOpenAI
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'openpista-cli-'))
  service = await startFakeOpenAI({ models: ['gpt-4o', 'gpt-new'] })
})
afterEach(async () => {
  await service.close()
  rmSync(home, { recursive: true, force: true })
})

const env = () => ({ openpista_BASE_URL: service.baseUrl, OPENAI_API_KEY: service.apiKey })

test('the list joins what is known with what the service has, and asks once a day', async () => {
  const first = await openpista(home, ['model', 'list'], { env: env() })
  expect(first).toMatchObject({ code: 0, err: '' })
  expect(first.out).toContain('* openai/gpt-4o (listed)')
  expect(first.out).toContain('openai/gpt-new (listed, from service)')
  expect(first.out).toContain('openai/gpt-5.3-codex (not listed, for coding)')
  expect((await openpista(home, ['model', 'list'], { env: env() })).out).toBe(first.out)
  expect(service.listed()).toBe(1)
  const cache = join(home, 'cache/models-openai.json')
  const old = { ...JSON.parse(readFileSync(cache, 'utf8')), at: Date.now() - 25 * 3600 * 1000 }
  writeFileSync(cache, JSON.stringify(old))
  await openpista(home, ['model', 'list'], { env: env() })
  expect(service.listed()).toBe(2)
})

test('a service that gives no list leaves the known models and says why', async () => {
  const wrong = { ...env(), OPENAI_API_KEY: 'wrong' }
  const { out, err } = await openpista(home, ['model', 'list'], { env: wrong })
  expect(out).toContain('openai/gpt-4o (unknown)')
  expect(err).toContain('HTTP 401')
})

test('Anthropic lists its models in its own way', async () => {
  const anthropic = await startFakeAnthropic({ models: ['claude-sonnet-4-6', 'claude-new'] })
  const own = { openpista_PROVIDER: 'anthropic', openpista_BASE_URL: anthropic.baseUrl, ANTHROPIC_API_KEY: 'test-key' }
  const { out } = await openpista(home, ['model', 'list'], { env: own })
  await anthropic.close()
  expect(out).toContain('anthropic/claude-new (listed, from service)')
})

test('one model, or every listed one, is tried with a message', async () => {
  service.queue({ text: 'Hello, owner.', usage: { prompt: 1000, completion: 100 } })
  const one = await openpista(home, ['model', 'gpt-4o', '-m', 'Who are you?'], { env: env() })
  expect(one).toMatchObject({ code: 0, out: expect.stringMatching(/gpt-4o: ok .*0\.003500 USD.*\n {2}Hello, owner\./) })
  expect(service.requests[0]?.messages.at(-1)?.content).toBe('Who are you?')
  service.queue({ text: 'Hi.' }, { fault: { kind: 'status', status: 500 } })
  const all = await openpista(home, ['model', 'test'], { env: env() })
  expect(all).toMatchObject({ code: 1, out: expect.stringMatching(/gpt-4o: ok.*gpt-new: failed/s) })
})

test('without a key the way to one is said', async () => {
  expect(await openpista(home, ['model', 'test'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('auth login'),
  })
})
