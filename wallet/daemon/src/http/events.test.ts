import type { EventView } from '@waiaas/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { agentWithPayment, PASSWORD, startHttp, type TestHttp } from './testing/start-http.ts'

let http: TestHttp

beforeAll(async () => {
  http = await startHttp()
})
afterAll(() => http.close())

/** Reads events until `enough` says so. */
async function follow(
  token: string,
  enough: (events: EventView[]) => boolean,
  from: { after?: number; lastEventId?: number; onOpen?: () => Promise<unknown> },
): Promise<EventView[]> {
  const stop = new AbortController()
  const response = await http.fetch(`/v1/events${from.after === undefined ? '' : `?after=${from.after}`}`, {
    signal: stop.signal,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(from.lastEventId === undefined ? {} : { 'Last-Event-ID': String(from.lastEventId) }),
    },
  })
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const events: EventView[] = []
  let text = ''
  let opened = false
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    if (!opened) await from.onOpen?.()
    opened = true
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1]
      if (data === undefined) continue
      const event = JSON.parse(data) as EventView
      expect(block).toContain(`id: ${event.seq}`)
      events.push(event)
    }
    if (enough(events)) break
  }
  stop.abort()
  return events
}

test('the operator sees everything from the beginning, then what comes', async () => {
  await agentWithPayment(http, 'first')
  const events = await follow(http.adminToken, (seen) => seen.some(({ data }) => data.name === 'while open'), {
    after: 0,
    onOpen: () => http.operate('POST', '/v1/agents', { name: 'while open' }),
  })
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
  expect(events.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['ADMIN_LOGIN', 'AGENT_CREATED', 'SESSION_CREATED', 'TX_QUEUED']),
  )
})

test('a session sees its own agent only, and goes on after the event it names', async () => {
  const [mine, other] = [await agentWithPayment(http, 'mine'), await agentWithPayment(http, 'other')]
  const own = await follow(mine.session.token, (seen) => seen.some(({ type }) => type === 'TX_QUEUED'), { after: 0 })
  expect(new Set(own.map(({ agentId }) => agentId))).toEqual(new Set([mine.agent.id]))
  const [first] = own
  const rest = await follow(mine.session.token, (seen) => seen.length === own.length - 1, { lastEventId: first!.seq })
  expect(rest).toEqual(own.slice(1))
  expect(JSON.stringify(own)).not.toContain(other.agent.id)
})

test('without a number only what comes is told', async () => {
  const { agent, session } = await agentWithPayment(http, 'fresh')
  const events = await follow(session.token, (seen) => seen.length > 0, {
    onOpen: () => http.operate('PUT', `/v1/agents/${agent.id}`, { name: 'renamed' }),
  })
  expect(events).toMatchObject([{ type: 'AGENT_RENAMED', data: { name: 'renamed' } }])
})

test('a stream ends with its session, before the next event', async () => {
  const { agent, session } = await agentWithPayment(http, 'short-lived')
  const response = await http.fetch('/v1/events', { headers: { Authorization: `Bearer ${session.token}` } })
  await http.operate('DELETE', `/v1/sessions/${session.id}`)
  await http.operate('PUT', `/v1/agents/${agent.id}`, { name: 'not for them' })
  expect(await response.text()).toBe(': connected\n\n')
})

test('a stream that was opened with the password ends after 15 minutes, before the next event', async () => {
  const response = await http.fetch('/v1/events', { headers: { 'X-Master-Password': PASSWORD } })
  await http.operate('POST', '/v1/agents', { name: 'in time' })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('in time')) text += (await reader.read()).value
  http.clock.advance(901)
  await http.operate('POST', '/v1/agents', { name: 'too late' })
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value
  expect(text).not.toContain('too late')
})
