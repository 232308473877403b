import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Context, compactionPoint, contextMessages } from './compaction.ts'
import { untrustedSources } from './history.ts'
import type { Message } from './message.ts'

const owner = { kind: 'owner', channel: 'web' } as const
const user = (text: string): Message => ({ role: 'user', parts: [{ type: 'text', text, provenance: owner }] })
const assistant = (text: string): Message => ({ role: 'assistant', text, thinking: [], calls: [] })
const budget = { messages: 20, chars: 1_000 }

function context(messages: readonly Message[]): Context {
  return { summary: undefined, entries: messages.map((message, index) => ({ position: 10 + index, message })) }
}

test('a conversation that fits is left alone', () => {
  expect(compactionPoint(context([user('hi'), assistant('hello')]), budget)).toBeUndefined()
})

test('a long one is cut before a message of the user, and its newest part stays', () => {
  const turns = Array.from({ length: 10 }, () => [user('x'.repeat(50)), assistant('y'.repeat(50))]).flat()
  const point = compactionPoint(context(turns), budget)!
  const left = turns.slice(point - 10 + 1)
  expect(left[0]!.role).toBe('user')
  expect(left.length).toBeGreaterThan(0)
  expect(left.length).toBeLessThanOrEqual(8)
})

test('what is left always begins with the user, holds the newest message of the user, and is less than before', () => {
  const message = fc.oneof(fc.string({ maxLength: 400 }).map(user), fc.string({ maxLength: 400 }).map(assistant))
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
      const point = compactionPoint(context(messages), budget)
      if (point === undefined) return
      const left = messages.slice(point - 10 + 1)
      expect(left[0]!.role).toBe('user')
      expect(left.length).toBeLessThan(messages.length)
    }),
  )
})

test('a summary carries the provenance of everything that went into it', () => {
  const web = { kind: 'web', url: 'https://a.example' } as const
  const file = { kind: 'file', path: '/tmp/x' } as const
  const messages = contextMessages({ summary: { position: 1, text: 'all', sources: [web, file] }, entries: [] })
  expect(untrustedSources(messages)).toEqual([web, file])
  expect(
    untrustedSources(contextMessages({ summary: { position: 1, text: 'all', sources: [] }, entries: [] })),
  ).toEqual([])
})
