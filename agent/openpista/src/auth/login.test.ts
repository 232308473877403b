import { afterEach, beforeEach, expect, test } from 'vitest'
import { type AuthBench, person, startAuthBench } from './auth.fixture.ts'
import { loginByBrowser, loginByDevice } from './login.ts'

let bench: AuthBench
beforeEach(async () => {
  bench = await startAuthBench()
})
afterEach(async () => await bench.close())

const options = () => ({ port: 0, signal: AbortSignal.timeout(5_000) })
const approving = (change?: (back: URL) => void) =>
  person(async (address) => (await bench.service.approve(address, change)).pasted)

test.each([
  ['openai', 'key', /^sk-/],
  ['anthropic', 'oauth', /^sk-ant-oat01-/],
  ['openrouter', 'key', /^sk-or-v1-/],
  ['github-copilot', 'oauth', /^tid=/],
])('%s signs in with PKCE through the browser', async (provider, kind, token) => {
  const answer = await loginByBrowser(bench.identity(provider), approving(), options())
  expect(bench.service.refused).toEqual([])
  expect(answer).toMatchObject({ ok: true, value: { kind, secrets: { token: expect.stringMatching(token) } } })
})

test("a ChatGPT account without an API key keeps its token, with the account's id and address", async () => {
  bench.service.fail('openai.exchange', { status: 400, body: { error: { message: 'no organization' } } })
  const answer = await loginByBrowser(bench.identity('openai'), approving(), options())
  expect(answer).toMatchObject({
    ok: true,
    value: {
      kind: 'oauth',
      endpoint: 'https://chatgpt.com/backend-api/codex',
      secrets: { token: expect.stringMatching(/^ey/), accountId: 'account-1' },
    },
  })
})

test.each(['openai', 'openrouter', 'github-copilot'])('%s: an answer of another login is refused', async (provider) => {
  const swapped = approving((back) => back.searchParams.set('state', 'f'.repeat(32)))
  const answer = await loginByBrowser(bench.identity(provider), swapped, options())
  expect(answer).toEqual({ ok: false, message: expect.stringContaining('state does not match') })
  expect(bench.service.count('openai.code') + bench.service.count('openrouter.keys')).toBe(0)
})

test('a pasted code of another login is refused', async () => {
  const swapped = person(async (address) => (await bench.service.approve(address)).pasted!.replace(/#.*/, '#other'))
  const answer = await loginByBrowser(bench.identity('anthropic'), swapped, options())
  expect(answer).toEqual({ ok: false, message: expect.stringContaining('state does not match') })
  expect(bench.service.count('anthropic.code')).toBe(0)
})

test.each(['openai', 'anthropic', 'openrouter', 'github-copilot'])(
  '%s refuses a code with another verifier',
  async (provider) => {
    const identity = bench.identity(provider)
    const spoilt = {
      ...identity,
      redeem: (all: Parameters<typeof identity.redeem>[0]) => identity.redeem({ ...all, verifier: 'x'.repeat(43) }),
    }
    expect(await loginByBrowser(spoilt, approving(), options())).toMatchObject({ ok: false })
  },
)

test('a refusal in the browser is said in words', async () => {
  const refusing = approving((back) => {
    back.searchParams.delete('code')
    back.searchParams.set('error', 'access_denied')
  })
  const answer = await loginByBrowser(bench.identity('openai'), refusing, options())
  expect(answer).toEqual({ ok: false, message: expect.stringContaining('access_denied') })
})

test('a login that nobody finishes ends in time and frees its port', async () => {
  const nobody = person(async () => null)
  const answer = await loginByBrowser(bench.identity('openai'), nobody, { port: 0, signal: AbortSignal.timeout(50) })
  expect(answer).toMatchObject({ ok: false, message: expect.stringContaining('in time') })
})

test('a taken port says what to do', async () => {
  const { startCallback } = await import('./callback.ts')
  const first = await startCallback({ port: 0, path: '/callback' })
  const port = Number(new URL(first.redirectUri).port)
  await expect(startCallback({ port, path: '/callback' })).rejects.toMatchObject({ code: 'PORT_TAKEN' })
  await first.close()
})

test('the way back is open once, and for its path only', async () => {
  const { startCallback } = await import('./callback.ts')
  const callback = await startCallback({ port: 0, path: '/callback' })
  const statuses = []
  for (const path of ['/other', '/callback?code=1', '/callback?code=2']) {
    statuses.push((await fetch(new URL(path, callback.redirectUri))).status)
  }
  await callback.close()
  expect(statuses).toEqual([404, 200, 404])
  expect((await callback.arrived).searchParams.get('code')).toBe('1')
})

test('GitHub signs in by a code on another device', async () => {
  const conversation = {
    say: (text: string) => {
      const code = /[0-9A-F]{4}-[0-9A-F]{4}/.exec(text)![0]
      setTimeout(() => bench.service.confirmDevice(code), 120)
    },
    question: async () => undefined,
  }
  const answer = await loginByDevice(bench.identity('github-copilot'), conversation, AbortSignal.timeout(5_000))
  expect(answer).toMatchObject({ ok: true, value: { secrets: { refreshToken: expect.stringMatching(/^ghu_/) } } })
  expect(bench.service.count('github.code')).toBeGreaterThan(1)
})
