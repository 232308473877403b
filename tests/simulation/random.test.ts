import { expect, test } from 'vitest'
import { createRandom } from './random.ts'

const draw = (random: ReturnType<typeof createRandom>, count = 20) => Array.from({ length: count }, random.next)

test('The same seed draws the same numbers, another seed others.', () => {
  expect(draw(createRandom(7))).toEqual(draw(createRandom('7')))
  expect(draw(createRandom(7))).not.toEqual(draw(createRandom(8)))
})

test('A fork does not depend on what was drawn before it, nor does it change what is drawn after it.', () => {
  const [early, late] = [createRandom(1), createRandom(1)]
  const before = draw(early.fork('miner'))
  draw(late, 1000)
  expect(draw(late.fork('miner'))).toEqual(before)
  expect(draw(early)).toEqual(draw(createRandom(1)))
  expect(draw(early.fork('miner'))).not.toEqual(draw(early.fork('pool')))
})

test('Numbers are spread evenly, and stay inside their bounds.', () => {
  const random = createRandom('spread')
  const counts = new Array<number>(10).fill(0)
  for (let round = 0; round < 10_000; round += 1) counts[random.below(10)]! += 1
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150)
  const rolls = Array.from({ length: 1000 }, () => random.between(3, 5))
  expect([...new Set(rolls)].sort()).toEqual([3, 4, 5])
  expect(random.chance(0)).toBe(false)
  expect(random.chance(1)).toBe(true)
})

test('A shuffle keeps every item, and a pick takes one of them.', () => {
  const random = createRandom('items')
  const items = Array.from({ length: 50 }, (_, index) => index)
  const shuffled = random.shuffle(items)
  expect(shuffled).not.toEqual(items)
  expect(shuffled.toSorted((a, b) => a - b)).toEqual(items)
  expect(items).toContain(random.pick(items))
  expect(() => random.pick([])).toThrow(RangeError)
  expect(random.hex(32)).toMatch(/^0x[0-9a-f]{64}$/)
})
