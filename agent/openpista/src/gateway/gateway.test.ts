import { connect } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SessionFrame } from '../protocol/index.ts'
import { connectClient, noteTool, startAgent } from '../testing/agent-fixture.ts'
import { callTool, echo, lastUserText, sayText } from '../testing/script.ts'
import { socketClient } from '../testing/socket-client.ts'

const numbers = (frames: readonly unknown[]) => frames.flatMap((frame) => (isNumbered(frame) ? frame.seq : []))
const isNumbered = (frame: unknown): frame is SessionFrame =>
  (frame as { seq?: number }).seq !== undefined && (frame as { type: string }).type !== 'welcome'

test('a message comes back through the loop, streamed, numbered and stored', async () => {
  await using fixture = await startAgent(echo)
  const client = await fixture.client()
  const finished = await client.say('hello there friend')
  expect(finished).toMatchObject({ status: 'stop', text: 'hello there friend' })
  expect(numbers(client.frames)).toEqual(numbers(client.frames).map((_, index) => index + 1))
  const text = client.frames.flatMap((frame) => (frame.type === 'text.delta' ? frame.text : [])).join('')
  expect(text).toBe('hello there friend')
})

test('the same protocol answers on the Unix socket', async () => {
  await using fixture = await startAgent(echo)
  const client = await socketClient(join(fixture.home, 's'))
  client.send({ type: 'hello', protocol: 1, clientId: 'shell' })
  expect(await client.next('welcome')).toMatchObject({ sessionId: 'cli:shell', history: [] })
  expect(await client.say('over the socket')).toMatchObject({ text: 'over the socket' })
  client.close()
})

test('a message that is sent again is taken once, and its sender is told', async () => {
  await using fixture = await startAgent(echo)
  const client = await fixture.client()
  await client.say('once', 'm1')
  client.send({ type: 'message', id: 'm1', text: 'once' })
  expect(await client.next('message.accepted')).toMatchObject({ duplicate: false })
  expect(await client.next('message.accepted')).toMatchObject({ id: 'm1', duplicate: true })
  await client.say('twice', 'm2')
  expect(client.frames.filter(({ type }) => type === 'turn.started')).toHaveLength(2)
})

test('two clients that number their messages alike do not hide each other', async () => {
  await using fixture = await startAgent(echo)
  const [one, two] = [await fixture.client({ clientId: 'one' }), await fixture.client({ clientId: 'two' })]
  expect(await one.say('from one', '1')).toMatchObject({ text: 'from one' })
  expect(await two.say('from two', '1')).toMatchObject({ text: 'from two' })
})

test('two sessions run at the same time, each in order', async () => {
  const both = Promise.withResolvers<void>()
  const seen: string[] = []
  await using fixture = await startAgent(async function* (request, signal) {
    seen.push(lastUserText(request))
    if (seen.length === 2) both.resolve()
    if (seen.length <= 2) await both.promise
    yield* echo(request, signal)
  })
  const [one, two] = [await fixture.client({ clientId: 'one' }), await fixture.client({ clientId: 'two' })]
  const answers = await Promise.all([one.say('a'), two.say('b')])
  expect(answers.map(({ text }) => text)).toEqual(['a', 'b'])
})

test('messages that wait are answered in the order in which they came', async () => {
  await using fixture = await startAgent(echo)
  const client = await fixture.client()
  for (let index = 0; index < 10; index++) client.send({ type: 'message', id: `m${index}`, text: `word ${index}` })
  const answers: string[] = []
  for (let index = 0; index < 10; index++) answers.push((await client.next('turn.finished')).text)
  expect(answers).toEqual(Array.from({ length: 10 }, (_, index) => `word ${index}`))
})

test('a bad frame is answered with an error and the connection stays', async () => {
  await using fixture = await startAgent(echo)
  const client = await fixture.client()
  for (const bad of ['not json', '[]', '{"type":"fly"}', '{"type":"message","id":"x"}', 'null']) {
    client.sendRaw(bad)
    expect(await client.next('error')).toMatchObject({ code: 'BAD_FRAME' })
  }
  expect(await client.say('still here')).toMatchObject({ text: 'still here' })
})

test('before hello nothing but hello and ping is answered', async () => {
  await using fixture = await startAgent(echo)
  const client = await connectClient(fixture.port)
  client.send({ type: 'message', id: 'x', text: 'hi' })
  expect(await client.next('error')).toMatchObject({ code: 'HELLO_FIRST' })
  client.send({ type: 'ping', nonce: 'n' })
  expect(await client.next('pong')).toEqual({ type: 'pong', nonce: 'n' })
  client.close()
})

test('a line longer than a frame may be ends the socket and not the gateway', async () => {
  await using fixture = await startAgent(echo)
  const socket = connect(join(fixture.home, 's'))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => {})
  const chunk = 'x'.repeat(256 * 1024)
  for (let index = 0; index < 6; index++) socket.write(chunk)
  await closed
  expect(await (await fixture.client()).say('fine')).toMatchObject({ text: 'fine' })
})

test('whoever opens a session in the middle of an answer gets all of it, once', async () => {
  const half = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  await using fixture = await startAgent(async function* () {
    yield { type: 'text', delta: 'first half, ' }
    half.resolve()
    await go.promise
    yield* sayText('second half')
  })
  const client = await fixture.client()
  const finished = client.say('go')
  await half.promise
  await client.next('text.delta')
  const late = await fixture.client({ clientId: 'late', sessionId: 'web:tab' })
  go.resolve()
  await finished
  await late.next('turn.finished')
  const text = late.frames.flatMap((frame) => (frame.type === 'text.delta' ? frame.text : [])).join('')
  expect(text).toBe('first half, second half')
  const welcome = late.frames.find((frame) => frame.type === 'welcome')
  expect(welcome).toMatchObject({ running: true, history: [{ kind: 'user', text: 'go' }] })
})

test('wherever a client is cut off, lastSeq brings exactly what it missed', async () => {
  await using fixture = await startAgent(echo, { tools: [] })
  const client = await fixture.client()
  for (const text of ['one two three', 'four five', 'six']) await client.say(text)
  const all = client.frames.filter(isNumbered)
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: all.length }), async (cut) => {
      const again = await fixture.client({ lastSeq: cut })
      again.send({ type: 'ping', nonce: 'end' })
      await again.next('pong')
      expect(again.frames.filter(isNumbered)).toEqual(all.slice(cut))
      expect(again.frames[0]).not.toHaveProperty('history')
      again.close()
    }),
    { numRuns: 15 },
  )
})

test('a client that is ahead of the gateway gets the history', async () => {
  await using fixture = await startAgent(echo)
  await (await fixture.client()).say('hello')
  const client = await fixture.client({ lastSeq: 9_999 })
  expect(client.frames[0]).toMatchObject({
    type: 'welcome',
    history: [
      { kind: 'user', text: 'hello', source: { trusted: true } },
      { kind: 'assistant', text: 'hello' },
    ],
  })
})

test('a client that comes and goes during a stream misses nothing and sees nothing twice', async () => {
  await using fixture = await startAgent(async function* () {
    let text = ''
    for (let index = 0; index < 60; index++) {
      const delta = `${index} `
      text += delta
      yield { type: 'text', delta }
      await new Promise((resolve) => setTimeout(resolve, 4))
    }
    yield { type: 'done', text, thinking: [], calls: [], usage: { inputTokens: 1, outputTokens: 1 } }
  })
  const first = await fixture.client()
  first.send({ type: 'message', id: 'm', text: 'count' })
  await first.next('turn.started')
  const seen: SessionFrame[] = []
  let finished = false
  while (!finished) {
    const client = await fixture.client({ lastSeq: seen.at(-1)?.seq ?? 0 })
    await Promise.race([client.next('text.delta'), client.next('turn.finished')])
    client.close()
    seen.push(...client.frames.filter(isNumbered))
    finished = seen.some(({ type }) => type === 'turn.finished')
  }
  expect(numbers(seen)).toEqual(seen.map((_, index) => index + 1))
  const text = seen.flatMap((frame) => (frame.type === 'text.delta' ? frame.text : [])).join('')
  expect(text).toBe(Array.from({ length: 60 }, (_, index) => `${index} `).join(''))
})

test('sessions are listed, opened and deleted', async () => {
  await using fixture = await startAgent(echo)
  const client = await fixture.client()
  await client.say('first talk')
  client.send({ type: 'session.new' })
  const fresh = await client.next('welcome')
  expect(fresh.history).toEqual([])
  await client.say('second talk')
  client.send({ type: 'session.list' })
  const { sessions } = await client.next('session.listed')
  expect(sessions.map(({ title }) => title)).toEqual(['second talk', 'first talk'])
  client.send({ type: 'session.open', sessionId: 'web:tab' })
  expect((await client.next('welcome')).history).toMatchObject([{ text: 'first talk' }, { text: 'first talk' }])
  client.send({ type: 'session.delete', sessionId: fresh.sessionId })
  expect((await client.next('session.listed')).sessions).toHaveLength(1)
  client.send({ type: 'session.open', sessionId: 'web:nowhere' })
  expect(await client.next('error')).toMatchObject({ code: 'SESSION_NOT_FOUND' })
})

test('what a tool did stands in the history', async () => {
  const notes: string[] = []
  await using fixture = await startAgent(
    (request) => (request.messages.at(-1)?.role === 'tool' ? sayText('done') : callTool('note', { word: 'hi' })),
    { tools: [noteTool('read', notes)] },
  )
  await (await fixture.client()).say('note it')
  const client = await fixture.client({ clientId: 'other', sessionId: 'web:tab' })
  expect(client.frames[0]).toMatchObject({
    history: [
      { kind: 'user', text: 'note it' },
      { kind: 'tool', call: { name: 'note', summary: 'note hi' }, output: 'noted hi', isError: false },
      { kind: 'assistant', text: 'done' },
    ],
  })
  expect(notes).toEqual(['hi'])
})
