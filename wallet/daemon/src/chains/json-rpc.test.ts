import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createRpcClient, type RpcClient } from './json-rpc.ts'
import { systemTransport } from './test-adapters.fixture.ts'

type Call = { id: number; method: string; params: unknown[] }
const close: (() => unknown)[] = []

afterEach(async () => {
  for (const each of close.splice(0).toReversed()) await each()
})

/** A node that notes the bodies that come, and answers with what `answer` makes of them. */
async function open(answer: (calls: Call[], response: ServerResponse) => void, tries = 1) {
  const bodies: (Call | Call[])[] = []
  const server = createServer((request, response) => {
    text(request).then((body) => {
      const parsed = JSON.parse(body) as Call | Call[]
      bodies.push(parsed)
      answer([parsed].flat(), response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  close.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const client: RpcClient = createRpcClient(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/key`,
    tries,
    systemTransport,
  )
  close.push(client.close)
  return { bodies, client }
}

const echo = (calls: Call[], response: ServerResponse) =>
  void response.end(
    JSON.stringify(calls.toReversed().map(({ id, params }) => ({ jsonrpc: '2.0', id, result: params[0] }))),
  )
const always = () => true
const methodsOf = (bodies: readonly (Call | Call[])[]) =>
  bodies.map((body) => [body].flat().map(({ method }) => method))

test('what is asked and what is submitted in one turn travels together, apart from each other, in order', async () => {
  const { bodies, client } = await open(echo)
  const answers = await Promise.all([
    client.submit('send', ['a'], z.string(), always),
    client.read('ask', ['b'], z.string()),
    client.submit('send', ['c'], z.string(), always),
    client.read('look', ['d'], z.string()),
  ])
  expect(answers).toEqual(['a', 'b', 'c', 'd'].map((value) => ({ ok: true, value })))
  expect(methodsOf(bodies).toSorted()).toEqual([
    ['ask', 'look'],
    ['send', 'send'],
  ])
  const sent = bodies.flat().flatMap(({ method, params }) => (method === 'send' ? params : []))
  expect(sent).toEqual(['a', 'c'])
})

test('an error of one of several is its own', async () => {
  const { client } = await open((calls, response) =>
    response.end(
      JSON.stringify(
        calls.map(({ id }) =>
          id === 1 ? { id, error: { code: -32000, message: 'nonce too low' } } : { id, result: 'taken' },
        ),
      ),
    ),
  )
  const answers = await Promise.all(['a', 'b', 'c'].map((raw) => client.submit('send', [raw], z.string(), always)))
  expect(answers).toEqual([
    { ok: true, value: 'taken' },
    { ok: false, failure: { kind: 'error', code: -32000, message: 'nonce too low' } },
    { ok: true, value: 'taken' },
  ])
})

test('more than a node is given at once goes in several requests', async () => {
  const { bodies, client } = await open(echo)
  const raws = Array.from({ length: 70 }, (_, index) => `${index}`)
  const answers = await Promise.all(raws.map((raw) => client.submit('send', [raw], z.string(), always)))
  expect(answers).toEqual(raws.map((value) => ({ ok: true, value })))
  expect(bodies.map((body) => [body].flat().length).toSorted()).toEqual([32, 32, 6])
})

test('a request that may not leave any more when the connection is ready is taken out of its batch', async () => {
  const { bodies, client } = await open(echo)
  let may = true
  const answers = [
    client.submit('send', ['a'], z.string(), always),
    client.submit('send', ['b'], z.string(), () => may),
    client.submit('send', ['c'], z.string(), always),
  ]
  may = false
  const withheld = { ok: false, failure: { kind: 'withheld' } }
  expect(await Promise.all(answers)).toMatchObject([{ ok: true, value: 'a' }, withheld, { ok: true, value: 'c' }])
  expect(await client.submit('send', ['d'], z.string(), () => may)).toMatchObject(withheld)
  expect(bodies.flat().map(({ params }) => params[0])).toEqual(['a', 'c'])
})

test('a request is not asked whether it may leave where there is no connection', async () => {
  const client = createRpcClient('http://127.0.0.1:9', 1, systemTransport)
  let asked = 0
  const answer = await client.submit('send', ['a'], z.string(), () => {
    asked += 1
    return true
  })
  expect(answer).toMatchObject({ ok: false, failure: { kind: 'unreachable' } })
  expect(asked).toBe(0)
})

test('a question whose answer is lost is asked again, what was submitted is not', async () => {
  const { bodies, client } = await open((_calls, response) => void response.destroy(), 2)
  const lost = { ok: false, failure: { kind: 'unreachable' } }
  expect(await client.read('ask', [], z.string())).toMatchObject(lost)
  expect(await client.submit('send', [], z.string(), always)).toMatchObject(lost)
  expect(methodsOf(bodies)).toEqual([['ask'], ['ask'], ['send']])
})

test.each([
  ['a redirection', (response: ServerResponse) => response.writeHead(307, { location: '/' }).end()],
  ['an overloaded gateway', (response: ServerResponse) => response.writeHead(429).end('{"id":0,"result":"no"}')],
  [
    'an answer that breaks off',
    (response: ServerResponse) =>
      response.writeHead(200, { 'content-length': '99' }).write('{"id":0') && response.socket?.end(),
  ],
  ['an answer that is no JSON', (response: ServerResponse) => response.end('<html>')],
  ['an answer to something else', (response: ServerResponse) => response.end('{"id":7,"result":"no"}')],
])('%s is no answer', async (_, answer) => {
  const { client } = await open((_calls, response) => void answer(response))
  expect(await client.submit('send', [], z.string(), always)).toMatchObject({
    ok: false,
    failure: { kind: 'unreachable' },
  })
})

test('whole numbers above 2^53 keep their digits', async () => {
  const { client } = await open((_calls, response) =>
    response.end(
      '{"id": 0, "result": [9007199254740993, {"a": -123456789012345678901234567890}, 12, 1.5, "9007199254740993"]}',
    ),
  )
  expect(await client.read('ask', [], z.unknown())).toEqual({
    ok: true,
    value: [9007199254740993n, { a: -123456789012345678901234567890n }, 12, 1.5, '9007199254740993'],
  })
})

test('closing cuts what is under way and refuses the rest', async () => {
  const arrived = Promise.withResolvers<void>()
  const { client } = await open(() => arrived.resolve())
  const asked = client.read('ask', [], z.string())
  await arrived.promise
  client.close()
  expect(await asked).toMatchObject({ ok: false, failure: { kind: 'unreachable' } })
  expect(await client.read('ask', [], z.string())).toMatchObject({ ok: false, failure: { kind: 'unreachable' } })
})
