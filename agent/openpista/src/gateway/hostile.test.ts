import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createLogger } from '@openpista/common'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Fixture, startAgent, TOKEN } from '../testing/agent-fixture.ts'
import { echo } from '../testing/script.ts'
import { socketClient } from '../testing/socket-client.ts'

/** An agent that notes what goes wrong inside it. */
async function start(): Promise<Fixture & { faults: unknown[] }> {
  const faults: unknown[] = []
  const logger = Object.assign(Object.create(createLogger('test', 'silent')), {
    error: (fault: unknown) => faults.push(fault),
  })
  return Object.assign(await startAgent(echo, { logger }), { faults })
}

/** Nothing broke, and whoever comes now is served. */
async function isWell(fixture: Fixture & { faults: unknown[] }): Promise<void> {
  const client = await fixture.client({ clientId: 'after' })
  expect((await client.say('still there?')).text).toBe('still there?')
  expect(fixture.faults).toEqual([])
}

const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '',
    '\0',
    '\ud800',
    '__proto__',
    "'; DROP TABLE sessions; --",
    '../..',
    'web:tab',
    'a:b',
    'a/b',
    '%00',
  ),
  fc.constantFrom('/', '/cancel', '/help', '//', '\u202e', 'x'.repeat(5_000)),
)
const someId = fc.oneof(hostileText, fc.constantFrom('web:tab', 'cli:shell', 'worker:x', 'web:after'))
const frame = fc.oneof(
  ...[
    fc.record({ type: fc.constant('message'), id: hostileText, text: hostileText }),
    fc.record({ type: fc.constant('session.open'), sessionId: someId }),
    fc.record({ type: fc.constant('session.delete'), sessionId: someId }),
    fc.record({ type: fc.constantFrom('cancel', 'session.list', 'session.new') }),
    fc.record({ type: fc.constant('ping'), nonce: hostileText }),
    fc.record({
      type: fc.constant('approval.answer'),
      cardId: someId,
      decision: fc.constantFrom('approve', 'reject', 'allow_for_session', 'open'),
    }),
    fc.record(
      {
        type: fc.constant('hello'),
        protocol: fc.constantFrom(1, 2, '1'),
        clientId: someId,
        sessionId: someId,
        lastSeq: fc.oneof(fc.nat(), fc.constantFrom(-1, 1.5, 2 ** 53, null)),
      },
      { requiredKeys: ['type', 'protocol', 'clientId'] },
    ),
  ].map((one) => one.map((value) => JSON.stringify(value))),
)
const garbage = fc.oneof(
  fc.json(),
  fc.string({ unit: 'binary', maxLength: 200 }).map((text) => text.replaceAll('\n', ' ')),
  fc.constantFrom('null', '[]', '{}', '{"type":"message"', '['.repeat(100_000), `{"a":${'{"a":'.repeat(5_000)}`),
  fc.constantFrom('{"type":"constructor"}', '{"type":{"toString":1}}', '{"__proto__":{"type":"cancel"}}'),
)

test('frames of any kind break nothing', async () => {
  await using fixture = await start()
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof({ weight: 4, arbitrary: frame }, garbage), { maxLength: 30 }), async (lines) => {
      const client = await socketClient(join(fixture.home, 's'))
      client.send({ type: 'hello', protocol: 1, clientId: 'shell' })
      for (const line of lines) client.sendRaw(line)
      client.send({ type: 'ping', nonce: 'the last one' })
      while ((await client.next('pong')).nonce !== 'the last one');
      expect(client.frames.filter((one) => one.type === 'error' && one.code === 'INTERNAL')).toEqual([])
      client.close()
    }),
    { numRuns: 40 },
  )
  await isWell(fixture)
})

test('bytes of any kind on the socket break nothing', async () => {
  await using fixture = await start()
  const bytes = [
    ...fc.sample(fc.uint8Array({ maxLength: 3_000 }), 50).map((array) => Buffer.from(array)),
    ...[Buffer.alloc(3 * 1024 * 1024, 0x61), Buffer.alloc(100_000, 0x0a), Buffer.from([0xff, 0xfe, 0x0a, 0xc3, 0x0a])],
  ]
  for (const chunk of bytes) {
    const socket = connect(join(fixture.home, 's'))
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('connect', resolve))
    await new Promise((resolve) => socket.end(chunk, () => resolve(undefined)))
    socket.destroy()
  }
  await isWell(fixture)
})

/** What comes back for bytes that are no decent request, up to the end of the connection. */
async function raw(port: number, request: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  socket.end(request)
  await new Promise((resolve) => socket.once('close', resolve))
  return Buffer.concat(chunks).toString('latin1')
}

test('odd requests get no file, no socket and no answer of the agent', async () => {
  await using fixture = await start()
  const { port, home } = fixture
  writeFileSync(join(home, 'secret.json'), 'a secret')
  const host = `Host: 127.0.0.1:${port}`
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='
  const token = `Authorization: Bearer ${TOKEN}`
  const end = 'Connection: close\r\n\r\n'
  const requests = [
    ...['//', '//ws', '/ws/', '/%77s', 'http://evil.example/ws', 'http://[', '*', '/ws%00', '/\u00ff'].map(
      (path) => `GET ${path} HTTP/1.1\r\n${host}\r\n${upgrade}\r\n\r\n`,
    ),
    ...[
      '/../secret.json',
      '/..%2fsecret.json',
      '/%2e%2e/secret.json',
      '/....//secret.json',
      '/%00',
      '/%ff%fe',
      '/%',
      '/\\..\\secret.json',
    ].map((path) => `GET ${path} HTTP/1.1\r\n${host}\r\n${end}`),
    `GET /ws HTTP/1.1\r\n${host}\r\n${host}\r\n${upgrade}\r\n\r\n`,
    `GET /ws HTTP/1.1\r\n${upgrade}\r\n${token}\r\n\r\n`,
    `GET /ws HTTP/1.1\r\nHost: evil.example\r\n${upgrade}\r\n${token}\r\n\r\n`,
    `GET /ws HTTP/1.1\r\nHost: 127.0.0.1.evil.example:${port}\r\n${upgrade}\r\n${token}\r\n\r\n`,
    `GET /ws HTTP/1.1\r\n${host}\r\nOrigin: null\r\n${upgrade}\r\n${token}\r\n\r\n`,
    `GET /ws HTTP/1.1\r\n${host}\r\nOrigin: http://127.0.0.1:${port}.evil.example\r\n${upgrade}\r\n${token}\r\n\r\n`,
    `GET /ws HTTP/1.1\r\n${host}\r\n${upgrade}\r\nAuthorization: Bearer \r\n\r\n`,
    `GET /ws HTTP/1.1\r\n${host}\r\n${upgrade}\r\nCookie: openpista_session=99999999999999.x.y\r\n\r\n`,
    `GET /health HTTP/1.0\r\n\r\n`,
    `POST /api/link HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /ws HTTP/1.1\r\n\r\n`,
    `POST /api/link HTTP/1.1\r\n${host}\r\nContent-Length: 999999999\r\n${end}${'x'.repeat(100_000)}`,
    `GET / HTTP/1.1\r\n${host}\r\nX: ${'x'.repeat(100_000)}\r\n${end}`,
    `GET / HTTP/1.1\n${host}\nX: 1\r\0\n\n`,
    `CONNECT 127.0.0.1:22 HTTP/1.1\r\n${host}\r\n${end}`,
    `TRACE / HTTP/1.1\r\n${host}\r\n${token}\r\n${end}`,
    `PUT /assets/x.js HTTP/1.1\r\n${host}\r\n${token}\r\nContent-Length: 1\r\n${end}x`,
    `GET /auth?code=${'x'.repeat(5_000)} HTTP/1.1\r\n${host}\r\n${end}`,
    `GET /auth?code HTTP/1.1\r\n${host}\r\n${end}`,
    '\r\n\r\n\0\0\0',
    Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]),
  ]
  for (const request of requests) {
    const answer = await raw(port, request)
    expect(answer, JSON.stringify(request).slice(0, 200)).not.toMatch(/^HTTP\/1\.1 (101|2\d\d)|a secret|set-cookie/i)
    expect(answer, JSON.stringify(request).slice(0, 200)).not.toContain(TOKEN)
  }
  await isWell(fixture)
})

test('many silent connections keep nobody out', async () => {
  await using fixture = await start()
  const sockets = Array.from({ length: 300 }, (_, n): Socket => {
    const socket = n % 2 === 0 ? connect(fixture.port, '127.0.0.1') : connect(join(fixture.home, 's'))
    return socket.on('error', () => {})
  })
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
  await isWell(fixture)
  for (const socket of sockets) socket.destroy()
})

test('a client that does not read is sent away, and the others get everything', async () => {
  await using fixture = await start()
  const lazy = connect(join(fixture.home, 's'))
  lazy.on('error', () => {})
  lazy.write(`${JSON.stringify({ type: 'hello', protocol: 1, clientId: 'x', sessionId: 'web:tab' })}\n`)
  const client = await fixture.client()
  await client.say('hello')
  lazy.write(`${JSON.stringify({ type: 'session.open', sessionId: 'web:tab' })}\n`)
  const closed = new Promise((resolve) => lazy.once('close', () => resolve('closed')))
  lazy.pause()
  const text = 'x'.repeat(190_000)
  for (let n = 0; n < 40; n++) expect((await client.say(text)).text).toBe(text)
  lazy.resume()
  expect(await closed).toBe('closed')
  await isWell(fixture)
})
