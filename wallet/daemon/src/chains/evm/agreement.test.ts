import { expect, test } from 'vitest'
import { createAgreement } from './agreement.ts'
import { blockOf, nodeThat, poolOf } from './nodes.fixture.ts'

const BLOCK = { number: 100n, hash: '0xa100' }
const has = (fork: string) => nodeThat((_, [number]) => blockOf(Number(number), fork))
const isBehind = nodeThat(() => null)
const isAway = nodeThat(() => 'error: away')
const isElsewhere = nodeThat(
  (_, [number]) => blockOf(Number(number), 'f'),
  1,
  () => 'serves chain 4242',
)

test.each([
  ['the only node has it', [has('a')], true],
  ['a second node is behind', [has('a'), isBehind], true],
  ['a second node is away', [has('a'), isAway], true],
  ['a second node has another one', [has('a'), has('f')], false],
  ['a second node serves another chain', [has('a'), isElsewhere], true],
  ['no node has one', [isBehind, isBehind], false],
  ['no node is there', [isAway], false],
])('%s', async (_, nodes, agrees) => {
  expect(await createAgreement(poolOf(...nodes))(BLOCK)).toBe(agrees)
})

test('what the nodes agree on is asked once, and what they do not agree on again', async () => {
  let asked = 0
  let fork = 'f'
  const node = nodeThat((_, [number]) => {
    asked++
    return blockOf(Number(number), fork)
  })
  const agree = createAgreement(poolOf(node))
  expect(await agree(BLOCK)).toBe(false)
  fork = 'a'
  expect([await agree(BLOCK), await agree(BLOCK)]).toEqual([true, true])
  expect(asked).toBe(2)
})
