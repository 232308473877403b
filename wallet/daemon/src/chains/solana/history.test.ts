import { expect, test } from 'vitest'
import type { SentAttempt } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import { newSolanaKey } from '../test-keys.fixture.ts'
import { createHistory } from './history.ts'
import type { Searched } from './look.ts'
import { buildMessage, type Lifetime, transferInstruction, withSignature } from './message.ts'

const payer = newSolanaKey().account.address
const OTHER_HASH = newSolanaKey().account.address
/** The slot of the first block; every fifth slot has none. */
const FIRST = 1_000_000
const hashes = Array.from({ length: 5_000 }, (_, index) =>
  index < 1_400 ? newSolanaKey().account.address : `hash ${index}`,
)
const SIGNED_AT = 700
const SIGNATURE = 'signature'

type Block = {
  blockhash: string
  previousBlockhash: string
  parentSlot: number
  blockHeight: number
  signatures?: string[]
}

const slotOf = (index: number) => FIRST + index + Math.floor(index / 4)

/** A node whose blocks can be changed. */
function chain(newest = slotOf(1_399)) {
  const blocks = new Map<number, Block>()
  for (const [index, blockhash] of hashes.entries()) {
    blocks.set(slotOf(index), {
      blockhash,
      previousBlockhash: hashes[index - 1] ?? OTHER_HASH,
      parentSlot: slotOf(index - 1),
      blockHeight: index,
      signatures: [`vote ${index}`],
    })
  }
  const asked: string[] = []
  const answer = (method: string, [first, second]: readonly unknown[]) => {
    asked.push(method)
    if (method === 'getEpochInfo') return { absoluteSlot: newest }
    if (method === 'getBlocks') {
      const isIn = (slot: number) => (first as number) <= slot && slot <= (second as number)
      return [...blocks.keys()].filter(isIn)
    }
    const block = blocks.get(first as number)
    if (block === undefined) return null
    const { signatures: _, ...header } = block
    return (second as { transactionDetails: string }).transactionDetails === 'none' ? header : block
  }
  const node: NodeReader = {
    node: { index: 0, host: 'node' },
    confirm: async () => ({ ok: true, value: null }),
    read: async (method, params, schema) => {
      const read = schema.safeParse(answer(method, params))
      return read.success
        ? { ok: true, value: read.data }
        : { ok: false, failure: { kind: 'unreachable', message: 'not as it should be' } }
    },
  }
  return { blocks, node, asked }
}

/** Bytes that name the blockhash of a block. */
function attempt(index: number, changes: Partial<SentAttempt> = {}): SentAttempt {
  const lifetime = { blockhash: hashes[index] ?? OTHER_HASH, lastValidBlockHeight: 0n } as Lifetime
  const message = buildMessage(
    payer,
    [transferInstruction(payer, payer, 1n)],
    { units: 1_000, unitPrice: 0n },
    lifetime,
  )
  const raw = withSignature(message, new Uint8Array(64))
  const validUntil = BigInt(index) + 150n
  return { raw, hash: SIGNATURE, sequence: null, validUntil, origin: BigInt(slotOf(index)), from: payer, ...changes }
}

const finalizedAt = (index: number) => ({ slot: BigInt(slotOf(index)), height: BigInt(index) })

/** What comes of as many looks as it takes. */
async function searched(node: NodeReader, bytes: SentAttempt, finalized = finalizedAt(1_350)): Promise<Searched> {
  const look = patient()
  for (let count = 0; count < 100; count++) {
    const result = await look([bytes.hash])(node, bytes, finalized)
    if (result.kind !== 'reading') return result
  }
  throw new Error('it never ends')
}

/** Each look comes long after the one before. */
function patient() {
  let now = 0
  return looking(() => (now += 600_000))
}

/** What is found on a node that shows what it serves. */
function looking(monotonic: () => number) {
  const history = createHistory(monotonic)
  return (hashes: readonly string[]) => {
    const search = history(hashes)
    return async (...asked: Parameters<typeof search>): Promise<Searched> => {
      const answer = await search(...asked)
      if (!answer.ok) throw new Error(answer.failure.message)
      return answer.value
    }
  }
}

const none = (index: number) => ({ kind: 'none', last: { number: BigInt(slotOf(index)), hash: hashes[index] } })

test('the search ends with the last block that may use the blockhash, however far the chain is', async () => {
  const { node, asked } = chain()
  const start = SIGNED_AT - 500
  expect(await searched(node, attempt(start))).toEqual(none(start + 151))
  expect(asked.filter((method) => method === 'getBlock').length).toBeLessThan(155)
})

test('the last block that may have the bytes is searched, and must be final', async () => {
  const { node, blocks } = chain()
  expect(await searched(node, attempt(SIGNED_AT), finalizedAt(SIGNED_AT + 150))).toEqual({ kind: 'alive' })
  expect(await searched(node, attempt(SIGNED_AT), finalizedAt(SIGNED_AT + 151))).toEqual(none(SIGNED_AT + 151))
  blocks.get(slotOf(SIGNED_AT + 151))!.signatures!.push(SIGNATURE)
  expect(await searched(node, attempt(SIGNED_AT))).toEqual({ kind: 'found', slot: BigInt(slotOf(SIGNED_AT + 151)) })
})

test.each([
  ['far too low', 3n, 151],
  ['of 300 blocks', BigInt(SIGNED_AT) + 300n, 301],
  ['far too high', 22_000_000n, 301],
])('a last valid height that is %s extends the search at most', async (_, validUntil, blocks) => {
  const { node } = chain()
  const bytes = attempt(SIGNED_AT, { validUntil })
  expect((await searched(node, bytes, finalizedAt(SIGNED_AT + blocks - 1))).kind).toBe('alive')
  expect(await searched(node, bytes, finalizedAt(SIGNED_AT + blocks))).toEqual(none(SIGNED_AT + blocks))
})

test.each([-250, -3, 4, 400])('the origin may be %i slots off', async (slots) => {
  const { node } = chain()
  const origin = BigInt(slotOf(SIGNED_AT) + slots)
  expect(await searched(node, attempt(SIGNED_AT, { origin }))).toEqual(none(SIGNED_AT + 151))
})

test.each<[string, (blocks: Map<number, Block>) => void, string]>([
  ['a block is not listed', (blocks) => blocks.delete(slotOf(SIGNED_AT + 70)), 'getBlock'],
  ['the block with the blockhash is not listed', (blocks) => blocks.delete(slotOf(SIGNED_AT)), 'getBlock'],
  ['a block is of another fork', (blocks) => blocks.set(slotOf(SIGNED_AT + 70), forked(SIGNED_AT + 70)), 'getBlock'],
  ['a block comes without its list', (blocks) => delete blocks.get(slotOf(SIGNED_AT + 70))!.signatures, 'getBlock'],
  ['nothing of then is listed', (blocks) => blocks.clear(), 'getBlock'],
])('nothing is proven where %s', async (_, change, method) => {
  const { node, blocks } = chain()
  change(blocks)
  const missing = { code: 'HISTORY_UNAVAILABLE', message: expect.stringContaining(`(${method})`) }
  expect(await searched(node, attempt(SIGNED_AT))).toEqual({ kind: 'missing', missing })
})

const LOST_AT = 900
const lost = attempt(hashes.length, { origin: BigInt(slotOf(LOST_AT)), validUntil: BigInt(LOST_AT) + 150n })

test('where no block carries the blockhash, blocks are searched until every blockhash of then has ended', async () => {
  const { node, blocks } = chain(slotOf(LOST_AT + 20))
  expect((await searched(node, lost, finalizedAt(LOST_AT + 320))).kind).toBe('missing')
  expect(await searched(node, lost)).toEqual(none(LOST_AT + 321))
  blocks.get(slotOf(LOST_AT + 320))!.signatures!.push(SIGNATURE)
  expect(await searched(node, lost)).toEqual({ kind: 'found', slot: BigInt(slotOf(LOST_AT + 320)) })
})

test('where no block carries the blockhash, nothing is proven before, or with a block that is left out', async () => {
  expect((await searched(chain().node, lost)).kind).toBe('missing')
  for (const left of [LOST_AT - 100, LOST_AT + 300]) {
    const { node, blocks } = chain(slotOf(LOST_AT + 20))
    blocks.delete(slotOf(left))
    expect((await searched(node, lost)).kind).toBe('missing')
  }
})

test('a blockhash that is found to be lost only long after is proven to be in no block', async () => {
  const { node, blocks, asked } = chain(slotOf(4_500))
  const look = patient()
  const looks: Searched[] = []
  while (looks.length === 0 || looks.at(-1)?.kind === 'reading') {
    looks.push(await look([SIGNATURE])(node, lost, finalizedAt(4_950)))
  }
  expect(looks.at(-1)).toEqual(none(4_801))
  // A hundred blocks at each look; those around the origin once for their hashes, and once for their lists.
  expect(looks.length).toBeGreaterThan(40)
  expect(asked.filter((method) => method === 'getBlock').length).toBeLessThan(5_900)
  const late = blocks.get(slotOf(4_300))!
  blocks.set(slotOf(4_300), { ...late, previousBlockhash: OTHER_HASH })
  const again = patient()
  let kind: Searched['kind'] = 'reading'
  while (kind === 'reading') kind = (await again([SIGNATURE])(node, lost, finalizedAt(4_950))).kind
  expect(kind).toBe('missing')
})

test('a line that begins above what was stored of the height proves nothing', async () => {
  const { node } = chain(slotOf(LOST_AT + 20))
  expect((await searched(node, { ...lost, validUntil: BigInt(LOST_AT) - 400n })).kind).toBe('missing')
})

const TOO_HIGH = 20_000_000n
const TOO_LOW = 10n

test.each([TOO_HIGH, TOO_LOW, null])(
  'with the origin %s the block with the blockhash is found all the same',
  async (origin) => {
    const { node, blocks } = chain(slotOf(4_500))
    for (const index of [SIGNED_AT, 30]) {
      const bytes = attempt(index, { origin })
      expect(await searched(node, bytes)).toEqual(none(index + 151))
      expect(await searched(node, bytes, finalizedAt(4_950))).toEqual(none(index + 151))
      blocks.get(slotOf(index + 9))!.signatures!.push(SIGNATURE)
      expect(await searched(node, bytes, finalizedAt(4_950))).toEqual({
        kind: 'found',
        slot: BigInt(slotOf(index + 9)),
      })
    }
  },
)

test('with an origin that is far too high bytes are alive as long as their blockhash is', async () => {
  const { node } = chain()
  const look = patient()
  const bytes = attempt(SIGNED_AT, { origin: TOO_HIGH })
  for (let index = SIGNED_AT - 20; index <= SIGNED_AT + 150; index += 10) {
    for (let count = 0; count < 15; count++) {
      const { kind } = await look([SIGNATURE])(node, bytes, finalizedAt(index))
      expect(['alive', 'reading']).toContain(kind)
    }
  }
  await expect.poll(() => look([SIGNATURE])(node, bytes, finalizedAt(SIGNED_AT + 151))).toEqual(none(SIGNED_AT + 151))
})

test.each([
  [TOO_HIGH, `Slot ${TOO_HIGH}, which was named when it was signed, did not exist yet`],
  [TOO_LOW, `Too many blocks have come since slot ${TOO_LOW}, which was named when it was signed`],
  [null, 'It is not known in which slot it was signed'],
])(
  'with the origin %s and no block that carries the blockhash it is said that nothing can be proven',
  async (origin, why) => {
    const { node, asked } = chain(slotOf(4_500))
    const result = await searched(node, { ...lost, origin }, finalizedAt(4_950))
    expect(result).toMatchObject({ kind: 'missing', missing: { message: expect.stringContaining(why) } })
    expect(asked.filter((method) => method === 'getBlock').length).toBeLessThan(7_000)
  },
)

test('a node that is far behind shows nothing before it is there', async () => {
  const { node } = chain()
  const look = patient()
  const bytes = attempt(1_150)
  const behind = () => look([SIGNATURE])(node, bytes, finalizedAt(50))
  await expect.poll(behind).toEqual({ kind: 'alive' })
  await expect.poll(() => look([SIGNATURE])(node, bytes, finalizedAt(1_310))).toEqual(none(1_301))
})

test('a node that lacks blocks is asked again after a pause, each time after twice as long', async () => {
  const { node, blocks, asked } = chain()
  blocks.delete(slotOf(SIGNED_AT + 70))
  let now = 0
  const look = looking(() => now)
  const askedIn = async (until: number) => {
    const before = asked.length
    const times: number[] = []
    for (; now < until; now += 1_000) {
      const count = asked.length
      await look([SIGNATURE])(node, attempt(SIGNED_AT), finalizedAt(1_350))
      if (asked.length > count) times.push(now / 1_000)
    }
    return { times, questions: asked.length - before }
  }
  const { times } = await askedIn(100_000)
  expect(times.slice(-4).map((time, index, all) => time - (all[index - 1] ?? time))).toEqual([0, 8, 16, 32])
})

test('a block that was of another fork is read again', async () => {
  const { node, blocks } = chain()
  const right = blocks.get(slotOf(SIGNED_AT + 70))!
  blocks.set(slotOf(SIGNED_AT + 70), forked(SIGNED_AT + 70))
  const look = patient()
  const bytes = attempt(SIGNED_AT)
  const next = async () => await look([SIGNATURE])(node, bytes, finalizedAt(1_350))
  await expect.poll(next).toMatchObject({ kind: 'missing' })
  blocks.set(slotOf(SIGNED_AT + 70), right)
  await expect.poll(next).toEqual(none(SIGNED_AT + 151))
})

test('a block that was read before a signature was out is read again for it', async () => {
  const { node, blocks } = chain()
  const look = patient()
  const [first, second] = [attempt(SIGNED_AT), attempt(SIGNED_AT, { hash: 'second' })]
  blocks.get(slotOf(SIGNED_AT + 9))!.signatures!.push('second')
  await expect.poll(() => look([SIGNATURE])(node, first, finalizedAt(1_350))).toEqual(none(SIGNED_AT + 151))
  const found = { kind: 'found', slot: BigInt(slotOf(SIGNED_AT + 9)) }
  await expect.poll(() => look([SIGNATURE, 'second'])(node, second, finalizedAt(1_350))).toEqual(found)
})

/** An endpoint in front of two clusters, whose blocks have the same slots. */
function switched() {
  const [right, wrong] = [chain(slotOf(LOST_AT + 20)), chain(slotOf(LOST_AT + 20))]
  for (const [slot, block] of wrong.blocks) {
    const [blockhash, previousBlockhash] = [`other ${block.blockhash}`, `other ${block.previousBlockhash}`]
    wrong.blocks.set(slot, { ...block, blockhash, previousBlockhash })
  }
  const serves = { right: false }
  const node: NodeReader = {
    node: right.node.node,
    read: (method, params, schema) => (serves.right ? right : wrong).node.read(method, params, schema),
    confirm: async () =>
      serves.right
        ? { ok: true, value: null }
        : { ok: false, failure: { kind: 'unreachable', message: 'serves another cluster' } },
  }
  return { right, node, serves }
}

test.each([
  ['a block carries', attempt(SIGNED_AT)],
  ['no block carries', lost],
])('a node that serves another cluster shows nothing of bytes whose blockhash %s, then or later', async (_, bytes) => {
  const { right, node, serves } = switched()
  let now = 0
  const history = createHistory(() => (now += 600_000))
  for (let count = 0; count < 40; count++) {
    expect(await history([SIGNATURE])(node, bytes, finalizedAt(1_350))).toMatchObject({ ok: false })
  }
  serves.right = true
  const slot = bytes.origin! + 1n
  right.blocks.get(Number(slot))!.signatures!.push(SIGNATURE)
  const answers = []
  for (let count = 0; count < 40; count++) answers.push(await history([SIGNATURE])(node, bytes, finalizedAt(1_350)))
  expect(answers.at(-1)).toEqual({ ok: true, value: { kind: 'found', slot } })
})

test('a node that served another cluster until it was asked which one shows nothing', async () => {
  const { node, serves } = switched()
  const confirm: NodeReader['confirm'] = async () => {
    serves.right = true
    return await node.confirm()
  }
  let now = 0
  const history = createHistory(() => (now += 600_000))
  for (let count = 0; count < 80; count++) {
    serves.right = false
    const searched = await history([SIGNATURE])({ ...node, confirm }, lost, finalizedAt(1_350))
    expect(searched).toMatchObject({ ok: true, value: { kind: 'reading' } })
  }
})

function forked(index: number): Block {
  const parentSlot = slotOf(index - 1)
  return { blockhash: OTHER_HASH, previousBlockhash: OTHER_HASH, parentSlot, blockHeight: index, signatures: [] }
}
