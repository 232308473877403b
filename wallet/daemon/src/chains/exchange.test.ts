import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer, globalAgent } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { httpExchange } from './exchange.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function open(server: Server): Promise<{ url: string; connections: () => number }> {
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { url: `127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => connections }
}

const echo: RequestListener = (request, response) => {
  text(request).then((body) => response.writeHead(200, { 'retry-after': '7' }).end(body))
}

test('one connection serves exchange after exchange, and the body is asked for once each', async () => {
  const { url, connections } = await open(createServer(echo))
  for (const content of ['{"a":"é"}', 'b', 'c']) {
    let asked = 0
    const body = () => {
      asked += 1
      return content
    }
    expect(await httpExchange({ url: `http://${url}`, body })).toEqual({
      status: 200,
      text: content,
      retryAfterSeconds: 7,
    })
    expect(asked).toBe(1)
  }
  expect(connections()).toBe(1)
})

test('nothing is sent where there is no body when the connection is ready', async () => {
  let requests = 0
  const { url } = await open(
    createServer((_request, response) => {
      requests += 1
      response.end()
    }),
  )
  expect(await httpExchange({ url: `http://${url}`, body: () => undefined })).toBe('not sent')
  expect(requests).toBe(0)
  expect(await httpExchange({ url: `http://${url}`, body: () => 'now' })).toMatchObject({ status: 200 })
})

test('the body is not asked for where there is no connection', async () => {
  const body = () => {
    throw new Error('asked')
  }
  await expect(httpExchange({ url: 'http://127.0.0.1:9', body })).rejects.toThrow('ECONNREFUSED')
  await expect(
    httpExchange({ url: 'http://127.0.0.1:9', body, signal: AbortSignal.abort(new Error('over')) }),
  ).rejects.toThrow('over')
})

test('an answer that does not come is given up on when the signal says so', async () => {
  const arrived = Promise.withResolvers<void>()
  const { url } = await open(createServer(() => arrived.resolve()))
  const over = new AbortController()
  const exchange = httpExchange({ url: `http://${url}`, body: () => 'a', signal: over.signal })
  await arrived.promise
  over.abort(new Error('too late'))
  await expect(exchange).rejects.toThrow('too late')
})

test('the same holds over TLS', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'exchange-'))
  closing.push(() => rmSync(folder, { recursive: true }))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=node']
  try {
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  } catch (error) {
    context.skip(`no certificate can be made: ${error}`)
  }
  const { ca } = globalAgent.options
  globalAgent.options.ca = readFileSync(cert)
  closing.push(() => {
    globalAgent.options.ca = ca
  })
  const { url, connections } = await open(
    createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, echo) as unknown as Server,
  )
  for (const content of ['a', 'b']) {
    expect(await httpExchange({ url: `https://${url}`, body: () => content })).toMatchObject({ text: content })
  }
  expect(connections()).toBe(1)
})
