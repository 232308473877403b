import type { FakeReply } from '@openpista/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Message } from '../domain/message.ts'
import type { ModelRequest, Provider, ProviderEvent, ToolSpec } from './provider.ts'

/** A provider and the service behind it, which answers what the suite tells it to. */
export type ProviderHarness = {
  provider: Provider
  model: string
  queue: (...replies: FakeReply[]) => void
  /** What the service refused as malformed. */
  refused: () => readonly { message: string }[]
  /** Tool names of the last request as the service saw them. */
  seenTools: () => string[]
  /** Requests whose client went away. */
  aborted: () => number
  close: () => Promise<void>
}

const owner = { kind: 'owner', channel: 'cli' } as const
const says = (text: string): Message => ({ role: 'user', parts: [{ type: 'text', text, provenance: owner }] })
const tool = (name: string): ToolSpec => ({
  name,
  description: `Runs ${name}`,
  parameters: { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] },
})

/** What every provider must do, run against the real wire. */
export function providerConformance(name: string, start: () => Promise<ProviderHarness>): void {
  describe(`provider ${name}`, () => {
    let harness: ProviderHarness
    beforeEach(async () => {
      harness = await start()
    })
    afterEach(async () => {
      await harness.close()
    })

    const ask = (messages: Message[], tools: ToolSpec[] = [], signal = new AbortController().signal) =>
      collect(harness.provider, { model: harness.model, system: 'Be brief.', messages, tools }, signal)
    const last = (events: ProviderEvent[]) => events.at(-1)!

    test('streams text as it comes and ends with the whole of it and the usage', async () => {
      harness.queue({ text: 'Hello, dear owner.', usage: { prompt: 11, completion: 5 } })
      const events = await ask([says('hi')])
      const deltas = events.filter((event) => event.type === 'text').map((event) => event.delta)
      expect(deltas.length).toBeGreaterThan(1)
      expect(deltas.join('')).toBe('Hello, dear owner.')
      expect(last(events)).toEqual({
        type: 'done',
        text: 'Hello, dear owner.',
        thinking: [],
        calls: [],
        usage: { inputTokens: 11, outputTokens: 5 },
      })
    })

    test('joins the fragments of several tool calls and gives them their own names back', async () => {
      harness.queue({
        calls: [
          { id: 'call_a', name: 'system_run', arguments: { command: 'uname -a' } },
          { id: 'call_b', name: 'fs_read', arguments: { command: 'naïve "path" \\ 日本語 🦆' } },
        ],
      })
      const events = await ask([says('go')], [tool('system.run'), tool('fs.read')])
      expect(harness.seenTools()).toEqual(['system_run', 'fs_read'])
      expect(last(events)).toMatchObject({
        type: 'done',
        calls: [
          { id: 'call_a', name: 'system.run', arguments: { command: 'uname -a' } },
          { id: 'call_b', name: 'fs.read', arguments: { command: 'naïve "path" \\ 日本語 🦆' } },
        ],
      })
    })

    test('replays a history with calls, results and images in the order that the service accepts', async () => {
      harness.queue({ text: 'done' })
      const events = await ask(
        [
          says('look'),
          {
            role: 'assistant',
            text: '',
            thinking: [{ type: 'thinking', provider: 'another', text: 'hm', opaque: { signature: 'x' } }],
            calls: [
              { id: `toolu_${'x'.repeat(60)}`, name: 'screen.capture', arguments: {} },
              { id: 'call_2', name: 'a.tool.that.is.gone', arguments: { $unparsed: '{"a' } },
            ],
          },
          {
            ...result(`toolu_${'x'.repeat(60)}`, 'screen.capture'),
            images: [{ type: 'image', mime: 'image/png', base64: 'aGk=', provenance: owner }],
          },
          { ...result('call_2', 'a.tool.that.is.gone'), isError: true },
          says('and now?'),
          { role: 'assistant', text: 'A duck.', thinking: [], calls: [] },
          { role: 'user', parts: [] },
        ],
        [tool('screen.capture')],
      )
      expect(harness.refused()).toEqual([])
      expect(last(events)).toMatchObject({ type: 'done', text: 'done' })
    })

    test('refuses two tools that would get one name and names both', async () => {
      const events = await ask([says('go')], [tool('system.run'), tool('system_run')])
      expect(events).toHaveLength(1)
      expect(last(events)).toMatchObject({ type: 'error', code: 'BAD_REQUEST' })
      expect((last(events) as { message: string }).message).toMatch(/'system\.run' and 'system_run'/)
    })

    test('hands on arguments that are no JSON object so that the tool can refuse them', async () => {
      harness.queue({ calls: [{ name: 'system_run', arguments: '{"command": "ls' }] })
      const events = await ask([says('go')], [tool('system.run')])
      expect(last(events)).toMatchObject({ calls: [{ arguments: { $unparsed: '{"command": "ls' } }] })
    })

    test('survives frames cut in the middle of characters', async () => {
      harness.queue({ text: 'Grüße, 日本語 🦆!', fault: { kind: 'split', bytes: 3 } })
      expect(last(await ask([says('hi')]))).toMatchObject({ type: 'done', text: 'Grüße, 日本語 🦆!' })
    })

    test.each([
      [401, 'AUTH'],
      [403, 'AUTH'],
      [400, 'BAD_REQUEST'],
      [413, 'BAD_REQUEST'],
      [429, 'RATE_LIMIT'],
      [500, 'OVERLOADED'],
      [503, 'OVERLOADED'],
      [529, 'OVERLOADED'],
    ])('status %i is %s, and asked once', async (status, code) => {
      harness.queue({ fault: { kind: 'status', status, message: 'No, thank you.' } }, { text: 'asked twice' })
      const events = await ask([says('hi')])
      expect(events).toHaveLength(1)
      expect(last(events)).toMatchObject({ type: 'error', code, message: expect.stringContaining('No, thank you.') })
    })

    test('says how long to wait', async () => {
      harness.queue({ fault: { kind: 'status', status: 429, retryAfterSeconds: 7 } })
      expect(last(await ask([says('hi')]))).toMatchObject({ code: 'RATE_LIMIT', retryAfterMs: 7000 })
    })

    test.each<[string, FakeReply]>([
      ['before any answer', { fault: { kind: 'cut', afterFrames: 0 } }],
      ['in the middle', { text: 'one two three four', fault: { kind: 'cut', afterFrames: 3 } }],
      ['in the middle, politely', { text: 'one two three four', fault: { kind: 'unfinished', afterFrames: 3 } }],
    ])('a connection lost %s is a network error, never an answer', async (_when, reply) => {
      harness.queue(reply)
      const events = await ask([says('hi')])
      expect(last(events)).toMatchObject({ type: 'error', code: 'NETWORK' })
      expect(events.some((event) => event.type === 'done')).toBe(false)
    })

    test('an error inside the stream ends it', async () => {
      harness.queue({ text: 'one two three', fault: { kind: 'errorFrame', afterFrames: 2, message: 'melted' } })
      const events = await ask([says('hi')])
      expect(last(events)).toMatchObject({
        type: 'error',
        code: 'OVERLOADED',
        message: expect.stringMatching('melted'),
      })
    })

    test('a stop before the answer ends the request', async () => {
      harness.queue({ fault: { kind: 'hang' } })
      const controller = new AbortController()
      setTimeout(() => controller.abort(), 50)
      expect(await ask([says('hi')], [], controller.signal)).toEqual([
        { type: 'error', code: 'ABORTED', message: expect.any(String) },
      ])
    })

    test('a stop in the middle ends the stream and lets go of the connection', async () => {
      harness.queue({ text: 'word '.repeat(1000), fault: { kind: 'slow', millisPerFrame: 5 } })
      const controller = new AbortController()
      const events: ProviderEvent[] = []
      const request = { model: harness.model, system: '', messages: [says('hi')], tools: [] }
      for await (const event of harness.provider.stream(request, controller.signal)) {
        events.push(event)
        if (events.length === 3) controller.abort()
      }
      expect(last(events)).toMatchObject({ type: 'error', code: 'ABORTED' })
      await expect.poll(harness.aborted).toBe(1)
    })

    test('a reader that leaves lets go of the connection', async () => {
      harness.queue({ text: 'word '.repeat(1000), fault: { kind: 'slow', millisPerFrame: 5 } })
      const request = { model: harness.model, system: '', messages: [says('hi')], tools: [] }
      for await (const event of harness.provider.stream(request, new AbortController().signal)) {
        if (event.type === 'text') break
      }
      await expect.poll(harness.aborted).toBe(1)
    })

    test('an unreachable service is a network error', async () => {
      await harness.close()
      expect(last(await ask([says('hi')]))).toMatchObject({ type: 'error', code: 'NETWORK' })
    })
  })
}

function result(callId: string, name: string): Extract<Message, { role: 'tool' }> {
  const provenance = { kind: 'tool', tool: name } as const
  return { role: 'tool', callId, name, output: 'ok', isError: false, images: [], provenance }
}

async function collect(provider: Provider, request: ModelRequest, signal: AbortSignal): Promise<ProviderEvent[]> {
  const events: ProviderEvent[] = []
  for await (const event of provider.stream(request, signal)) events.push(event)
  return events
}
