import { expect, test } from 'vitest'
import { createTurns } from './in-turn.ts'

test('work of one name runs in the order of the calls, that of others beside it, whatever fails', async () => {
  const inTurn = createTurns()
  const begun: string[] = []
  const first = Promise.withResolvers<void>()
  const work = (name: string, until: Promise<void> = Promise.resolve()) =>
    inTurn(name.charAt(0), async () => {
      begun.push(name)
      await until
      return name
    })
  const all = [work('a1', first.promise), work('a2'), work('b1')]
  expect(await all[2]).toBe('b1')
  expect(begun).toEqual(['a1', 'b1'])
  first.reject(new Error('no'))
  await expect(all[0]).rejects.toThrow('no')
  expect(await all[1]).toBe('a2')
  expect(await work('a3')).toBe('a3')
  expect(begun).toEqual(['a1', 'b1', 'a2', 'a3'])
})
