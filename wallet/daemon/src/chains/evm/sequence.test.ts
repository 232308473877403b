import { expect, test } from 'vitest'
import { createLine } from './line.ts'
import { type Answers, blockOf, hex, nodeThat, poolOf } from './nodes.fixture.ts'
import { readSequence } from './sequence.ts'

const ACCOUNT = `0x${'11'.repeat(20)}`

type Says = {
  /** At the block with this hash; of any other block nothing is known. */
  at?: Record<string, number>
  latest: number
  pending?: number
  head?: number
  code?: string
}

function answersOf({ at, latest, pending, head = 100, code = '0x' }: Says): Answers {
  return (method, [named, block]) => {
    if (method === 'eth_getCode') return code
    if (method === 'eth_getBlockByNumber') return blockOf(named === 'latest' ? head : Number(named))
    if (block === 'latest') return hex(latest)
    if (block === 'pending') return pending === undefined ? 'error: no pool' : hex(pending)
    const count = at?.[(block as { blockHash: string }).blockHash]
    return count === undefined ? 'error: header not found' : hex(count)
  }
}

const nodeSaying = (says: Says, index = 0) => nodeThat(answersOf(says), index)

const read = (...nodes: readonly Says[]) =>
  readSequence(poolOf(...nodes.map((each, index) => nodeSaying(each, index))), createLine(), ACCOUNT)
const atHead = (count: number) => ({ at: { '0xa100': count }, latest: count, pending: count })

// https://github.com/OpenZeppelin/openzeppelin-relayer/issues/818 , https://github.com/OpenZeppelin/openzeppelin-relayer/issues/843 ,
// https://github.com/erpc/erpc/issues/50
test.each<[string, Says[], { count: bigint; pending: bigint }]>([
  ['one node', [{ ...atHead(5), pending: 7 }], { count: 5n, pending: 7n }],
  ['a second node is elsewhere', [atHead(5), { latest: 35, pending: 35 }], { count: 5n, pending: 5n }],
  ['a second node says too much of the same block', [atHead(5), atHead(35)], { count: 5n, pending: 5n }],
  ['the first node says too much of the same block', [atHead(35), atHead(5)], { count: 5n, pending: 5n }],
  ['a second node is behind', [atHead(5), { latest: 3, pending: 3, head: 98 }], { count: 5n, pending: 5n }],
  ['the first node has lost the state', [{ latest: 9, pending: 9 }, atHead(5)], { count: 5n, pending: 5n }],
  ['no node takes hashes', [{ latest: 5 }, { latest: 35 }], { count: 5n, pending: 5n }],
  ['one pool has more', [atHead(5), { ...atHead(5), pending: 9 }], { count: 5n, pending: 5n }],
  [
    'two pools have more',
    [
      { ...atHead(5), pending: 9 },
      { ...atHead(5), pending: 8 },
    ],
    { count: 5n, pending: 8n },
  ],
  ['a pool has more than any has room for', [{ ...atHead(5), pending: 5_000_000 }], { count: 5n, pending: 69n }],
  ['a pool says less than the block', [{ ...atHead(5), pending: 2 }], { count: 5n, pending: 5n }],
])('%s', async (_, nodes, expected) => {
  expect(await read(...nodes)).toEqual({ ok: true, most: 64, ...expected })
})

test('an account with delegated code has one transaction in a pool', async () => {
  const sequence = await read({ ...atHead(5), pending: 9, code: `0xef0100${'22'.repeat(20)}` })
  expect(sequence).toEqual({ ok: true, count: 5n, pending: 6n, most: 1 })
})

test('a node that tells a count at every hash does not speak of the newest block', async () => {
  const regardless = nodeThat((method, [named]) => {
    if (method === 'eth_getBlockByNumber') return blockOf(named === 'latest' ? 90 : Number(named))
    return hex(3)
  }, 1)
  const pool = poolOf(nodeSaying(atHead(5)), regardless)
  expect(await readSequence(pool, createLine(), ACCOUNT)).toMatchObject({ count: 5n })
})

test('a preferred node that is behind the line is asked about the newest block of the line', async () => {
  const line = createLine()
  await line.follow(nodeSaying({ ...atHead(5), head: 100 }))
  const pool = poolOf(nodeSaying({ latest: 3, head: 98, at: { '0xa98': 3 } }), nodeSaying(atHead(5), 1))
  expect(await readSequence(pool, line, ACCOUNT)).toMatchObject({ count: 5n })
})

test('a block that comes meanwhile is asked about', async () => {
  const line = createLine()
  const says = { at: { '0xa100': 5, '0xa101': 6 }, latest: 6, head: 100 }
  await line.follow(nodeSaying(says))
  const pool = poolOf(nodeThat((method, params) => answersOf(says)(method, params)))
  const onEach: typeof pool.onEach = async (work) => {
    const answers = await pool.onEach(work)
    says.head = 101
    await line.follow(nodeSaying(says))
    return answers
  }
  expect(await readSequence({ ...pool, onEach }, line, ACCOUNT)).toMatchObject({ count: 6n })
})
