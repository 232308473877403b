import { expect, test } from 'vitest'
import type { Place } from '../chain-adapter.ts'
import { nodeThat, poolOf } from '../evm/nodes.fixture.ts'
import { createSolanaOutcomes } from './outcomes.ts'
import { readTraces } from './traces.ts'

const HASH = 'signature'
const place: Place = {
  versions: [{ raw: new Uint8Array(), hash: HASH, sequence: null, validUntil: 100n, origin: 10n, from: 'payer' }],
  proof: null,
  block: null,
}

/** A node that has the signature in a block with this many votes. `serves`: what is wrong with its chain. */
function nodeWith(confirmationStatus: string, serves: string | undefined) {
  const answers: Record<string, unknown> = {
    getEpochInfo: { absoluteSlot: 300, blockHeight: 290 },
    getSignatureStatuses: { context: { slot: 300 }, value: [{ slot: 20, err: null, confirmationStatus }] },
    getTransaction: { slot: 20, meta: { err: null, fee: 5_000 } },
  }
  return nodeThat(
    (method) => answers[method],
    0,
    () => serves,
  )
}

const outcomesOf = (node: ReturnType<typeof nodeThat>) => createSolanaOutcomes(poolOf(node), () => 0)([place])

test('a signature is in a block for good where a node that shows what it serves says so', async () => {
  const outcomes = [{ kind: 'included', hash: HASH, final: true }]
  expect(await outcomesOf(nodeWith('finalized', undefined))).toMatchObject({ ok: true, outcomes })
  expect(await outcomesOf(nodeWith('finalized', 'serves another cluster'))).toMatchObject({ ok: false })
})

test('a node is not asked what it serves for what may still be taken back', async () => {
  const outcomes = [{ kind: 'included', hash: HASH, final: false }]
  expect(await outcomesOf(nodeWith('confirmed', 'would refuse'))).toMatchObject({ ok: true, outcomes })
})

test('bytes that were called dead are found only on a node that shows what it serves', async () => {
  const found = [{ hash: HASH, block: { number: 20n } }]
  expect(await readTraces(poolOf(nodeWith('finalized', undefined)), [HASH])).toMatchObject({ ok: true, found })
  expect(await readTraces(poolOf(nodeWith('finalized', 'serves another')), [HASH])).toMatchObject({ ok: false })
})
