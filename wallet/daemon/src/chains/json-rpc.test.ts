import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createRpcClient, type RpcClient } from './json-rpc.ts'
import { systemTransport } from './test-adapters.fixture.ts'

type Call = { id: number; method: string; params: unknown[] }
const close: (() => unknown)[] = []

afterEach(async () => {
  for (const each of close.splice(0).toReversed()) await each()
})

/** A node that notes the bodies that come, and answers with what `answer` makes of them. */
async function open(
  answer: (calls: Call[], response: ServerResponse) => void,
  tries = 1,
  key = 'key',
  transport = systemTransport,
) {
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
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/${key}`,
    tries,
    transport,
  )
  close.push(client.close)
  return { bodies, client }
}

const echo = (calls: Call[], response: ServerResponse) =>
  void response.end(
    JSON.stringify(calls.toReversed().map(({ id, params }) => ({ jsonrpc: '2.0', id, result: params[0] }))),
  )
const always = () => true
/** Questions that show that a node answers so many together. */
const takesTogether = (client: RpcClient, count: number) =>
  Promise.all(Array.from({ length: count }, () => client.read('ask', ['shown'], z.unknown())))
const methodsOf = (bodies: readonly (Call | Call[])[]) =>
  bodies.map((body) => [body].flat().map(({ method }) => method))

test('what is asked and what is submitted in one turn travels together, apart from each other, in order', async () => {
  const { bodies, client } = await open(echo)
  await takesTogether(client, 2)
  bodies.length = 0
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
          id === 2 ? { id, error: { code: -32000, message: 'nonce too low' } } : { id, result: 'taken' },
        ),
      ),
    ),
  )
  await takesTogether(client, 3)
  const answers = await Promise.all(['a', 'b', 'c'].map((raw) => client.submit('send', [raw], z.string(), always)))
  expect(answers).toEqual([
    { ok: true, value: 'taken' },
    { ok: false, failure: { kind: 'error', code: -32000, message: 'nonce too low' } },
    { ok: true, value: 'taken' },
  ])
})

test.each([
  { code: null, message: { a: 1 } },
  { code: '0' },
  { code: 0, message: '' },
  { code: 0, message: '\n\u4f59\u989d' },
  '',
])('the error %j has words all the same', async (error) => {
  const { client } = await open(([call], response) => response.end(JSON.stringify({ id: call!.id, error })))
  expect(await client.read('ask', [], z.string())).toMatchObject({
    ok: false,
    failure: { kind: 'error', code: 0, message: 'The node returned error 0, without words that can be shown.' },
  })
})

test('more than a node is given at once goes in several requests', async () => {
  const { bodies, client } = await open(echo)
  await takesTogether(client, 40)
  bodies.length = 0
  const raws = Array.from({ length: 70 }, (_, index) => `${index}`)
  const answers = await Promise.all(raws.map((raw) => client.submit('send', [raw], z.string(), always)))
  expect(answers).toEqual(raws.map((value) => ({ ok: true, value })))
  expect(bodies.map((body) => [body].flat().length).toSorted()).toEqual([32, 32, 6])
})

test('a request that may not leave any more when the connection is ready is taken out of its batch', async () => {
  const { bodies, client } = await open(echo)
  await takesTogether(client, 3)
  bodies.length = 0
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
  ['an overloaded gateway', (response: ServerResponse) => response.writeHead(429).end('{"id":1,"result":"no"}')],
  [
    'an answer that breaks off',
    (response: ServerResponse) =>
      response.writeHead(200, { 'content-length': '99' }).write('{"id":1') && response.socket?.end(),
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
      '{"id": 1, "result": [9007199254740993, {"a": -123456789012345678901234567890}, 12, 1.5, "9007199254740993"]}',
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

describe('a node that takes no batches, or short ones', () => {
  const ask = (client: RpcClient, count: number) =>
    Promise.all(Array.from({ length: count }, (_, index) => client.read('ask', [index], z.number())))
  const values = (count: number) => Array.from({ length: count }, (_, value) => ({ ok: true, value }))
  const sizes = (bodies: readonly (Call | Call[])[]) => bodies.map((body) => [body].flat().length)
  /** Refuses more than `most` together. */
  const refusing =
    (most: number, refuse: (response: ServerResponse) => void) => (calls: Call[], response: ServerResponse) =>
      calls.length > most ? refuse(response) : echo(calls, response)
  const say = (status: number, body: string) => (response: ServerResponse) => void response.writeHead(status).end(body)

  test.each([
    // surfpool#717, solana-cookbook#535
    ['one error object', 1, say(200, '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batches"}}')],
    // ethers.js#4123
    [
      '403',
      1,
      say(403, '{"jsonrpc":"2.0","error":{"code":-32403,"message":"Batch requests are for paid users"},"id":"0"}'),
    ],
    ['405 and a page', 1, say(405, '<html><title>405 Not Allowed</title></html>')],
    ['400 without words', 1, say(400, '')],
    ['an empty list', 1, say(200, '[]')],
    // dRPC
    [
      'a number of three',
      3,
      say(500, '{"message":"Batch of more than 3 requests are not allowed on free tier","code":31}'),
    ],
    // go-ethereum rpc/handler.go: one error with the id of the first
    [
      'an error for the first alone',
      2,
      say(200, '[{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"batch too large"}}]'),
    ],
    [
      'an error for each',
      1,
      say(
        500,
        JSON.stringify(
          [1, 2, 3, 4, 5, 6, 7].map((id) => ({ jsonrpc: '2.0', id, error: { code: 31, message: 'no batches' } })),
        ),
      ),
    ],
  ])('is asked in smaller parts where it answers %s, and remembered', async (_, most, refuse) => {
    const { bodies, client } = await open(refusing(most, refuse))
    expect(await ask(client, 7)).toEqual(values(7))
    bodies.length = 0
    expect(await ask(client, 7)).toEqual(values(7))
    expect(Math.max(...sizes(bodies))).toBeLessThanOrEqual(most)
  })

  test('is asked for half where the answer is that it was too long', async () => {
    const { bodies, client } = await open(refusing(3, say(413, '')))
    expect(await ask(client, 8)).toEqual(values(8))
    expect(Math.max(...sizes(bodies.slice(2)))).toBe(4)
  })

  test('is never given two submissions together, and each once', async () => {
    const { bodies, client } = await open(refusing(1, say(403, '')))
    const raws = ['a', 'b', 'c']
    const send = () => Promise.all(raws.map((raw) => client.submit('send', [raw], z.string(), always)))
    expect(await send()).toEqual(raws.map((value) => ({ ok: true, value })))
    await ask(client, 5)
    bodies.length = 0
    expect(await send()).toEqual(raws.map((value) => ({ ok: true, value })))
    expect(sizes(bodies)).toEqual([1, 1, 1])
  })

  test('leaves unknown what it refuses together after it took as much, and is not given it again', async () => {
    let most = 100
    const { bodies, client } = await open((calls, response) => refusing(most, say(403, ''))(calls, response))
    await takesTogether(client, 3)
    most = 1
    bodies.length = 0
    const send = () => Promise.all(['a', 'b'].map((raw) => client.submit('send', [raw], z.string(), always)))
    expect(await send()).toMatchObject([{ failure: { kind: 'unreachable' } }, { failure: { kind: 'unreachable' } }])
    expect(sizes(bodies)).toEqual([2])
    expect(await send()).toMatchObject([{ ok: true }, { ok: true }])
  })

  test('is not asked on and on where it does not answer at all', async () => {
    const { bodies, client } = await open((_calls, response) => void response.writeHead(500).end('<html>'))
    expect((await ask(client, 5)).every(({ ok }) => !ok)).toBe(true)
    expect(sizes(bodies)).toEqual([5, 1])
  })

  test('is given no more where it stops answering', async () => {
    let answers = true
    const { bodies, client } = await open((calls, response) =>
      answers ? refusing(1, say(403, ''))(calls, response) : void response.destroy(),
    )
    await ask(client, 3)
    bodies.length = 0
    answers = false
    expect((await ask(client, 50)).every(({ ok }) => !ok)).toBe(true)
    expect(bodies.length).toBeLessThanOrEqual(8)
  })

  test('is not taken for one because it throttles', async () => {
    const { bodies, client } = await open((_calls, response) =>
      response.end('{"jsonrpc":"2.0","id":null,"error":{"code":-32016,"message":"over rate limit"}}'),
    )
    expect(await ask(client, 3)).toMatchObject([1, 2, 3].map(() => ({ failure: { kind: 'unreachable' } })))
    expect(sizes(bodies)).toEqual([3])
    expect(client.takesTogether()).toBe(100)
  })
})

test.each([
  ['ids as strings', { id: '1', result: 'x' }],
  ['no version', { id: 1, result: 'x' }],
  ['further members', { jsonrpc: '2.0', id: 1, result: 'x', error: null, usage: 3 }],
  ['a list of one', [{ jsonrpc: '2.0', id: 1, result: 'x' }]],
])('an answer with %s is read', async (_, answer) => {
  const { client } = await open((_calls, response) => response.end(JSON.stringify(answer)))
  expect(await client.submit('send', [], z.string(), always)).toEqual({ ok: true, value: 'x' })
})

test('an answer without a result is none', async () => {
  const { client } = await open((_calls, response) => response.end('{"jsonrpc":"2.0","id":1}'))
  expect(await client.submit('send', [], z.unknown(), always)).toMatchObject({ failure: { kind: 'unreachable' } })
})

test('an error comes with any status, with the code as text, and without an id', async () => {
  const bodies = [
    '{"id":1,"error":{"code":"3","message":"execution reverted"}}',
    '{"id":null,"error":{"code":3,"message":"x"}}',
  ]
  const { client } = await open((_calls, response) => response.writeHead(400).end(bodies.shift()))
  expect(await client.read('ask', [], z.string())).toMatchObject({ failure: { kind: 'error', code: 3 } })
  expect(await client.read('ask', [], z.string())).toMatchObject({ failure: { kind: 'error', code: 3, message: 'x' } })
})

test('a method that a node does not offer is not asked for again, and named', async () => {
  const { bodies, client } = await open((calls, response) =>
    calls[0]!.method === 'gone'
      ? response.writeHead(404).end('404 page not found')
      : response.end(JSON.stringify({ id: 1, ...(calls[0]!.method === 'ask' ? { result: 1 } : { error: missing }) })),
  )
  const missing = { code: -32601, message: 'the method x does not exist/is not available' }
  await client.read('ask', [], z.number())
  for (const method of ['none', 'none', 'gone', 'gone']) {
    expect(await client.read(method, [], z.unknown())).toMatchObject({
      failure: { kind: 'unable', message: expect.stringContaining(`The node cannot answer ${method}: `) },
    })
  }
  expect(methodsOf(bodies)).toEqual([['ask'], ['none'], ['gone']])
})

test('a method that was missing is asked for again after a minute', async () => {
  let now = 0
  const { bodies, client } = await open(
    (_calls, response) => response.end('{"id":1,"error":{"code":-32601,"message":"Method not found"}}'),
    1,
    'key',
    { ...systemTransport, timers: { ...systemTransport.timers, monotonic: () => now } },
  )
  for (now of [0, 30_000, 59_999, 60_000, 90_000]) await client.read('none', [], z.unknown())
  expect(methodsOf(bodies)).toEqual([['none'], ['none']])
})

test('what a node says never shows the key of its address', async () => {
  const { client } = await open(
    (_calls, response) => response.writeHead(401).end('{"message":"bad key s3cr3t-s3cr3t"}'),
    1,
    's3cr3t-s3cr3t',
  )
  const answer = await client.read('ask', [], z.string())
  expect(!answer.ok && answer.failure.message).toBe('The node did not answer as it should: HTTP status 401, bad key ….')
})

test('where nothing listens, that is said', async () => {
  const client = createRpcClient('http://127.0.0.1:2/key', 1, systemTransport)
  const answer = await client.read('eth_chainId', [], z.string())
  expect(answer).toMatchObject({
    failure: { kind: 'unreachable', message: expect.stringContaining('nothing listens at its address') },
  })
  client.close()
})
