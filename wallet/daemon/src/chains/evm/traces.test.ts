import { expect, test } from 'vitest'
import { blockOf, nodeThat, poolOf } from './nodes.fixture.ts'
import { readStanding, readTraces } from './traces.ts'

const HASH = '0xbeef'

/** A node that has the transaction in block 100 of fork f, and another block at that number where it follows fork a. */
function nodeOn(fork: string, index = 0) {
  const listing = blockOf(100, 'f', [HASH])
  return nodeThat((method, [named]) => {
    if (method === 'eth_getTransactionReceipt') return named === HASH ? { blockHash: listing.hash } : null
    if (method === 'eth_getBlockByHash') return named === listing.hash ? listing : null
    return Number(named) > 120 ? null : blockOf(Number(named), fork)
  }, index)
}

const finalUpTo = (number: bigint | undefined) => async () => number

// https://github.com/NethermindEth/nethermind/issues/3052 , https://github.com/erigontech/erigon/issues/15334 ,
// https://github.com/ethereum/go-ethereum/issues/29261
test.each([
  ['a receipt of a block that lost is no trace', 'a', undefined, 0],
  ['one of a block that may still lose is none', 'f', 99n, 0],
  ['one of a final block is', 'f', 100n, 1],
  ['one of the block with its number is, where nothing is final', 'f', undefined, 1],
])('%s', async (_, fork, final, count) => {
  const traces = await readTraces(poolOf(nodeOn(fork)), ['0xdead', HASH], finalUpTo(final))
  const found = Array.from({ length: count }, () => ({
    hash: HASH,
    node: 'node-0',
    block: { number: 100n, hash: '0xf100' },
  }))
  expect(traces).toEqual({ ok: true, found })
})

test.each([
  ['the only node has another block', ['f'], 100n, false, false],
  ['every node has another block', ['f', 'e'], 100n, false, false],
  ['the first node is on a fork', ['f', 'a'], 100n, true, true],
  ['the second node is on a fork', ['a', 'f'], 100n, true, true],
  ['no node is that far', ['f', 'f'], 130n, true, false],
])('%s: a block stands or is gone', async (_, forks, number, stands, isShown) => {
  const pool = poolOf(...forks.map((fork, index) => nodeOn(fork, index)))
  const standing = await readStanding(pool, [{ number, hash: `0xa${number}` }])
  expect(standing).toEqual({ ok: true, standing: [stands], shown: [isShown], genesis: `0x${forks[0]}0` })
})

test('a node that is behind does not say that a block is gone', async () => {
  const behind = nodeThat((_, [number]) => (Number(number) > 50 ? null : blockOf(Number(number))))
  const standing = await readStanding(poolOf(behind, nodeOn('f', 1)), [{ number: 100n, hash: '0xa100' }])
  expect(standing).toMatchObject({ standing: [true] })
})
