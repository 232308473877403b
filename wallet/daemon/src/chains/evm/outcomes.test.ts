import { serializeTransaction } from 'viem/utils'
import { expect, test } from 'vitest'
import type { Place } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import { createAgreement } from './agreement.ts'
import { createFinality } from './finality.ts'
import { createLine } from './line.ts'
import { type Answers, blockOf, hex, nodeThat, poolOf } from './nodes.fixture.ts'
import { createEvmOutcomes } from './outcomes.ts'

const ACCOUNT = `0x${'11'.repeat(20)}`
const HASH = `0x${'be'.repeat(32)}`
const GWEI = 10n ** 9n
const raw = serializeTransaction(
  { type: 'eip1559', chainId: 1, gas: 60_000n, maxFeePerGas: 2n * GWEI, to: `0x${'22'.repeat(20)}` },
  { r: `0x${'12'.repeat(32)}`, s: `0x${'34'.repeat(32)}`, yParity: 1 },
)

type Chain = {
  head: number
  final?: number
  fork?: string
  /** The block that lists the payment. */
  paidIn?: number
  /** The block in which the account's count passes the nonce. */
  usedIn?: number
  /** The lowest block of which the node has the state. */
  stateFrom?: number
  /** The newest block that is asked about, for a node that does not look at hashes. */
  regardless?: boolean
  gasUsed?: bigint
}

/** A node that has no receipts, unless the test says what gas they report. */
function answersOf(chain: Chain): Answers {
  const { head, final = head - 10, fork = 'a', paidIn, stateFrom = 0, regardless, gasUsed } = chain
  const usedIn = chain.usedIn ?? paidIn ?? Number.POSITIVE_INFINITY
  const block = (number: number) =>
    number < 0 || number > head ? null : blockOf(number, fork, number === paidIn ? [HASH] : [])
  const numberOf = (hash: string) => (hash.startsWith(`0x${fork}`) ? Number(hash.slice(3)) : Number.NaN)
  return (method, [named, at]) => {
    switch (method) {
      case 'eth_getBlockByNumber':
        return block(named === 'latest' ? head : named === 'finalized' ? final : Number(named))
      case 'eth_getBlockByHash':
        return block(numberOf(named as string))
      case 'eth_getTransactionCount': {
        const number = regardless ? head : numberOf((at as { blockHash: string }).blockHash)
        const isKnown = number >= stateFrom && number <= head
        return isKnown ? hex(number >= usedIn ? 1 : 0) : 'error: missing trie node'
      }
      case 'eth_getTransactionReceipt': {
        if (gasUsed === undefined) return null
        const blockHash = `0x${fork}${paidIn}`
        return { transactionHash: HASH, blockHash, status: '0x1', gasUsed: hex(gasUsed), effectiveGasPrice: hex(GWEI) }
      }
      default:
        return 'error: no such method'
    }
  }
}

const nodeOn = (chain: Chain, index = 0) => nodeThat(answersOf(chain), index)

function placeWith(origin: bigint | null, proof: Place['proof'] = null): Place {
  const bytes = Uint8Array.from(Buffer.from(raw.slice(2), 'hex'))
  return {
    versions: [{ raw: bytes, hash: HASH, sequence: 0n, validUntil: null, origin, from: ACCOUNT }],
    proof,
    block: null,
  }
}

/** Asks the first node; every place is old enough to be counted. */
function startFollowing(finality: 'finalized' | 'latest', ...nodes: readonly NodeReader[]) {
  const line = createLine()
  const pool = poolOf(...nodes)
  const agree = createAgreement(pool)
  const outcomes = createEvmOutcomes(pool, {
    line,
    finality: createFinality({ finality, finalityLagMs: 900_000 }, undefined, agree, () => 0),
    traits: {},
    agree,
    monotonic: () => 0,
    patienceMs: 0,
  })
  return async (place: Place) => {
    const asked = await outcomes([place])
    if (!asked.ok) throw new Error(asked.message)
    return asked.outcomes[0]!
  }
}

test('a payment is dead where no block lists it from its origin on, and the nonce is used', async () => {
  const look = startFollowing('finalized', nodeOn({ head: 200, usedIn: 195, stateFrom: 190 }))
  expect(await look(placeWith(160n))).toMatchObject({ kind: 'dead', proof: { kind: 'lists' }, final: false })
})

// https://github.com/erpc/erpc/issues/50
test.each([
  ['above the newest block', 1_000_000_000n, 198],
  ['the newest block', 200n, 198],
  ['above the block that lists the payment', 180n, 170],
])('an origin that is %s proves nothing', async (_, origin, paidIn) => {
  const look = startFollowing('finalized', nodeOn({ head: 200, paidIn }))
  expect(await look(placeWith(origin))).toMatchObject({ kind: 'included', block: { number: BigInt(paidIn) } })
})

test('an origin above the newest block proves nothing where the state is gone', async () => {
  const look = startFollowing('latest', nodeOn({ head: 200, usedIn: 150, stateFrom: 190 }))
  const outcome = await look(placeWith(1_000_000_000n))
  expect(outcome).toMatchObject({ kind: 'waiting', missing: { code: 'HISTORY_UNAVAILABLE' } })
})

test.each(['finalized', 'latest'] as const)(
  'a node that does not look at hashes proves nothing: %s',
  async (finality) => {
    const look = startFollowing(finality, nodeOn({ head: 200, usedIn: 100, regardless: true }))
    const outcome = await look(placeWith(199n))
    expect(outcome).toMatchObject({ kind: 'waiting', missing: { code: 'HISTORY_UNAVAILABLE' } })
  },
)

test('a place without an origin gets the final block, where the nodes agree on it', async () => {
  const chain = { head: 200, final: 150 }
  const agreed = startFollowing('finalized', nodeOn(chain), nodeOn({ head: 120 }, 1))
  expect(await agreed(placeWith(null))).toEqual({ kind: 'waiting', origin: 150n })
  const disputed = startFollowing('finalized', nodeOn(chain), nodeOn({ ...chain, fork: 'f' }, 1))
  expect(await disputed(placeWith(null))).toEqual({ kind: 'waiting' })
  const regardless = startFollowing('finalized', nodeOn({ ...chain, regardless: true }))
  expect(await regardless(placeWith(null))).toMatchObject({ missing: { code: 'HISTORY_UNAVAILABLE' } })
})

test('a stored proof does not hold where a block above it lists the payment', async () => {
  const look = startFollowing('latest', nodeOn({ head: 200, paidIn: 198 }))
  const proof = { kind: 'lists', block: { number: 197n, hash: '0xa197' }, node: 'node-0' } as const
  expect(await look(placeWith(190n, proof))).toMatchObject({ kind: 'included', block: { number: 198n } })
})

test('nothing is dead for good by a final block that the nodes do not agree on', async () => {
  const chain = { head: 200, final: 200, usedIn: 195, stateFrom: 100 }
  const agreed = startFollowing('finalized', nodeOn(chain), nodeOn({ ...chain, head: 150 }, 1))
  expect(await agreed(placeWith(160n))).toMatchObject({ kind: 'dead', final: true })
  const disputed = startFollowing('finalized', nodeOn(chain), nodeOn({ ...chain, fork: 'f' }, 1))
  const missing = { code: 'FINALITY_UNAVAILABLE', message: expect.stringContaining('do not agree on block 200') }
  expect(await disputed(placeWith(160n))).toMatchObject({ kind: 'dead', final: false, missing })
})

test('where a receipt cannot be right, another node is asked', async () => {
  const chain = { head: 200, paidIn: 200, gasUsed: 29_000_000n }
  const alone = startFollowing('latest', nodeOn(chain))
  expect(await alone(placeWith(199n))).toMatchObject({ kind: 'included', missing: { code: 'RECEIPT_UNAVAILABLE' } })
  const two = startFollowing('latest', nodeOn(chain), nodeOn({ ...chain, gasUsed: 50_000n }, 1))
  expect(await two(placeWith(199n))).toMatchObject({ kind: 'included', result: { fee: 50_000n * GWEI } })
})

test('a block that the node does not show: what waits says so, and what is in a block stays in it', async () => {
  const chain = { head: 200, paidIn: 198, gasUsed: 50_000n } as Chain
  const lacksBlock = nodeThat((method, params) => {
    const isAsked = method === 'eth_getBlockByNumber' ? Number(params[0]) === 201 : params[0] === '0xa201'
    return isAsked ? null : answersOf(chain)(method, params)
  })
  const look = startFollowing('latest', lacksBlock)
  const paid = placeWith(190n)
  const other = {
    ...paid,
    versions: paid.versions.map((each) => ({ ...each, hash: `0x${'77'.repeat(32)}`, sequence: 1n })),
  }
  expect(await look(paid)).toMatchObject({ kind: 'included' })
  chain.head = 205
  for (let sight = 0; sight < 9; sight++)
    expect(await look(other)).not.toHaveProperty('missing.code', 'HISTORY_UNAVAILABLE')
  const missing = {
    code: 'HISTORY_UNAVAILABLE',
    message: 'node-0 does not show the block below 202, and so not what is in it.',
  }
  expect(await look(other)).toMatchObject({ kind: 'waiting', missing })
  expect(await look(paid)).toMatchObject({ kind: 'included' })
})
