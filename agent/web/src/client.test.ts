import { effect } from '@preact/signals'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Client, createClient } from './client.ts'
import { startTestGateway, type TestGateway } from './gateway.fixture.ts'
import { createKeep } from './keep.ts'
import type { View } from './view.ts'

let gateway: TestGateway
const clients: Client[] = []

beforeEach(async () => {
  gateway = await startTestGateway({})
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await gateway.close()
})

const start = (storage: Storage): Client => {
  const client = createClient({
    url: gateway.url.replace('http', 'ws'),
    keep: createKeep(storage, () => crypto.randomUUID()),
    newId: () => crypto.randomUUID(),
    isOnline: () => true,
    isLockedOut: async () => false,
    random: () => 0,
  })
  clients.push(client)
  return client
}
const until = (client: Client, passes: (view: View) => boolean): Promise<View> =>
  new Promise((resolve) => {
    const stop = effect(() => {
      const view = client.view.value
      if (!passes(view)) return
      queueMicrotask(() => stop())
      resolve(view)
    })
  })
const isConnected = (view: View) => view.link.state === 'connected' && view.transcript !== undefined
const texts = (view: View) =>
  view.transcript?.items.flatMap((item) => (item.kind === 'user' || item.kind === 'answer' ? [item.text] : [])) ?? []

test('commands about sessions are done by the page, and all others said', async () => {
  const client = start(memoryStorage())
  await until(client, isConnected)
  client.send('/session new')
  client.send(' /session load web:main ')
  client.send('/session delete web:old')
  for (const type of ['session.new', 'session.open', 'session.delete'] as const) await gateway.until(type)
  expect(client.view.value.outgoing).toEqual([])
  const said = ['/session', '/session load', '/session newer', 'say /session new']
  for (const text of said) client.send(text)
  const heard = () => gateway.received.flatMap((frame) => (frame.type === 'message' ? [frame.text] : []))
  await expect.poll(() => [...new Set(heard())]).toEqual(said)
})

test('a line that is cut in the middle of an answer loses and doubles nothing', async () => {
  const client = start(memoryStorage())
  await until(client, isConnected)
  client.send('count')
  await gateway.until('message')
  gateway.emit({ type: 'turn.started', turnId: 't', messageId: 'm' })
  for (let count = 0; count < 60; count += 1) {
    gateway.emit({ type: 'text.delta', turnId: 't', text: `${count} ` })
    if (count % 20 !== 10) continue
    await until(client, isConnected)
    gateway.dropConnections()
  }
  gateway.emit({ type: 'turn.finished', turnId: 't', status: 'stop', text: '' })
  const view = await until(client, ({ transcript }) => transcript?.running === false && transcript.seq === 63)
  expect(texts(view)).toEqual(['count', Array.from({ length: 60 }, (_, count) => `${count} `).join('')])
  expect(gateway.received.filter(({ type }) => type === 'hello').length).toBeGreaterThan(1)
})

test('a message written while the gateway is away is sent once it is back, with the same id', async () => {
  const client = start(memoryStorage())
  await until(client, isConnected)
  gateway.setOpen(false)
  gateway.dropConnections()
  await until(client, (view) => view.link.state === 'waiting')
  client.send('later')
  const id = client.view.value.outgoing[0]?.id
  gateway.setOpen(true)
  client.reconnect()
  expect((await gateway.until('message')).id).toBe(id)
  await until(client, (view) => view.outgoing.length === 0 && texts(view).length === 1)
  expect(gateway.taken).toEqual([id])
})

test('an unsent message outlives the page and is taken once however often it is sent', async () => {
  const storage = memoryStorage()
  const first = start(storage)
  await until(first, isConnected)
  gateway.setOpen(false)
  gateway.dropConnections()
  await until(first, (view) => view.link.state === 'waiting')
  first.send('keep me')
  first.close()
  gateway.setOpen(true)
  const [second, third] = [start(storage), start(storage)]
  await Promise.all([second, third].map((client) => until(client, (view) => texts(view).includes('keep me'))))
  expect(gateway.taken).toHaveLength(1)
  expect(storage.getItem('openpista.outgoing')).toBeNull()
})

test('a new visit continues the session of the last one', async () => {
  const storage = memoryStorage()
  const first = start(storage)
  const { transcript } = await until(first, isConnected)
  first.newSession()
  const other = await until(first, (view) => view.transcript?.sessionId !== transcript?.sessionId)
  first.send('a word, so that it is kept')
  await until(first, (view) => texts(view).length === 1)
  first.close()
  const second = await until(start(storage), isConnected)
  expect(second.transcript?.sessionId).toBe(other.transcript?.sessionId)
})

test('a frame that got lost on the way is asked for again', async () => {
  const client = start(memoryStorage())
  await until(client, isConnected)
  gateway.emit({ type: 'notice', text: 'first', tone: 'info' })
  const sessionId = client.view.value.transcript?.sessionId
  await until(client, ({ transcript }) => transcript?.seq === 1)
  gateway.sendRaw({ type: 'notice', sessionId, seq: 3, text: 'third', tone: 'info' })
  await until(client, ({ transcript }) => transcript?.held.length === 1)
  const view = await until(client, (now) => isConnected(now) && now.transcript?.held.length === 0)
  expect(view.transcript?.items).toMatchObject([{ text: 'first' }])
})

test('frames that nobody has any more do not hold back what follows for ever', async () => {
  const client = start(memoryStorage())
  await until(client, isConnected)
  const sessionId = client.view.value.transcript?.sessionId ?? ''
  for (let time = 0; time < 2; time += 1) {
    await until(client, isConnected)
    gateway.sendRaw({ type: 'notice', sessionId, seq: 10_001, text: 'after the crash', tone: 'info' })
    await until(client, ({ transcript }) => transcript?.held.length === 1)
    if (time === 0)
      await until(client, ({ transcript, link }) => transcript?.held.length === 0 && link.state === 'connected')
  }
  const view = await until(client, ({ transcript }) => transcript?.seq === 10_001)
  expect(view.transcript?.items).toMatchObject([{ text: 'after the crash' }])
})

test('what was written for a session that is gone goes into a new one, not into the next best', async () => {
  const storage = memoryStorage()
  const client = start(storage)
  const own = await until(client, isConnected)
  client.send('old talk')
  await until(client, (view) => texts(view).includes('old talk'))
  client.newSession()
  await until(client, (view) => isConnected(view) && view.transcript?.sessionId !== own.transcript?.sessionId)
  gateway.setOpen(false)
  gateway.dropConnections()
  await until(client, (view) => view.link.state === 'waiting')
  client.send('new talk')
  gateway.setOpen(true)
  client.reconnect()
  const view = await until(client, (now) => texts(now).includes('new talk'))
  expect(texts(view)).toEqual(['new talk'])
  expect(view.fault).toBeUndefined()
})

test('rubbish on the line does no harm', async () => {
  const client = start(memoryStorage())
  await until(client, isConnected)
  for (const frame of [null, [], 'x', { type: 'welcome' }, { type: 'text.delta', seq: -1 }]) gateway.sendRaw(frame)
  gateway.emit({ type: 'notice', text: 'fine', tone: 'info' })
  expect((await until(client, ({ transcript }) => transcript?.seq === 1)).transcript?.items).toHaveLength(1)
})

function memoryStorage(): Storage {
  const values = new Map<string, string>()
  return {
    get length() {
      return values.size
    },
    clear: () => values.clear(),
    getItem: (key) => values.get(key) ?? null,
    key: (index) => [...values.keys()][index] ?? null,
    removeItem: (key) => values.delete(key),
    setItem: (key, value) => values.set(key, value),
  }
}
