import { expect, test } from 'vitest'
import { createFinality, isFinal } from './finality.ts'
import { createLine } from './line.ts'
import { blockOf, nodeThat } from './nodes.fixture.ts'

const LAG_MS = 900_000
const BLOCK_MS = 12_000

type State = { latest: number; finalized: number; fork?: string }

function nodeAt(state: State, index = 0) {
  const numberOf = (named: unknown) =>
    named === 'latest' ? state.latest : named === 'finalized' ? state.finalized : Number(named)
  return nodeThat((_, [named]) => (numberOf(named) > state.latest ? null : blockOf(numberOf(named), state.fork)), index)
}

function startFollowing() {
  let now = 0
  const line = createLine()
  const finality = createFinality(
    { finality: 'finalized', finalityLagMs: LAG_MS },
    undefined,
    async () => true,
    () => now,
  )
  return {
    line,
    finality,
    read: async (node: ReturnType<typeof nodeAt>) => {
      const head = await line.follow(node)
      if (!head.ok) throw new Error(head.failure.message)
      return await finality.read(node, head.value, line)
    },
    advance: (ms: number) => {
      now += ms
    },
  }
}

// https://github.com/erpc/erpc/issues/50 : one of three nodes behind an address is at 1,320,320 where the chain is at 230,752.
test('an answer that is far too high ends with the next looks at the right chain', async () => {
  const { line, finality, read, advance } = startFollowing()
  await read(nodeAt({ latest: 1_320_320, finalized: 1_320_256, fork: 'f' }))
  const state = { latest: 230_752, finalized: 230_688 }
  for (let block = 0; block < 900; block++) {
    advance(BLOCK_MS)
    state.latest++
    state.finalized++
    const final = await read(nodeAt(state))
    // A chain that is shorter than the followed one is believed at the third sight.
    if (block > 3) expect(final).toMatchObject({ ok: true, block: { number: BigInt(state.finalized) } })
  }
  expect(finality.last(line)).toEqual({ number: 231_588n, hash: '0xa231588' })
  await line.reach(nodeAt(state), 231_500n)
  const final = await read(nodeAt(state))
  expect(isFinal(line, final, { number: 231_550n, hash: '0xa231550' })).toBe(true)
})

test('a final block that is not on the line of the node is none', async () => {
  const { line, finality, read } = startFollowing()
  const node = nodeThat((_, [named]) => (named === 'finalized' ? blockOf(1_000, 'f') : blockOf(1_000)))
  expect(await read(node)).toMatchObject({ ok: false })
  expect(finality.last(line)).toBeNull()
})

test('a final block above the newest one is none, and is forgotten where the line ends below it later', async () => {
  const { line, finality, read } = startFollowing()
  await read(nodeAt({ latest: 1_000, finalized: 936, fork: 'f' }))
  expect(finality.last(line)).toMatchObject({ number: 936n })
  expect(await read(nodeAt({ latest: 999, finalized: 1_001, fork: 'f' }))).toMatchObject({ ok: false })
  for (let sight = 0; sight < 3; sight++) await read(nodeAt({ latest: 500, finalized: 436 }))
  expect(finality.last(line)).toMatchObject({ number: 436n })
})

test('what stands still on one node does not stand still on another', async () => {
  const { read, advance } = startFollowing()
  const stuck = { latest: 1_000, finalized: 936 }
  const sound = { latest: 1_000, finalized: 936 }
  await read(nodeAt(stuck, 0))
  for (let block = 0; block < 900; block++) {
    advance(BLOCK_MS)
    stuck.latest++
    sound.latest++
    sound.finalized++
    expect(await read(nodeAt(sound, 1))).toMatchObject({ ok: true })
  }
  expect(await read(nodeAt(stuck, 0))).toMatchObject({ ok: false, missing: { code: 'FINALITY_UNAVAILABLE' } })
  stuck.finalized = stuck.latest - 64
  expect(await read(nodeAt(stuck, 0))).toMatchObject({ ok: true })
})

// https://github.com/DefiLlama/chainlist/issues/3168
test('after a restart of the line nothing is final until the last final block is there again', async () => {
  const { read, advance } = startFollowing()
  const state = { latest: 1_000, finalized: 936 }
  for (; state.latest < 1_100; state.latest++, state.finalized++) {
    advance(BLOCK_MS)
    expect(await read(nodeAt(state))).toMatchObject({ ok: true })
  }
  const elsewhere = { latest: 5_000, finalized: 4_936, fork: 'f' }
  expect(await read(nodeAt(elsewhere))).toMatchObject({ ok: false, missing: { code: 'FINALITY_UNAVAILABLE' } })
  expect(await read(nodeAt({ ...elsewhere, latest: 5_001 }))).toMatchObject({ ok: false })
  for (let sight = 0; sight < 3; sight++) await read(nodeAt(state))
  expect(await read(nodeAt(state))).toMatchObject({ ok: true, block: { hash: `0xa${state.finalized}` } })
})
