import fc from 'fast-check'
import type { Card, SessionFrame } from 'openpista/protocol'
import { expect, test } from 'vitest'
import { emptyTranscript, openCards, receive, type Transcript } from './transcript.ts'

const SESSION = 'web:a'
const source = { trusted: true, label: 'you, on web' }

type NewFrame = SessionFrame extends infer Frame
  ? Frame extends SessionFrame
    ? Omit<Frame, 'sessionId' | 'seq'>
    : never
  : never

const number = (frames: readonly NewFrame[]): SessionFrame[] =>
  frames.map((frame, index) => ({ ...frame, sessionId: SESSION, seq: index + 1 }) as SessionFrame)
const play = (frames: readonly SessionFrame[], start: Transcript = emptyTranscript(SESSION)) =>
  frames.reduce(receive, start)

const card = (id: string): Card => ({
  id,
  kind: 'tool',
  title: 'Run ls',
  facts: [],
  reason: 'It writes.',
  sources: [source],
  buttons: [{ decision: 'approve', label: 'Approve' }],
  expiresAt: 2_000_000_000,
})
const call = (callId: string) => ({ callId, name: 'system.run', summary: 'ls', arguments: { command: 'ls' } })

/** Any frame of a session with two turns, three calls and two cards. */
const anyFrame: fc.Arbitrary<NewFrame> = fc.oneof(
  fc.record({
    type: fc.constant('message.stored' as const),
    messageId: fc.uuid(),
    text: fc.string(),
    source: fc.constant(source),
  }),
  fc.record({ type: fc.constant('turn.started' as const), turnId: fc.constantFrom('t1', 't2'), messageId: fc.uuid() }),
  fc.record({ type: fc.constant('text.delta' as const), turnId: fc.constantFrom('t1', 't2'), text: fc.string() }),
  fc.record({
    type: fc.constant('tool.started' as const),
    turnId: fc.constantFrom('t1', 't2'),
    call: fc.constantFrom('c1', 'c2', 'c3').map(call),
  }),
  fc.record({
    type: fc.constant('tool.output' as const),
    turnId: fc.constantFrom('t1', 't2'),
    callId: fc.constantFrom('c1', 'c2', 'c3'),
    text: fc.string(),
  }),
  fc.record({
    type: fc.constant('tool.finished' as const),
    turnId: fc.constantFrom('t1', 't2'),
    callId: fc.constantFrom('c1', 'c2', 'c3'),
    output: fc.string(),
    isError: fc.boolean(),
  }),
  fc.record({ type: fc.constant('approval.requested' as const), card: fc.constantFrom('a1', 'a2').map(card) }),
  fc.record({
    type: fc.constant('approval.resolved' as const),
    cardId: fc.constantFrom('a1', 'a2'),
    outcome: fc.constantFrom('approved' as const, 'expired' as const),
    by: fc.string(),
  }),
  fc.record({
    type: fc.constant('turn.finished' as const),
    turnId: fc.constantFrom('t1', 't2'),
    status: fc.constantFrom('stop' as const, 'aborted' as const),
    text: fc.string(),
  }),
  fc.record({
    type: fc.constant('notice' as const),
    text: fc.string(),
    tone: fc.constantFrom('info' as const, 'error' as const),
  }),
)

test('frames in any order, doubled and replayed, end in the same transcript', () => {
  const scene = fc
    .array(anyFrame, { maxLength: 30 })
    .map(number)
    .chain((frames) =>
      fc.record({
        frames: fc.constant(frames),
        mixed: fc.array(fc.nat({ max: Math.max(0, frames.length - 1) }), { maxLength: 40 }).chain((doubles) =>
          fc.shuffledSubarray([...frames, ...doubles.flatMap((index) => frames[index] ?? [])], {
            minLength: frames.length + (frames.length === 0 ? 0 : doubles.length),
          }),
        ),
      }),
    )
  fc.assert(
    fc.property(scene, ({ frames, mixed }) => {
      expect(play(mixed)).toEqual(play(frames))
    }),
    { numRuns: 400 },
  )
})

test('a frame that is missing holds back what follows, and only that', () => {
  const frames = number([
    { type: 'turn.started', turnId: 't1', messageId: 'm' },
    { type: 'text.delta', turnId: 't1', text: 'one ' },
    { type: 'text.delta', turnId: 't1', text: 'two ' },
    { type: 'text.delta', turnId: 't1', text: 'three' },
  ])
  const [first, second, third, fourth] = frames as [SessionFrame, SessionFrame, SessionFrame, SessionFrame]
  const gap = play([first, second, fourth])
  expect(gap.items).toMatchObject([{ kind: 'answer', text: 'one ' }])
  expect(gap.held).toHaveLength(1)
  expect(play([third], gap).items).toMatchObject([{ kind: 'answer', text: 'one two three' }])
})

test('text after a tool call stands after it', () => {
  const { items } = play(
    number([
      { type: 'text.delta', turnId: 't1', text: 'Looking.' },
      { type: 'tool.started', turnId: 't1', call: call('c1') },
      { type: 'text.delta', turnId: 't1', text: 'Found.' },
    ]),
  )
  expect(items.map(({ kind }) => kind)).toEqual(['answer', 'tool', 'answer'])
})

test('a tool shows its live output and then what it really gave', () => {
  const started = number([
    { type: 'tool.started', turnId: 't1', call: call('c1') },
    { type: 'tool.output', turnId: 't1', callId: 'c1', text: 'a' },
    { type: 'tool.output', turnId: 't1', callId: 'c1', text: 'b' },
    { type: 'tool.finished', turnId: 't1', callId: 'c1', output: 'ab (cut)', isError: true },
  ])
  expect(play(started.slice(0, 3)).items).toMatchObject([{ output: 'ab', status: 'running' }])
  expect(play(started).items).toMatchObject([{ output: 'ab (cut)', status: 'failed' }])
})

test('a turn that is stopped leaves no tool running and says so', () => {
  const { items, running } = play(
    number([
      { type: 'turn.started', turnId: 't1', messageId: 'm' },
      { type: 'tool.started', turnId: 't1', call: call('c1') },
      { type: 'turn.finished', turnId: 't1', status: 'aborted', text: '' },
    ]),
  )
  expect(running).toBe(false)
  expect(items).toMatchObject([
    { kind: 'tool', status: 'stopped' },
    { kind: 'end', status: 'aborted' },
  ])
})

test('a client that came in the middle of an answer has all of it in the end', () => {
  const { items } = play(
    number([
      { type: 'text.delta', turnId: 't1', text: 'world.' },
      { type: 'turn.finished', turnId: 't1', status: 'stop', text: 'Hello world.' },
    ]),
  )
  expect(items).toMatchObject([{ kind: 'answer', text: 'Hello world.' }])
})

test('a card is open until it is resolved, and is shown once', () => {
  const frames = number([
    { type: 'approval.requested', card: card('a1') },
    { type: 'approval.requested', card: card('a1') },
    { type: 'approval.resolved', cardId: 'a1', outcome: 'rejected', by: 'you' },
  ])
  expect(openCards(play(frames.slice(0, 2)))).toHaveLength(1)
  expect(openCards(play(frames))).toEqual([])
})

test('frames of another session change nothing', () => {
  const start = emptyTranscript(SESSION)
  expect(receive(start, { type: 'notice', sessionId: 'web:b', seq: 1, text: 'x', tone: 'info' })).toBe(start)
})

test("the output of a command's tool is the answer: it is not shown a second time", () => {
  const { items } = play(
    number([
      { type: 'turn.started', turnId: 't', messageId: 'm' },
      { type: 'tool.started', turnId: 't', call: call('c1') },
      { type: 'tool.finished', turnId: 't', callId: 'c1', output: 'a.txt', isError: false },
      { type: 'turn.finished', turnId: 't', status: 'stop', text: 'a.txt', answeredBy: 'c1' },
    ]),
  )
  expect(items).toMatchObject([{ kind: 'tool', output: 'a.txt', isAnswer: true }])
})
