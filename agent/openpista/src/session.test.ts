import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Message } from './domain/message.ts'
import { jitteredRetry } from './model-stream.ts'
import type { ModelRequest, ProviderEvent } from './providers/provider.ts'
import { noteTool, startAgent } from './testing/agent-fixture.ts'
import { withoutBudget } from './testing/limits.ts'
import { callTool, echo, lastUserText, type Script, sayText } from './testing/script.ts'
import { defineTool, type Tool } from './tools/tool.ts'

const afterTool = ({ messages }: ModelRequest) => messages.at(-1)?.role === 'tool'
const roles = (messages: readonly Message[]) => messages.map(({ role }) => role)

test('a model asks for two tools and answers: everything stands in order in the next request', async () => {
  const requests: ModelRequest[] = []
  const notes: string[] = []
  const script: Script = (request) => {
    requests.push(structuredClone(request))
    if (lastUserText(request) !== 'work' || afterTool(request)) return sayText('ready')
    return twoCalls()
  }
  await using fixture = await startAgent(script, { tools: [noteTool('read', notes)] })
  const client = await fixture.client()
  await client.say('work')
  await client.say('more')
  expect(notes).toEqual(['one', 'two'])
  expect(roles(requests.at(-1)!.messages)).toEqual(['user', 'assistant', 'tool', 'tool', 'assistant', 'user'])
})

async function* twoCalls(): AsyncIterable<ProviderEvent> {
  const calls = ['one', 'two'].map((word) => ({ id: `call_${word}`, name: 'note', arguments: { word } }))
  yield { type: 'done', text: '', thinking: [], calls, usage: { inputTokens: 1, outputTokens: 1 } }
}

test('an unknown tool and arguments that do not fit are errors that the model sees', async () => {
  const outputs: string[] = []
  const script: Script = (request) => {
    const last = request.messages.at(-1)
    if (last?.role === 'tool') outputs.push(last.output)
    if (outputs.length === 0) return callTool('fly', {})
    return outputs.length === 1 ? callTool('note', { word: 3 }) : sayText('sorry')
  }
  await using fixture = await startAgent(script, { tools: [noteTool('read', [])] })
  expect(await (await fixture.client()).say('go')).toMatchObject({ status: 'stop', text: 'sorry' })
  expect(outputs[0]).toBe("Tool 'fly' not found")
  expect(outputs[1]).toMatch(/^Invalid arguments: word: /)
})

test('what a round used counts before the next one, also when its tool only looked', async () => {
  const notes: string[] = []
  const looking: Tool = { ...noteTool('read', notes), repeatable: true }
  const script: Script = () => callTool('note', { word: `${notes.length}` })
  const limits = { maxRounds: 9, ...withoutBudget, turn: { tokens: 4, usd: 0 } }
  await using fixture = await startAgent(script, { tools: [looking], limits })
  const client = await fixture.client()
  const finished = client.say('look')
  const { card } = await client.next('approval.requested')
  expect(card.facts[0]).toMatchObject({ label: 'Used', value: '4 tokens' })
  client.send({ type: 'approval.answer', cardId: card.id, decision: 'reject' })
  expect(await finished).toMatchObject({ status: 'limit' })
  expect(notes).toEqual(['0', '1'])
})

test('after the configured rounds a card asks; a yes allows as many again, a no stops in words', async () => {
  const notes: string[] = []
  const script: Script = ({ messages }) => callTool('note', { word: String(messages.length) })
  const limits = { maxRounds: 4, ...withoutBudget }
  await using fixture = await startAgent(script, { tools: [noteTool('read', notes)], limits })
  const client = await fixture.client()
  const finished = client.say('go')
  const first = (await client.next('approval.requested')).card
  expect(first).toMatchObject({ kind: 'limit', title: '4 rounds with the model, and no end. Go on?' })
  client.send({ type: 'approval.answer', cardId: first.id, decision: 'approve' })
  const second = (await client.next('approval.requested')).card
  expect(notes).toHaveLength(8)
  client.send({ type: 'approval.answer', cardId: second.id, decision: 'reject' })
  expect(await finished).toMatchObject({
    status: 'limit',
    text: expect.stringContaining('❌ Max tool rounds exceeded (8)'),
  })
  expect(notes).toHaveLength(8)
})

test('the third same call in a row asks the owner, also where rules allow it; a no holds for the turn', async () => {
  const notes: string[] = []
  let rounds = 0
  const script: Script = () => (++rounds > 5 ? sayText('I give up') : callTool('note', { word: 'again' }))
  await using fixture = await startAgent(script, { tools: [noteTool('read', notes)] })
  const client = await fixture.client()
  const finished = client.say('go')
  const { card } = await client.next('approval.requested')
  expect(card.reason).toContain('3 times in a row')
  client.send({ type: 'approval.answer', cardId: card.id, decision: 'reject' })
  expect((await finished).text).toBe('I give up')
  expect(notes).toHaveLength(2)
  expect(client.frames.filter(({ type }) => type === 'approval.requested')).toHaveLength(1)
})

test('a tool that has a use only after another is offered to the model after it', async () => {
  const offered: string[][] = []
  const script: Script = (request) => {
    offered.push(request.tools.map(({ name }) => name))
    return afterTool(request) ? sayText('done') : callTool('note', { word: 'x' })
  }
  const later = { ...noteTool('read', []), name: 'later', offeredAfter: 'note' }
  await using fixture = await startAgent(script, { tools: [noteTool('read', []), later] })
  await (await fixture.client()).say('go')
  expect(offered).toEqual([['note'], ['note', 'later']])
})

test('a message during a turn steers the next round', async () => {
  const begun = Promise.withResolvers<void>()
  const steered = Promise.withResolvers<void>()
  const slow = slowTool(begun, steered.promise)
  const script: Script = (request) =>
    afterTool(request) || lastUserText(request) !== 'start' ? echo(request, NEVER) : callTool('slow', {})
  await using fixture = await startAgent(script, { tools: [slow] })
  const client = await fixture.client()
  const finished = client.say('start')
  await begun.promise
  client.send({ type: 'message', id: 'steer', text: 'rather do this' })
  await client.next('message.accepted')
  await client.next('message.accepted')
  steered.resolve()
  expect((await finished).text).toBe('rather do this')
  expect(client.frames.filter(({ type }) => type === 'turn.started')).toHaveLength(1)
})

const NEVER = new AbortController().signal

function slowTool(begun: PromiseWithResolvers<void>, until: Promise<void>): Tool {
  return defineTool({
    name: 'slow',
    description: 'Waits.',
    input: z.strictObject({}),
    risk: 'read',
    repeatable: false,
    summary: () => 'wait',
    scope: () => 'slow',
    run: async () => {
      begun.resolve()
      await until
      return { output: 'waited', isError: false, provenance: { kind: 'system' } }
    },
  }) as unknown as Tool
}

test('cancel ends a stream at once and the session stays usable', async () => {
  const script: Script = async function* (request, signal) {
    if (lastUserText(request) !== 'endless') return yield* echo(request, signal)
    yield { type: 'text', delta: 'well' }
    await new Promise(() => {})
  }
  await using fixture = await startAgent(script)
  const client = await fixture.client()
  const finished = client.say('endless')
  await client.next('text.delta')
  const before = performance.now()
  client.send({ type: 'cancel' })
  expect(await finished).toMatchObject({ status: 'aborted', text: 'well\n\nCancelled.' })
  expect(performance.now() - before).toBeLessThan(20_000)
  expect(await client.say('and now')).toMatchObject({ text: 'and now' })
})

test('cancel ends a tool that does not listen within a second, and the history stays valid', async () => {
  const begun = Promise.withResolvers<void>()
  const requests: ModelRequest[] = []
  const script: Script = (request, signal) => {
    requests.push(structuredClone(request))
    return lastUserText(request) === 'hang' ? callTool('slow', {}) : echo(request, signal)
  }
  await using fixture = await startAgent(script, { tools: [slowTool(begun, new Promise(() => {}))] })
  const client = await fixture.client()
  const finished = client.say('hang')
  await begun.promise
  const before = performance.now()
  client.send({ type: 'message', id: 'stop', text: '/cancel' })
  expect(await finished).toMatchObject({ status: 'aborted' })
  expect(performance.now() - before).toBeLessThan(20_000)
  await client.say('go on')
  const messages = requests.at(-1)!.messages
  expect(roles(messages)).toEqual(['user', 'assistant', 'tool', 'user'])
  expect(messages[2]).toMatchObject({ isError: true, output: expect.stringMatching(/^Interrupted/) })
})

test('errors that may pass are tried again before anything was shown', async () => {
  let attempts = 0
  const script: Script = async function* (request, signal) {
    attempts += 1
    if (attempts < 3) yield { type: 'error', code: 'OVERLOADED', message: '503', retryAfterMs: 1 }
    else yield* echo(request, signal)
  }
  await using fixture = await startAgent(script, { retry: { max: 3, delay: () => 1 } })
  expect(await (await fixture.client()).say('hi')).toMatchObject({ status: 'stop', text: 'hi' })
  expect(attempts).toBe(3)
})

test('an error after the first token is told in words, and what was said stays', async () => {
  let attempts = 0
  const script: Script = async function* () {
    attempts += 1
    yield { type: 'text', delta: 'half an ' }
    yield { type: 'error', code: 'NETWORK', message: 'connection reset' }
  }
  await using fixture = await startAgent(script, { retry: { max: 3, delay: () => 1 } })
  const finished = await (await fixture.client()).say('hi')
  expect(finished).toMatchObject({ status: 'error', text: 'half an \n\n❌ LLM error: no connection: connection reset' })
  expect(attempts).toBe(1)
})

test.each([
  ['AUTH', '❌ Authentication required: wrong key'],
  ['RATE_LIMIT', '❌ Rate limit exceeded: wrong key'],
  ['BAD_RESPONSE', '❌ Invalid response from LLM: wrong key'],
] as const)('%s reaches the owner in words', async (code, words) => {
  const script: Script = async function* () {
    yield { type: 'error', code, message: 'wrong key' }
  }
  await using fixture = await startAgent(script, { retry: { max: 1, delay: () => 1 } })
  expect(await (await fixture.client()).say('hi')).toMatchObject({ status: 'error', text: words })
})

test('the wait before a repetition has jitter, grows, and is at least what the server asked for', () => {
  const { delay } = jitteredRetry(3, () => 0.5)
  expect([1, 2, 3].map((attempt) => delay(attempt, undefined))).toEqual([300, 600, 1200])
  expect(delay(1, 5_000)).toBe(5_000)
  expect(delay(1, 600_000)).toBe(30_000)
})

test('a bug in a tool ends the turn in words, not the gateway', async () => {
  const broken = { ...noteTool('read', []), run: () => Promise.reject(new Error('a bug')) }
  const script: Script = (request, signal) =>
    lastUserText(request) === 'break' ? callTool('note', { word: 'x' }) : echo(request, signal)
  await using fixture = await startAgent(script, { tools: [broken] })
  const client = await fixture.client()
  expect(await client.say('break')).toMatchObject({ status: 'error', text: expect.stringMatching(/^❌ /) })
  expect(await client.say('fine')).toMatchObject({ text: 'fine' })
})

test('a server that numbers its calls anew in every answer cannot mix them up', async () => {
  const notes: string[] = []
  let round = 0
  const requests: ModelRequest[] = []
  const script: Script = (request) => {
    requests.push(structuredClone(request))
    round += 1
    return round <= 3 ? callTool('note', { word: `w${round}` }, 'call_0') : sayText('done')
  }
  await using fixture = await startAgent(script, { tools: [noteTool('read', notes)] })
  await (await fixture.client()).say('go')
  expect(notes).toEqual(['w1', 'w2', 'w3'])
  const ids = requests.at(-1)!.messages.flatMap((message) => (message.role === 'tool' ? message.callId : []))
  expect(new Set(ids).size).toBe(3)
})
