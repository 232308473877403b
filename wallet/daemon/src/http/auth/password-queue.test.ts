import { expect, test } from 'vitest'
import { createPasswordQueue, type Lane } from './password-queue.ts'

const pace = { free: 2, firstMillis: 20, mostMillis: 80, mostWaiting: 4 }

/** A queue whose checks are answered in their order, and the order in which they ran. */
function watched() {
  const ran: string[] = []
  const started: number[] = []
  const wrong = new Map<string, number>()
  const queue = createPasswordQueue(() => performance.now(), pace)
  const guess = (share: string, password: string, emergency = false) => {
    const lane: Lane = { share, emergency }
    return queue.run(lane, async () => {
      ran.push(`${share}:${password}`)
      started.push(performance.now())
      if (password === 'right') return 'right'
      wrong.set(share, (wrong.get(share) ?? 0) + 1)
      return { wrong: wrong.get(share)! }
    })
  }
  return { ran, started, guess }
}

test('after wrong passwords a share pauses longer and longer, and the right one still opens in its turn', async () => {
  const { guess, started } = watched()
  for (let count = 0; count < 4; count++) expect(await guess('a', 'wrong')).toBe('wrong')
  expect(await guess('a', 'right')).toBe('right')
  const pauses = started.slice(1).map((at, index) => at - started[index]!)
  for (const [index, least] of [0, 20, 40, 80].entries()) expect(pauses[index]).toBeGreaterThanOrEqual(least - 2)
})

test('what waits too long in one lane is refused unchecked; another share and the emergency stop take turns', async () => {
  const { guess, ran } = watched()
  const flood = Array.from({ length: 10 }, (_, index) => guess('a', `${index}`))
  const others = [guess('b', 'right'), guess('a', 'right', true)]
  expect(await Promise.all(others)).toEqual(['right', 'right'])
  expect(ran.slice(0, 2)).toEqual(['a:0', 'a:right'])
  expect(ran.indexOf('b:right')).toBeLessThan(4)
  const outcomes = await Promise.all(flood)
  expect(outcomes.filter((outcome) => outcome === 'full')).toHaveLength(5)
  expect(outcomes.filter((outcome) => outcome === 'wrong')).toHaveLength(5)
})

test('a check that breaks is told to who asked, and the next one runs', async () => {
  const queue = createPasswordQueue(() => performance.now(), pace)
  const broken = queue.run({ share: 'a', emergency: false }, async () => {
    throw new Error('no signer')
  })
  const after = queue.run({ share: 'a', emergency: false }, async () => 'right')
  await expect(broken).rejects.toThrow('no signer')
  expect(await after).toBe('right')
})
