import type { ServerFrame } from 'openpista/protocol'
import { expect, test } from 'vitest'
import { initialView, reduce, unsent, type View, type ViewEvent } from './view.ts'

const play = (events: readonly ViewEvent[], start: View = initialView([])) => events.reduce(reduce, start)
const frame = (value: ServerFrame): ViewEvent => ({ type: 'frame', frame: value })
const welcome = (more: Partial<Extract<ServerFrame, { type: 'welcome' }>> = {}): ViewEvent =>
  frame({ type: 'welcome', protocol: 1, sessionId: 's', seq: 0, running: false, history: [], ...more })
const source = { trusted: true, label: 'you, on web' }
const stored = (messageId: string, seq: number): ViewEvent =>
  frame({ type: 'message.stored', sessionId: 's', seq, messageId, text: 'hi', source })

test('a message is shown as waiting, then received, then as part of the conversation, always once', () => {
  const queued = play([welcome(), { type: 'queued', message: { id: 'm', text: 'hi' } }])
  expect(unsent(queued)).toMatchObject([{ id: 'm', state: 'waiting' }])
  const accepted = play([frame({ type: 'message.accepted', id: 'm', duplicate: false })], queued)
  expect(unsent(accepted)).toEqual([])
  expect(accepted.outgoing).toMatchObject([{ state: 'accepted' }])
  const told = play([stored('m', 1)], accepted)
  expect(told.outgoing).toEqual([])
  expect(told.transcript?.items).toHaveLength(1)
})

test('a message written before the first welcome belongs to the session that the welcome names', () => {
  const view = play([{ type: 'queued', message: { id: 'm', text: 'hi' } }, welcome()])
  expect(unsent(view)).toMatchObject([{ id: 'm', sessionId: 's' }])
})

test('a message for one session is not sent in another', () => {
  const view = play([welcome(), { type: 'queued', message: { id: 'm', text: 'hi' } }, welcome({ sessionId: 'other' })])
  expect(unsent(view)).toEqual([])
  expect(unsent(play([welcome()], view))).toHaveLength(1)
})

test('a message that the history already tells of is not sent again', () => {
  const item = { kind: 'user' as const, messageId: 'm', text: 'hi', source, at: 1 }
  const view = play([{ type: 'queued', message: { id: 'm', text: 'hi' } }, welcome({ history: [item], seq: 1 })])
  expect(view.outgoing).toEqual([])
})

test('a welcome without history keeps what is on the screen', () => {
  const view = play([welcome(), stored('m', 1), welcome({ history: undefined, seq: 1 })])
  expect(view.transcript).toMatchObject({ seq: 1, items: [{ messageId: 'm' }] })
})

test('a refused message says why and can be tried again', () => {
  const queued = play([welcome(), { type: 'queued', message: { id: 'm', text: 'hi' } }])
  const refused = play([frame({ type: 'error', code: 'TOO_LONG', message: 'Too long.', id: 'm' })], queued)
  expect(refused.outgoing).toMatchObject([{ state: 'refused', error: 'Too long.' }])
  expect(refused.fault).toBeUndefined()
  expect(unsent(play([{ type: 'retried', id: 'm' }], refused))).toHaveLength(1)
})

test('an answer whose way was cut may be given again', () => {
  const answered = play([welcome(), { type: 'answered', cardId: 'a', decision: 'approve' }])
  expect(answered.answers).toEqual({ a: 'approve' })
  expect(play([{ type: 'link', link: { state: 'waiting', retryAt: 1 } }], answered).answers).toEqual({})
})

test('sessions are listed newest first', () => {
  const sessions = [1, 3, 2].map((updatedAt) => ({ id: `${updatedAt}`, title: '', channel: 'web', updatedAt }))
  const view = play([frame({ type: 'session.listed', sessions })])
  expect(view.sessions.map(({ id }) => id)).toEqual(['3', '2', '1'])
})
