import fc from 'fast-check'
import { ServerFrame } from 'openpista/protocol'
import { expect, test } from 'vitest'
import { parseServerFrame } from './frame-guard.ts'

const source = { trusted: false, label: 'web page https://a.example' }
const card = {
  id: 'a',
  kind: 'payment',
  title: 'Send',
  facts: [{ label: 'Amount', value: '1', tone: 'plain' }],
  reason: 'r',
  sources: [source],
  buttons: [{ decision: 'open', label: 'Open', url: 'https://a.example' }],
  shortCode: 'ABC-123',
  expiresAt: 1,
}
const call = { callId: 'c', name: 'n', summary: 's', arguments: {} }
const numbered = { sessionId: 's', seq: 1 }

const frames: unknown[] = [
  { ...numbered, type: 'message.stored', messageId: 'm', text: 't', source },
  { ...numbered, type: 'turn.started', turnId: 't', messageId: 'm' },
  { ...numbered, type: 'text.delta', turnId: 't', text: 'x' },
  { ...numbered, type: 'tool.started', turnId: 't', call },
  { ...numbered, type: 'tool.output', turnId: 't', callId: 'c', text: 'x' },
  { ...numbered, type: 'tool.finished', turnId: 't', callId: 'c', output: 'x', isError: false },
  { ...numbered, type: 'approval.requested', card },
  { ...numbered, type: 'approval.resolved', cardId: 'a', outcome: 'executed', by: 'x' },
  { ...numbered, type: 'turn.finished', turnId: 't', status: 'limit', text: '' },
  { ...numbered, type: 'notice', text: 'x', tone: 'success' },
  {
    type: 'welcome',
    protocol: 1,
    sessionId: 's',
    seq: 0,
    running: true,
    model: 'm',
    history: [
      { kind: 'user', messageId: 'm', text: 't', source, at: 1 },
      { kind: 'assistant', turnId: 't', text: 't', at: 1 },
      { kind: 'tool', turnId: 't', call, output: '', isError: true, at: 1 },
      { kind: 'card', card, outcome: 'failed', at: 1 },
      { kind: 'notice', text: 't', tone: 'info', at: 1 },
    ],
  },
  { type: 'message.accepted', id: 'm', duplicate: true },
  { type: 'session.listed', sessions: [{ id: 's', title: '', channel: 'web', updatedAt: 1 }] },
  { type: 'pong', nonce: 'n' },
  { type: 'error', code: 'X', message: 'x' },
]

test.each(frames)('takes every frame of the protocol: %j', (frame) => {
  expect(parseServerFrame(JSON.stringify(frame))).toEqual(ServerFrame.parse(frame))
})

test('every frame type of the protocol is among them', () => {
  const known = [...ServerFrame.options[0].options, ...ServerFrame.options[1].options].map(
    ({ shape }) => shape.type.value,
  )
  expect(new Set(frames.map((frame) => (frame as { type: string }).type))).toEqual(new Set(known))
})

test('a frame with a field of a wrong type is no frame', () => {
  fc.assert(
    fc.property(fc.constantFrom(...frames), fc.nat(20), (frame, pick) => {
      const fields = Object.keys(frame as object).filter((name) => !['protocol', 'duplicate'].includes(name))
      const field = fields[pick % fields.length] ?? 'type'
      const broken = { ...(frame as object), [field]: { not: 'right' } }
      if (ServerFrame.safeParse(broken).success || field === 'messageId') return
      expect(parseServerFrame(JSON.stringify(broken))).toBeUndefined()
    }),
  )
})

test.each(['', 'null', '[]', '{}', '{"type":"__proto__"}', '{"type":"constructor"}', '{"type":"unknown"}', 'x'])(
  'ignores %s',
  (data) => {
    expect(parseServerFrame(data)).toBeUndefined()
  },
)

test('an open field of a newer gateway is no reason to refuse a frame', () => {
  expect(parseServerFrame('{"type":"pong","nonce":"n","more":1}')).toBeDefined()
})
