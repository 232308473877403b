import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { createHostExecutor } from '../executors/host.ts'
import { isPublicAddress } from './ip-address.ts'
import { systemLookup, type WebConfig } from './pinned-fetch.ts'
import { createWebFetch } from './web-fetch.ts'

let answer: (request: IncomingMessage, response: ServerResponse) => void
let seen: IncomingMessage[] = []
const server = createServer((request, response) => {
  seen.push(request)
  answer(request, response)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
const site = `http://127.0.0.1:${port}`
beforeEach(() => {
  seen = []
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function fetchPage(url: string, config: Partial<WebConfig> = {}, signal = new AbortController().signal) {
  const tool = createWebFetch({ allowedHosts: [`127.0.0.1:${port}`], resolve: systemLookup, ...config })
  const place = { workspace: '/', exec: createHostExecutor({}) }
  const ids = { sessionId: 's', turnId: 't', callId: 'c' }
  return await tool.run(tool.input.parse({ url }), { ...ids, ...place, signal, emit: () => {} })
}
const page = (
  body: string | Buffer,
  headers: Record<string, string> = { 'content-type': 'text/html' },
  status = 200,
) => {
  answer = (_request, response) => response.writeHead(status, headers).end(body)
}

test("a page is read as text and marked as the page's words", async () => {
  page('<title>A &amp; B</title><script>evil()</script><h1>Hi</h1><p>one <b>two</b></p><a href="/x">more</a>')
  expect(await fetchPage(`${site}/p`)).toEqual({
    output: `url: ${site}/p\nstatus: 200\ntitle: A & B\n\nHi\n\none two\nmore (${site}/x)`,
    isError: false,
    provenance: { kind: 'web', url: `${site}/p` },
  })
})

test.each([
  ...[
    'file:///etc/passwd',
    'ftp://example.com',
    'javascript:alert(1)',
    'data:text/html,x',
    'not a url',
    'http://user:pw@example.com',
  ],
])('%j is not fetched', async (url) => {
  expect(await fetchPage(url)).toMatchObject({ isError: true })
})

test.each([
  ...['http://127.0.0.1:1/', 'http://localhost:1/', 'http://2130706433:1/', 'http://0x7f.1:1/', 'http://127.1:1/'],
  ...[
    'http://[::1]:1/',
    'http://[::ffff:127.0.0.1]:1/',
    'http://0.0.0.0:1/',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/',
  ],
  ...[
    'http://[fe80::1]/',
    'http://[fc00::1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://192.168.1.1/',
    'http://[::]/',
  ],
])('%j is this machine or its network', async (url) => {
  expect(await fetchPage(url, { allowedHosts: [] })).toMatchObject({
    isError: true,
    output: expect.stringContaining('public internet'),
  })
  expect(seen).toEqual([])
})

test('a name that leads to a private address, or to one among others, is refused', async () => {
  const resolve = async () => [
    { address: '93.184.216.34', family: 4 },
    { address: '127.0.0.1', family: 4 },
  ]
  expect(await fetchPage(`http://rebind.example:${port}/`, { resolve })).toMatchObject({ isError: true })
  expect(seen).toEqual([])
})

test('the connection goes to the address that was checked, asked for once', async () => {
  page('<p>pinned</p>')
  let asked = 0
  const resolve = async () => {
    asked += 1
    return [{ address: '127.0.0.1', family: 4 }]
  }
  const result = await fetchPage(`http://site.example:${port}/`, { resolve, allowedHosts: [`site.example:${port}`] })
  expect(result.output).toContain('pinned')
  expect(seen[0]!.headers.host).toBe(`site.example:${port}`)
  expect(asked).toBe(1)
})

test('redirects are followed, checked each, and counted', async () => {
  answer = (request, response) => {
    const hop = Number(request.url!.slice(1))
    if (hop === 0) response.end('arrived')
    else response.writeHead(302, { location: `/${hop - 1}` }).end()
  }
  const good = await fetchPage(`${site}/5`)
  expect(good).toMatchObject({ isError: false, provenance: { kind: 'web', url: `${site}/0` } })
  expect(await fetchPage(`${site}/6`)).toMatchObject({ isError: true, output: 'More than 5 redirects.' })
  for (const location of ['http://127.0.0.1:1/', 'http://169.254.169.254/', 'file:///etc/passwd']) {
    answer = (_request, response) => response.writeHead(302, { location }).end()
    expect(await fetchPage(`${site}/`)).toMatchObject({ isError: true })
  }
})

test('a long page is cut, a packed one is unpacked, a bomb stays small', async () => {
  page('x'.repeat(3 * 1024 * 1024), { 'content-type': 'text/plain' })
  const long = await fetchPage(site)
  expect(long.output).toContain('[cut: characters 0 to 40000 of 2097152')
  expect(long.output).toContain('longer than 2 MiB')
  page(gzipSync('packed'), { 'content-type': 'text/plain', 'content-encoding': 'gzip' })
  expect((await fetchPage(site)).output).toContain('packed')
  page(brotliCompressSync(Buffer.alloc(50_000_000, 'b')), { 'content-type': 'text/plain', 'content-encoding': 'br' })
  expect((await fetchPage(site)).output).toContain('longer than 2 MiB')
  page('not gzip', { 'content-type': 'text/plain', 'content-encoding': 'gzip' })
  expect(await fetchPage(site)).toMatchObject({ isError: true })
})

test('what is no text is told', async () => {
  page(Buffer.from([0x25, 0x50, 0]), { 'content-type': 'application/pdf' })
  expect(await fetchPage(site)).toMatchObject({
    isError: true,
    output: expect.stringContaining('application/pdf, 3 bytes'),
  })
})

test('texts in other encodings are read', async () => {
  page(Buffer.from([0x47, 0xfc, 0xdf]), { 'content-type': 'text/plain; charset=iso-8859-1' })
  expect((await fetchPage(site)).output).toContain('Güß')
  page(Buffer.from('日本', 'utf8'), { 'content-type': 'text/plain; charset=no-such' })
  expect((await fetchPage(site)).output).toContain('日本')
})

test('an answer that is no success is an error with its text', async () => {
  page('gone', { 'content-type': 'text/plain' }, 404)
  expect(await fetchPage(site)).toMatchObject({ isError: true, output: expect.stringContaining('status: 404\n\ngone') })
})

test('a cancel ends a page that never ends', async () => {
  answer = (_request, response) => response.writeHead(200, { 'content-type': 'text/plain' }).write('begun')
  const controller = new AbortController()
  setTimeout(() => controller.abort(), 100)
  expect(await fetchPage(site, {}, controller.signal)).toMatchObject({ isError: true, output: 'Cancelled.' })
})

test('a site that is away, or has no name, is an error in words', async () => {
  expect(await fetchPage('http://127.0.0.1:1/', { allowedHosts: ['127.0.0.1:1'] })).toMatchObject({
    isError: true,
    output: expect.stringContaining('ECONNREFUSED'),
  })
  const resolve = async () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))
  expect(await fetchPage('http://nowhere.example/', { resolve })).toMatchObject({
    output: expect.stringContaining('ENOTFOUND'),
  })
})

test('addresses of the public internet are told from all others', () => {
  const open = ['1.1.1.1', '93.184.216.34', '172.15.0.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::1']
  const closed = [
    '100.64.0.1',
    '172.16.0.1',
    '192.0.2.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:1.1.1.1',
    'ff02::1',
  ]
  expect(open.filter((address) => !isPublicAddress(address))).toEqual([])
  expect([...closed, '2001::1', '2001:db8::1', '127.0.0.1', 'x', ''].filter(isPublicAddress)).toEqual([])
})

test('where a redirect fails is told in the words of the page that sent there', async () => {
  answer = (_request, response) => response.writeHead(302, { location: 'http://the-owner-agreed-pay-now.test/' }).end()
  const resolve = async () => [{ address: '10.0.0.1', family: 4 }]
  const result = await fetchPage(`${site}/go`, { resolve })
  expect(result).toMatchObject({ isError: true, provenance: { kind: 'web', url: `${site}/go` } })
  expect(await fetchPage('http://10.0.0.1/')).toMatchObject({ isError: true, provenance: { kind: 'system' } })
})
