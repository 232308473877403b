import { expect, test } from 'vitest'
import { echo, startAgent } from '../testing/agent-fixture.ts'

test('a message comes back through the loop, streamed, numbered and stored', async () => {
  await using fixture = await startAgent(echo)
  const client = await fixture.client()
  const finished = await client.say('hello there friend')
  expect(finished).toMatchObject({ status: 'stop', text: 'hello there friend' })
  const numbered = client.frames.flatMap((frame) => ('seq' in frame && frame.type !== 'welcome' ? frame : []))
  expect(numbered.map(({ seq }) => seq)).toEqual(numbered.map((_, index) => index + 1))
  const text = client.frames.flatMap((frame) => (frame.type === 'text.delta' ? frame.text : [])).join('')
  expect(text).toBe('hello there friend')
})
