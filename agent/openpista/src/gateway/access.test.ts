import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type Fixture, startAgent, TOKEN } from '../testing/agent-fixture.ts'
import { echo } from '../testing/script.ts'
import { socketClient } from '../testing/socket-client.ts'
import { createAccess } from './access.ts'

type Answer = { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer }

/** A request with any headers: `fetch` would not let a test lie about its host. */
function ask(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(
      { host: '127.0.0.1', port, path, method, headers: { host: `127.0.0.1:${port}`, ...headers } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
        )
      },
    )
      .on('error', reject)
      .end()
  })
}

/** The HTTP status of an upgrade, 101 when it is granted. */
function upgrade(
  port: number,
  headers: Record<string, string>,
  protocols: string[] = [],
  path = '/ws',
): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { headers })
    socket.on('open', () => {
      socket.terminate()
      resolve(101)
    })
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      resolve(response.statusCode!)
    })
    socket.on('error', () => {})
  })
}

const withPages = async (): Promise<Fixture> => {
  const fixture = await startAgent(echo)
  mkdirSync(join(fixture.home, 'web', 'assets'), { recursive: true })
  writeFileSync(join(fixture.home, 'web', 'index.html'), '<title>chat</title>')
  writeFileSync(join(fixture.home, 'web', 'assets', 'app.js'), 'plain')
  writeFileSync(join(fixture.home, 'web', 'assets', 'app.js.br'), brotliCompressSync('plain'))
  writeFileSync(join(fixture.home, 'secret.json'), 'secret')
  return fixture
}

test('health answers, and every page carries the security headers', async () => {
  await using fixture = await withPages()
  const health = await ask(fixture.port, '/health')
  expect(JSON.parse(health.body.toString())).toMatchObject({ status: 'ok' })
  expect(health.headers['content-security-policy']).toContain("default-src 'none'")
  const page = await ask(fixture.port, '/s/web:tab')
  expect(page.body.toString()).toBe('<title>chat</title>')
  expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache' })
})

test('a compressed copy is served to who takes it, and kept by the browser', async () => {
  await using fixture = await withPages()
  const small = await ask(fixture.port, '/assets/app.js', { 'accept-encoding': 'gzip, br' })
  expect(small.headers).toMatchObject({
    'content-encoding': 'br',
    'cache-control': expect.stringContaining('immutable'),
  })
  expect(brotliDecompressSync(small.body).toString()).toBe('plain')
  expect((await ask(fixture.port, '/assets/app.js')).body.toString()).toBe('plain')
})

test.each([
  '/../secret.json',
  '/..%2fsecret.json',
  '/%2e%2e/secret.json',
  '/assets/..%2f..%2fsecret.json',
  '/%00.js',
  '/%zz.js',
])('nothing outside of the web client is served: %s', async (path) => {
  await using fixture = await withPages()
  const answer = await ask(fixture.port, path)
  expect(answer.body.toString()).not.toContain('secret')
  expect(answer.status).toBe(404)
})

test.each(['evil.example', 'evil.example:3210', '127.0.0.1.evil.example', '169.254.1.1'])(
  'a foreign host name is refused on every surface: %s',
  async (host) => {
    await using fixture = await withPages()
    for (const path of ['/', '/health', '/auth?code=x']) {
      expect((await ask(fixture.port, path, { host })).status).toBe(403)
    }
    expect(await upgrade(fixture.port, { host, authorization: `Bearer ${TOKEN}` })).toBe(403)
  },
)

test('a foreign origin is refused, also another port of this machine and also with the token', async () => {
  await using fixture = await withPages()
  for (const origin of ['https://evil.example', 'http://127.0.0.1:1', 'null']) {
    expect((await ask(fixture.port, '/health', { origin })).status).toBe(403)
    expect(await upgrade(fixture.port, { origin, authorization: `Bearer ${TOKEN}` })).toBe(403)
  }
  const origin = `http://127.0.0.1:${fixture.port}`
  expect(await upgrade(fixture.port, { origin, authorization: `Bearer ${TOKEN}` })).toBe(101)
})

test('a WebSocket needs the token, in a header or among the subprotocols', async () => {
  await using fixture = await withPages()
  const { port } = fixture
  expect(await upgrade(port, {})).toBe(401)
  for (const token of ['', 'wrong', `${TOKEN}x`, TOKEN.slice(1)]) {
    expect(await upgrade(port, { authorization: `Bearer ${token}` })).toBe(401)
  }
  expect(await upgrade(port, { cookie: 'openpista_session=9999999999999.x.y' })).toBe(401)
  expect(await upgrade(port, { authorization: `Bearer ${TOKEN}` }, [], '/other')).toBe(404)
  expect(await upgrade(port, { authorization: `Bearer ${TOKEN}` })).toBe(101)
})

test('the link works once, and its cookie opens the WebSocket', async () => {
  const access = createAccess({ token: 'subprotocol-safe', hosts: [], origins: [], now: Date.now })
  await using fixture = await startAgent(echo, { access })
  const { port } = fixture
  const code = access.newCode()
  const first = await ask(port, `/auth?code=${code}`)
  expect(first).toMatchObject({ status: 303, headers: { location: '/', 'cache-control': 'no-store' } })
  const [setCookie] = first.headers['set-cookie'] as string[]
  expect(setCookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\//)
  expect((await ask(port, `/auth?code=${code}`)).status).toBe(401)
  const cookie = setCookie!.split(';')[0]!
  expect(await upgrade(port, { cookie })).toBe(101)
  expect(await upgrade(port, { cookie: cookie.replace(/.$/, '') })).toBe(401)
  expect(await upgrade(port, {}, ['openpista', 'token.subprotocol-safe'])).toBe(101)
})

test('a code is too old after ten minutes, a cookie after thirty days', () => {
  let now = 1_000_000
  const access = createAccess({ token: 't', hosts: [], origins: [], now: () => now })
  const code = access.newCode()
  const cookie = access.redeem(access.newCode())!.split(';')[0]!
  now += 10 * 60_000
  expect(access.redeem(code)).toBeUndefined()
  expect(access.authenticated({ cookie })).toBe(true)
  now += 30 * 86_400_000
  expect(access.authenticated({ cookie })).toBe(false)
})

test('a new link is for who has the token', async () => {
  await using fixture = await withPages()
  expect((await ask(fixture.port, '/api/link', {}, 'POST')).status).toBe(401)
  const answer = await ask(fixture.port, '/api/link', { authorization: `Bearer ${TOKEN}` }, 'POST')
  const { path } = JSON.parse(answer.body.toString())
  expect((await ask(fixture.port, path)).status).toBe(303)
})

test('the Unix socket is for its owner alone', async () => {
  await using fixture = await startAgent(echo)
  expect(statSync(join(fixture.home, 's')).mode & 0o777).toBe(0o600)
})

test('a page elsewhere that the owner allowed may connect with the token; a cookie alone is not enough', async () => {
  const friend = 'https://desk.example'
  const access = createAccess({ token: TOKEN, hosts: [], origins: [friend], now: Date.now })
  await using fixture = await startAgent(echo, { access })
  const { port } = fixture
  const health = await ask(port, '/health', { origin: friend })
  expect(health).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': friend, vary: 'origin' } })
  expect(await ask(port, '/api/link', { origin: friend }, 'OPTIONS')).toMatchObject({
    status: 204,
    headers: { 'access-control-allow-headers': 'authorization' },
  })
  const stranger = await ask(port, '/health', { origin: 'https://desk.example.evil.example' })
  expect(stranger.status).toBe(403)
  expect(stranger.headers['access-control-allow-origin']).toBeUndefined()
  const cookie = access.redeem(access.newCode())!.split(';')[0]!
  expect(await upgrade(port, { cookie }, ['openpista'])).toBe(101)
  expect(await upgrade(port, { cookie, origin: friend }, ['openpista'])).toBe(401)
  expect(await upgrade(port, { authorization: `Bearer ${TOKEN}`, origin: friend }, ['openpista'])).toBe(101)
  expect(await upgrade(port, { authorization: `Bearer ${TOKEN}`, origin: 'https://x.example' }, ['openpista'])).toBe(
    403,
  )
})

test('a shared session is the first of every web client, and can be opened before a word was said in it', async () => {
  const shared = { id: 'web:desk', channel: 'web', address: { chat: 'desk' } }
  await using fixture = await startAgent(echo, { shared })
  const [first, second] = [await fixture.client({ clientId: 'a' }), await fixture.client({ clientId: 'b' })]
  expect(first.frames[0]).toMatchObject({ type: 'welcome', sessionId: 'web:desk', history: [] })
  await first.say('hello')
  expect(await second.next('message.stored')).toMatchObject({ sessionId: 'web:desk', text: 'hello' })
  const terminal = await socketClient(join(fixture.home, 's'))
  terminal.send({ type: 'hello', protocol: 1, clientId: 'c', sessionId: 'web:desk' })
  expect(await terminal.next('welcome')).toMatchObject({ sessionId: 'web:desk' })
  terminal.send({ type: 'hello', protocol: 1, clientId: 'c' })
  expect(await terminal.next('welcome')).toMatchObject({ sessionId: 'cli:c' })
  terminal.close()
})
