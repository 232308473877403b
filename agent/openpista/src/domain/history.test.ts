import fc from 'fast-check'
import { expect, test } from 'vitest'
import { interrupted, repair, replay, unansweredCalls, untrustedSources } from './history.ts'
import type { Message } from './message.ts'

const owner = { kind: 'owner', channel: 'web' } as const
const user = (text: string): Message => ({ role: 'user', parts: [{ type: 'text', text, provenance: owner }] })
const assistant = (ids: string[], text = ''): Message => ({
  role: 'assistant',
  text,
  thinking: [],
  calls: ids.map((id) => ({ id, name: 'note', arguments: {} })),
})
const tool = (callId: string): Message => interrupted({ id: callId, name: 'note', arguments: {} }, 'done')

/** Any order of messages, as a crash, a cancel or a cut may leave them. */
const anyMessages = fc.array(
  fc.oneof(
    fc.string().map(user),
    fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }).map((ids) => assistant(ids, 'x')),
    fc.constantFrom('a', 'b', 'c', 'z').map(tool),
  ),
  { maxLength: 30 },
)

/** What every provider asks for. */
function faults(messages: readonly Message[]): string[] {
  const found: string[] = []
  let open: string[] = []
  for (const [index, message] of messages.entries()) {
    if (message.role === 'tool') {
      if (!open.includes(message.callId)) found.push(`result ${message.callId} at ${index} answers no open call`)
      open = open.filter((id) => id !== message.callId)
      continue
    }
    if (open.length > 0) found.push(`calls ${open.join()} before ${index} have no result`)
    open = message.role === 'assistant' ? message.calls.map(({ id }) => id) : []
  }
  return found
}

test('whatever happened to a conversation, what is replayed is valid', () => {
  fc.assert(
    fc.property(anyMessages, fc.nat(40), fc.nat(3_000), (messages, count, chars) => {
      const replayed = replay(messages, { messages: count, chars })
      expect(faults(replayed)).toEqual([])
      if (replayed.length > 0) expect(replayed[0]!.role).toBe('user')
    }),
  )
})

test('with room enough nothing that was said is lost', () => {
  fc.assert(
    fc.property(anyMessages, (messages) => {
      const kept = replay([user('first'), ...messages], { messages: 1_000, chars: 1_000_000 })
      expect(kept.filter(({ role }) => role !== 'tool')).toEqual(
        [user('first'), ...messages].filter(({ role }) => role !== 'tool'),
      )
    }),
  )
})

test('repairing twice changes nothing more', () => {
  fc.assert(
    fc.property(anyMessages, (messages) => {
      expect(repair(repair(messages))).toEqual(repair(messages))
    }),
  )
})

test('a call without a result is filled in, but one at the open end is left to be done', () => {
  expect(repair([user('go'), assistant(['a']), user('hello?')])[2]).toMatchObject({ role: 'tool', isError: true })
  const open = [user('go'), assistant(['a', 'b']), tool('a')]
  expect(repair(open)).toEqual(open)
  expect(unansweredCalls(open).map(({ id }) => id)).toEqual(['b'])
})

test('the newest messages are kept, from a user message on; the newest user message always', () => {
  const talk = [user('old'), assistant([], 'old answer'), user('new'), assistant([], 'new answer')]
  expect(replay(talk, { messages: 3, chars: 10_000 })).toEqual(talk.slice(2))
  expect(replay([user('x'.repeat(500))], { messages: 10, chars: 100 })).toHaveLength(1)
})

test('long results of tools are cut in replay, with a mark', () => {
  const long = { ...tool('a'), output: 'y'.repeat(20_000) } as Message
  const [, , result] = replay([user('go'), assistant(['a']), long], { messages: 10, chars: 100_000 })
  expect(result).toMatchObject({
    output: expect.stringMatching(
      /\[4000 more characters cut; output\.read with call "\w+" and offset 16000 reads on\]$/,
    ),
  })
})

test('everybody else whose words are in a conversation is named once', () => {
  const web = { kind: 'web', url: 'https://a.example' } as const
  const page = { ...tool('a'), provenance: web } as Message
  expect(untrustedSources([user('hi'), page, page])).toEqual([web])
})
