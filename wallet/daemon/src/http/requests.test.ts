import { request } from 'node:http'
import { newId } from '@openpista/common'
import type { CommandChallengeView } from '@waiaas/core'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newKdfParams } from '../signer/sealed.ts'
import { answerOwner } from './testing/owner.ts'
import { agentWithPayment, LOCAL_KEY, PASSWORD, post, startHttp, type TestHttp } from './testing/start-http.ts'

let http: TestHttp
let session: { token: string }

beforeAll(async () => {
  http = await startHttp()
  session = (await agentWithPayment(http, 'requests')).session
})
afterAll(() => http.close())

/** A request with exactly these headers, Host among them. */
function raw(
  path: string,
  headers: Record<string, string>,
  body?: string | Buffer[],
): Promise<{ status: number; code: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(http.url)
    const outgoing = request(
      { hostname, port, path, method: body === undefined ? 'GET' : 'POST', headers },
      (incoming) => {
        let text = ''
        incoming.on('data', (chunk) => {
          text += chunk
        })
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode!, code: text === '' ? '' : JSON.parse(text).code }),
        )
      },
    )
    outgoing.on('error', reject)
    if (Array.isArray(body)) for (const chunk of body) outgoing.write(chunk)
    outgoing.end(Array.isArray(body) ? undefined : body)
  })
}

describe('the name that a request is made for', () => {
  test.each(['localhost:3100', '127.0.0.1', '[::1]:3100', 'LocalHost', 'wallet.example'])(
    '%s is answered',
    async (host) => {
      expect((await raw('/health', { Host: host })).status).toBe(200)
    },
  )

  test.each(['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:3100', '192.168.0.4'])(
    '%s is refused',
    async (host) => {
      expect(await raw('/health', { Host: host })).toEqual({ status: 403, code: 'FORBIDDEN_ORIGIN' })
    },
  )

  test.each(['a b', 'localhost@evil'])('%s, which is no name, is refused', async (host) => {
    expect((await raw('/health', { Host: host })).status).toBe(400)
  })

  test('a page of another origin is refused, one of the daemon itself is not', async () => {
    const { host } = new URL(http.url)
    for (const origin of ['http://evil.example', 'null', 'http://localhost:1', `http://${host}.evil.example`]) {
      expect([origin, await raw('/health', { Host: host, Origin: origin })]).toMatchObject([origin, { status: 403 }])
    }
    expect((await raw('/health', { Host: host, Origin: `http://${host}` })).status).toBe(200)
  })

  test('X-Forwarded-* changes nothing', async () => {
    const answer = await raw('/health', { Host: 'evil.example', 'X-Forwarded-Host': 'localhost' })
    expect(answer.status).toBe(403)
  })
})

describe('the body', () => {
  const asAdmin = () => ({ Authorization: `Bearer ${http.adminToken}`, Host: 'localhost' })
  const json = { 'Content-Type': 'application/json' }

  test('that is too large is refused, told or not', async () => {
    const large = JSON.stringify({ name: 'x'.repeat(300_000) })
    const told = { ...asAdmin(), ...json, 'Content-Length': String(large.length) }
    expect(await raw('/v1/agents', told, large)).toEqual({ status: 413, code: 'PAYLOAD_TOO_LARGE' })
    const chunks = Array.from({ length: 5 }, () => Buffer.alloc(65_536, 0x20))
    expect(await raw('/v1/agents', { ...asAdmin(), ...json }, chunks)).toEqual({
      status: 413,
      code: 'PAYLOAD_TOO_LARGE',
    })
  })

  test.each([
    ['empty', ''],
    ['cut off', '{'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a string', '"x"'],
    ['nested too deep', '['.repeat(100_000)],
  ])('that is %s is a validation fault', async (_, body) => {
    expect(await raw('/v1/agents', { ...asAdmin(), ...json }, body)).toEqual({ status: 400, code: 'VALIDATION_FAILED' })
  })

  test('of another media type is refused', async () => {
    const form = { ...asAdmin(), 'Content-Type': 'application/x-www-form-urlencoded' }
    expect(await raw('/v1/agents', form, 'name=x')).toEqual({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
    const text = { ...asAdmin(), 'Content-Type': 'text/plain' }
    expect(await raw('/v1/agents', text, '{"name":"x"}')).toEqual({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
  })

  test('names every fault with its JSON path', async () => {
    const answer = await http.fetch(
      '/v1/policies',
      post(
        { type: 'SPENDING_LIMIT', rules: { windows: [{ seconds: -1 }] }, extra: 1 },
        { Authorization: `Bearer ${http.adminToken}` },
      ),
    )
    const body = (await answer.json()) as { code: string; details: { issues: { in: string; path: string }[] } }
    expect(body.code).toBe('VALIDATION_FAILED')
    expect(body.details.issues.map((issue) => issue.path)).toContain('$.rules.windows[0].seconds')
  })

  test('of an unknown path, method or parameter', async () => {
    expect((await http.fetch('/v1/nothing')).status).toBe(404)
    expect((await http.fetch('/health', { method: 'DELETE' })).status).toBe(404)
    const bad = await http.fetch('/v1/agents/not-a-uuid', { headers: { Authorization: `Bearer ${http.adminToken}` } })
    expect([bad.status, await bad.json()]).toMatchObject([400, { code: 'VALIDATION_FAILED' }])
    const twice = await http.fetch('/v1/transactions?limit=5&limit=6', {
      headers: { Authorization: `Bearer ${session.token}` },
    })
    expect(twice.status).toBe(400)
  })
})

describe('Idempotency-Key', () => {
  const send = (key: string | undefined) =>
    http.fetch(
      '/v1/transactions/send',
      post(
        { to: '0x00000000000000000000000000000000000000AA', humanAmount: '0.6', network: 'evm-local' },
        { Authorization: `Bearer ${session.token}`, ...(key === undefined ? {} : { 'Idempotency-Key': key }) },
      ),
    )

  test('is required', async () => {
    const answer = await send(undefined)
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'IDEMPOTENCY_KEY_REQUIRED' }])
  })

  test('may be bare or quoted, which is the same key', async () => {
    const key = newId()
    const [bare, quoted] = [await send(key), await send(`"${key}"`)]
    expect([bare.status, quoted.status]).toEqual([202, 202])
    expect(await quoted.json()).toEqual(await bare.json())
  })

  test.each(['"open', '""', 'k'.repeat(129), 'tab\tinside', 'ä', '"a"b"'])('%s is refused', async (key) => {
    const answer = await send(key)
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'VALIDATION_FAILED' }])
  })

  test('a wait that is asked for is told', async () => {
    const answer = await http.fetch('/v1/transactions/send', {
      ...post(
        { to: '0x00000000000000000000000000000000000000AA', humanAmount: '0.6', network: 'evm-local' },
        { Authorization: `Bearer ${session.token}`, 'Idempotency-Key': newId(), Prefer: 'respond-async, wait=600' },
      ),
    })
    expect(answer.headers.get('preference-applied')).toBe('wait=60')
  })
})

describe('the master password', () => {
  type Answer = { status: number; code: string | undefined }
  /** A call over another address of loopback. */
  const from = (own: TestHttp, localAddress: string, path: string, headers: Record<string, string>, body?: unknown) =>
    new Promise<Answer>((resolve, reject) => {
      const { hostname, port } = new URL(own.url)
      const type: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' }
      const options = { hostname, port, path, localAddress, method: 'POST', headers: { ...headers, ...type } }
      const outgoing = request(options, (incoming) => {
        let text = ''
        incoming.on('data', (chunk) => {
          text += chunk
        })
        incoming.on('end', () => resolve({ status: incoming.statusCode!, code: JSON.parse(text).code }))
      })
      outgoing.on('error', reject)
      outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    })
  const login = (own: TestHttp, password: string, address = '127.0.0.1', headers = {}) =>
    from(own, address, '/v1/admin/login', headers, { password })
  const local = { 'X-Waiaas-Local-Key': LOCAL_KEY }

  test('is taken after any number of wrong ones, which all of loopback shares', async () => {
    const own = await startHttp({ limits: { publicPerMinute: 2 } })
    try {
      const guesses: Answer[] = []
      for (let host = 2; host <= 7; host++) guesses.push(await login(own, 'wrong password', `127.0.0.${host}`))
      expect(guesses).toEqual(Array(6).fill({ status: 401, code: 'INVALID_MASTER_PASSWORD' }))
      expect(await login(own, PASSWORD), 'a login takes from no rate limit').toEqual({ status: 200, code: undefined })
      const rows = await own.db.selectFrom('login_failures').select('source').execute()
      expect(rows.map(({ source }) => source)).toEqual(Array(6).fill('loopback'))
      const failed = await own.db.selectFrom('events').select('actor').where('type', '=', 'AUTH_FAILED').execute()
      expect(failed.map(({ actor }) => actor)).toContain('source:127.0.0.7')
    } finally {
      await own.close()
    }
  })

  test('of the command line, and for the emergency stop, does not wait behind a flood of guesses', async () => {
    const own = await startHttp({ limits: { publicPerMinute: 5 }, kdfparams: newKdfParams() })
    try {
      const answered: Answer[] = []
      const flood = Array.from({ length: 40 }, (_, index) =>
        login(own, `guess ${index}`, `127.0.0.${index + 2}`).then((answer) => answered.push(answer)),
      )
      expect(await login(own, PASSWORD, '127.0.0.1', local)).toMatchObject({ status: 200 })
      expect(await from(own, '127.0.0.1', '/v1/admin/kill-switch', { 'X-Master-Password': PASSWORD })).toMatchObject({
        status: 200,
      })
      expect(answered.length, 'guesses are still waiting').toBeLessThan(40)
      await Promise.all(flood)
      const codes = new Set(answered.map(({ code }) => code))
      expect(codes).toEqual(new Set(['INVALID_MASTER_PASSWORD', 'MASTER_PASSWORD_LOCKED']))
      expect(await login(own, PASSWORD), 'and then the usual way').toMatchObject({ status: 200 })
    } finally {
      await own.close()
    }
  })

  test('a wrong local key gives no share', async () => {
    const own = await startHttp()
    try {
      await login(own, 'wrong', '127.0.0.1', { 'X-Waiaas-Local-Key': 'guessed' })
      await login(own, 'wrong', '127.0.0.1', local)
      const rows = await own.db.selectFrom('login_failures').select('source').orderBy('id').execute()
      expect(rows.map(({ source }) => source)).toEqual(['loopback', 'command line'])
    } finally {
      await own.close()
    }
  })
})

describe('rate limits', () => {
  /** Calls until the limit is reached: while the calls go on, some of it comes back. */
  async function untilLimited(call: () => Promise<Response>): Promise<Response> {
    for (;;) {
      const answer = await call()
      if (answer.status === 429) return answer
    }
  }

  test('somebody without credentials locks nobody out', async () => {
    const own = await startHttp({ limits: { publicPerMinute: 20, sessionPerMinute: 5 } })
    try {
      const asAdmin = { headers: { Authorization: `Bearer ${own.adminToken}` } }
      const statuses = new Set<number>()
      for (let i = 0; i < 25; i++) {
        const forged = { headers: { 'X-Forwarded-For': `10.0.0.${i}` } }
        statuses.add((await own.fetch('/health', forged)).status)
        statuses.add((await own.fetch('/v1/agents', { headers: { Authorization: 'Bearer wai_admin_guess' } })).status)
      }
      expect([...statuses].sort()).toEqual([200, 401, 429])
      const limited = await untilLimited(() => own.fetch('/health'))
      expect(limited.headers.get('ratelimit')).toMatch(/^"public";r=0;t=\d+$/)
      expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await own.fetch('/v1/agents', asAdmin)).status).toBe(200)
      expect((await own.fetch('/v1/admin/login', post({ password: PASSWORD }))).status).toBe(200)

      const [one, two] = [await agentWithPayment(own, 'one'), await agentWithPayment(own, 'two')]
      const read = (token: string) => own.fetch('/v1/wallet', { headers: { Authorization: `Bearer ${token}` } })
      await untilLimited(() => read(one.session.token))
      expect((await read(two.session.token)).status).toBe(200)
    } finally {
      await own.close()
    }
  })

  test('nobody uses up the way of an owner or of the operator to the emergency stop', async () => {
    const limits = { publicPerMinute: 3, sessionPerMinute: 3, operatorPerMinute: 8 }
    const own = await startHttp({ limits })
    try {
      const owner = privateKeyToAccount(generatePrivateKey())
      const { agent } = await agentWithPayment(own, 'guarded', owner.address)
      const challenge = (action: string) => own.fetch('/v1/owner/challenges', post({ action, resourceId: agent.id }))
      const statuses: number[] = []
      for (let count = 0; count < 6; count++) statuses.push((await challenge('verify')).status)
      expect(statuses.slice(-2)).toEqual([429, 429])
      const asked: CommandChallengeView[] = []
      for (let count = 0; count < 6; count++) asked.push((await (await challenge('kill_switch')).json()) as never)
      expect(new Set(asked.map(({ id }) => id)).size, 'one challenge, asked for often').toBe(1)
      const asAdmin = { headers: { Authorization: `Bearer ${own.adminToken}` } }
      while ((await own.fetch('/v1/admin/status', asAdmin)).status !== 429);
      const signature = await owner.signMessage({ message: asked[0]!.message })
      const stopped = await answerOwner(own, 'POST', '/v1/admin/kill-switch', asked[0]!, signature)
      expect(await stopped.json()).toMatchObject({ state: 'ACTIVATED', activatedBy: `owner:${owner.address}` })
      const again = await own.fetch('/v1/admin/kill-switch', { method: 'POST', ...asAdmin })
      expect(again.status, 'refused because it is on, not by a limit').toBe(409)
    } finally {
      await own.close()
    }
  })
})

test('what breaks inside stays inside', async () => {
  const body = { to: '0x00000000000000000000000000000000000000AA', humanAmount: '1' }
  const answer = await http.fetch('/v1/transactions/simulate', post(body, { Authorization: `Bearer ${session.token}` }))
  expect(answer.status).toBe(500)
  expect(await answer.json()).toEqual({
    code: 'INTERNAL_ERROR',
    message: 'Something went wrong inside the daemon.',
    retryable: false,
    requestId: answer.headers.get('x-request-id'),
  })
})

test('every answer carries the headers that keep browsers apart', async () => {
  for (const path of ['/health', '/v1/nothing', '/v1/agents']) {
    const { headers } = await http.fetch(path)
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  }
})
