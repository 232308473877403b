import { expect, test } from 'vitest'
import { beyondModel, measureOverhead } from './overhead.ts'

test('each turn without the median of the model, as often as it was asked', () => {
  expect(beyondModel([10, 30, 20], [2, 100, 3], 2)).toEqual([4, 24, 14])
})

test('turns and questions by turns, all of them counted', async () => {
  const done: string[] = []
  const parts = {
    turn: async () => void done.push('turn'),
    direct: async () => void done.push('ask'),
    asksPerTurn: 1,
  }
  const { turns, over, direct } = await measureOverhead(parts, { batches: 2, turnsPerBatch: 2, asksPerBatch: 1 })
  expect(done).toEqual(['turn', 'turn', 'ask', 'turn', 'turn', 'ask'])
  expect([turns.length, over.length, direct.length]).toEqual([4, 4, 2])
})
