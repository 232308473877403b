import { headOf } from './evm-backend.ts'
import { gossip } from './evm-broadcast.ts'
import type { Block } from './evm-chain.ts'
import { type Account, accountIn, nextBaseFee, refusedNext } from './evm-rules.ts'
import { type Hex, madeUp, type Transaction } from './evm-transaction.ts'
import { ancestor, type EvmWorld, noteBlock } from './evm-world.ts'

export type MinerOptions = {
  /** Accounts whose payments the adversary spoils. */
  readonly accounts: readonly Hex[]
  /** Somebody with money of their own. */
  readonly stranger: Hex
  /** Blocks between the head and the final block, and how often finality moves. */
  readonly finalityLag: number
  readonly finalityEvery: number
}

/** Base fee above this many times the first one is high enough. */
const MOST_FEE_RISE = 20n
const FEE_STRETCH_MILLIS = 300_000
const FINALITY_STRETCH_MILLIS = 1_800_000

/** One slot: perhaps a reorganisation, one block or none, and what pools and finality make of it. */
export function mineSlot(world: EvmWorld, options: MinerOptions): void {
  const { faults, chain } = world
  if (faults.draw('missesSlots')) {
    faults.report({ kind: 'missesSlots' })
    return
  }
  const depth = chain.head().number - chain.final().number
  if (depth > 0 && faults.draw('reorganises')) {
    const random = faults.random('reorganises')
    faults.report({ kind: 'reorganises' })
    reorganise(world, random.chance(0.2) ? depth : random.between(1, Math.min(3, depth)))
  }
  const parent = chain.head()
  const block = buildNext(world, parent, spoilers(world, options, parent), () => true)
  if (faults.draw('sideBlocks')) {
    faults.report({ kind: 'sideBlocks' })
    const side = buildNext(world, parent, [], () => faults.random('sideBlocks').chance(0.5))
    world.sides.push({ at: world.clock.monotonic(), block: side })
  }
  become(world, block)
  finalize(world, options)
  tidyPools(world)
}

/** Replaces the newest blocks by as many others, with some of the same transactions. */
export function reorganise(world: EvmWorld, depth: number, despiteFinality = false): void {
  const { chain, faults } = world
  const random = faults.random('reorganises')
  const old = Array.from({ length: depth }, (_, index) => chain.canonical(chain.head().number - index)!)
  const lost = old.flatMap(({ transactions }) => transactions.map(({ transaction }) => transaction))
  const keptOut = new Set(lost.filter(() => random.chance(0.3)).map(({ hash }) => hash))
  const mayHave = ({ hash }: Transaction) => !keptOut.has(hash) && random.chance(0.7)
  const withBytes = lost.filter(({ raw }) => raw !== undefined)
  // What was made up has no pool to wait in: it comes again at once or never.
  const again = lost.filter(({ raw, hash }) => raw === undefined && !keptOut.has(hash))
  world.next.credits.push(...old.flatMap(({ credits }) => credits))
  let parent = chain.block(old.at(-1)!.parentHash)!
  // The new line may be shorter: what is canonical is decided elsewhere.
  const length = depth + random.pick([-1, 0, 0, 1])
  for (let count = 0; count < length; count += 1) {
    parent = buildNext(world, parent, count === 0 ? again.reverse() : [], mayHave, withBytes)
  }
  become(world, parent, despiteFinality)
  for (const transaction of withBytes) returnToPools(world, transaction)
}

function become(world: EvmWorld, block: Block, despiteFinality = false): void {
  world.chain.setHead(block, { despiteFinality })
  world.heads.push({ at: world.clock.monotonic(), block })
  world.observer.head(block)
}

function returnToPools(world: EvmWorld, transaction: Transaction): void {
  const { nonce } = accountIn(world.chain.head().state, transaction.from)
  if (transaction.nonce < nonce) return
  for (const backend of world.backends) {
    const isForgotten = world.faults.draw('poolForgets')
    if (isForgotten) world.faults.report({ kind: 'poolForgets', url: backend.url })
    else if (!backend.pool.has(transaction.hash)) backend.pool.add(transaction)
  }
}

/** A block on `parent`: what is forced, and of what waits what may and does pay most. */
function buildNext(
  world: EvmWorld,
  parent: Block,
  forced: readonly Transaction[],
  mayHave: (transaction: Transaction) => boolean,
  also: readonly Transaction[] = [],
): Block {
  const { chain, clock } = world
  const waiting = [...candidates(world), ...also].filter(mayHave)
  const transactions = [...forced, ...inOrder(world, parent, forced, waiting)]
  const seconds = chain.first.timestamp + Math.floor(clock.monotonic() / 1000)
  const block = chain.build(parent, {
    timestamp: Math.max(parent.timestamp + 1, seconds),
    transactions,
    credits: world.next.credits.splice(0),
    otherGas: otherGas(world, parent),
  })
  noteBlock(world, block)
  return block
}

/** Everything that some node or builder would put into a block now. */
function candidates(world: EvmWorld): Transaction[] {
  const { backends, builder, clock, faults } = world
  const all = new Map<Hex, Transaction>()
  for (const { pool } of backends) for (const transaction of pool.all()) all.set(transaction.hash, transaction)
  for (const [hash, { transaction, dueAt }] of builder) {
    if (dueAt <= clock.monotonic() || faults.isHealed()) all.set(hash, transaction)
  }
  return [...all.values()].filter((transaction) => !isHeldBack(world, transaction))
}

function isHeldBack({ faults, out, clock, random, blockMillis }: EvmWorld, { hash }: Transaction): boolean {
  if (!faults.holds('holdsBack', hash)) return false
  const since = out.get(hash)?.handovers[0]?.at ?? 0
  const until = since + random.fork(`hold/${hash}`).between(1, 60) * blockMillis
  if (clock.monotonic() >= until) return false
  faults.report({ kind: 'holdsBack' })
  return true
}

/** Each sender's transactions by nonce, the best tip of what can go next first. */
function inOrder(
  world: EvmWorld,
  parent: Block,
  forced: readonly Transaction[],
  waiting: readonly Transaction[],
): Transaction[] {
  const rules = world.chain.rulesAfter(parent)
  const accounts = new Map<Hex, Account>()
  const accountOf = (address: Hex) => accounts.get(address) ?? accountIn(parent.state, address)
  const raise = (address: Hex) => {
    const account = accountOf(address)
    accounts.set(address, { ...account, nonce: account.nonce + 1n })
  }
  const isNext = (transaction: Transaction) =>
    refusedNext(transaction, accountOf(transaction.from), rules, rules.gasLimit) === undefined
  for (const transaction of forced) {
    if (!isNext(transaction)) continue
    raise(transaction.from)
    for (const { account } of transaction.authorizations) raise(account)
  }
  const chosen: Transaction[] = []
  for (;;) {
    const next = waiting.filter(isNext)
    const lost = lostVersion(world, isNext, chosen.length)
    const best = next.reduce<Transaction | undefined>((a, b) => (a === undefined || tipOf(b) > tipOf(a) ? b : a), lost)
    if (best === undefined) return chosen
    const taken = otherVersion(world, best, isNext)
    chosen.push(taken)
    raise(taken.from)
  }
}

function tipOf({ maxPriorityFeePerGas }: Transaction): bigint {
  return maxPriorityFeePerGas
}

/** Bytes that left the wallet and that no pool has any more. */
function lostVersion(
  world: EvmWorld,
  isNext: (transaction: Transaction) => boolean,
  position: number,
): Transaction | undefined {
  const { faults, out, backends } = world
  if (position > 0 || out.size === 0 || !faults.draw('minesLostVersion')) return undefined
  const lost = [...out.values()].flatMap(({ transaction }) => (transaction === undefined ? [] : [transaction]))
  const possible = lost.filter((each) => isNext(each) && backends.every(({ pool }) => !pool.has(each.hash)))
  if (possible.length === 0) return undefined
  faults.report({ kind: 'minesLostVersion' })
  return faults.random('minesLostVersion').pick(possible)
}

/** Another version under the same nonce, which somebody still has. */
function otherVersion(
  { faults, out }: EvmWorld,
  chosen: Transaction,
  isNext: (transaction: Transaction) => boolean,
): Transaction {
  const others = [...out.values()].flatMap(({ transaction }) =>
    transaction !== undefined &&
    transaction.from === chosen.from &&
    transaction.nonce === chosen.nonce &&
    transaction.hash !== chosen.hash &&
    isNext(transaction)
      ? [transaction]
      : [],
  )
  if (others.length === 0 || !faults.draw('minesOldVersion')) return chosen
  faults.report({ kind: 'minesOldVersion' })
  return faults.random('minesOldVersion').pick(others)
}

/** What raises a nonce of the wallet in somebody else's transaction, or with its key elsewhere. */
function spoilers(world: EvmWorld, { accounts, stranger }: MinerOptions, parent: Block): Transaction[] {
  const { faults, chain } = world
  const made = world.next.transactions.splice(0)
  const nonces = new Map<Hex, bigint>()
  const nextNonce = (address: Hex) => {
    const nonce = nonces.get(address) ?? accountIn(parent.state, address).nonce
    nonces.set(address, nonce + 1n)
    return nonce
  }
  const fee = 2n * chain.rulesAfter(parent).baseFeePerGas
  const price = { maxFeePerGas: fee, maxPriorityFeePerGas: 1n }
  for (const { from, authorizations } of made) {
    nextNonce(from)
    for (const { account } of authorizations) nextNonce(account)
  }
  for (const account of accounts) {
    if (faults.draw('depositRaisesNonce')) {
      faults.report({ kind: 'depositRaisesNonce' })
      const hash = faults.random('depositRaisesNonce').hex(32)
      made.push(madeUp({ hash, from: account, to: stranger, isDeposit: true, nonce: nextNonce(account) }))
    }
    if (faults.draw('authorizationRaisesNonce')) {
      faults.report({ kind: 'authorizationRaisesNonce' })
      const hash = faults.random('authorizationRaisesNonce').hex(32)
      const authorizations = [{ account, delegate: undefined }]
      const nonce = nextNonce(stranger)
      nextNonce(account)
      // The nonce rises also where the transaction itself fails.
      const failing = [...chain.contracts].find(([, { does }]) => does === 'revert')?.[0]
      const to = failing ?? stranger
      made.push(madeUp({ hash, from: stranger, to, type: 4, gas: 100_000n, authorizations, nonce, ...price }))
    }
    if (faults.draw('foreignPayment')) {
      const random = faults.random('foreignPayment')
      const share = accountIn(parent.state, account).balance / BigInt(random.between(5, 1000))
      const hash = random.hex(32)
      faults.report({ kind: 'foreignPayment' })
      made.push(madeUp({ hash, from: account, to: stranger, value: share, nonce: nextNonce(account), ...price }))
    }
  }
  return made
}

/** What others use: about the target, everything while fees rise, nothing while they come back. */
function otherGas(world: EvmWorld, parent: Block): bigint {
  const { faults, clock, chain, random } = world
  if (!world.hasTraffic) return 0n
  const target = chain.gasLimit / 2n
  const base = chain.first.baseFeePerGas
  const next = nextBaseFee(parent.baseFeePerGas, parent.gasUsed, chain.gasLimit)
  const stretch = Math.floor(clock.monotonic() / FEE_STRETCH_MILLIS)
  if (faults.holds('feeSpikes', String(stretch)) && next < MOST_FEE_RISE * base) {
    faults.report({ kind: 'feeSpikes' })
    return chain.gasLimit
  }
  if (next > 2n * base) return 0n
  return (target * BigInt(random.fork(`gas/${parent.hash}`).between(80, next > base ? 100 : 120))) / 100n
}

function finalize(world: EvmWorld, { finalityLag, finalityEvery }: MinerOptions): void {
  const { chain, faults, clock, finals } = world
  const stretch = Math.floor(clock.monotonic() / FINALITY_STRETCH_MILLIS)
  const before = chain.final()
  const number = chain.head().number - finalityLag
  if (number % finalityEvery !== 0) return
  if (faults.holds('finalityStops', String(stretch))) {
    faults.report({ kind: 'finalityStops' })
    return
  }
  chain.finalize(number)
  if (chain.final().hash !== before.hash) finals.push({ at: clock.monotonic(), block: chain.final() })
}

/** Pools drop what is mined in their view, lose some, and after healing tell one another what they have. */
function tidyPools(world: EvmWorld): void {
  const { backends, faults, chain } = world
  for (const backend of backends) {
    const { head } = headOf(world, backend)
    const waiting = [...backend.pool.all()]
    for (const { from, nonce, hash } of waiting) {
      if (nonce < accountIn(head.state, from).nonce && ancestor(chain, head, head.number - 1) !== undefined) {
        backend.pool.remove(hash)
      }
    }
    if (waiting.length > 0 && faults.draw('poolForgets')) {
      faults.report({ kind: 'poolForgets', url: backend.url })
      backend.pool.remove(faults.random('poolForgets').pick(waiting).hash)
    }
  }
  if (!faults.isHealed()) return
  for (const backend of backends) {
    for (const transaction of [...backend.pool.all()]) {
      if (backends.some(({ pool }) => !pool.has(transaction.hash))) gossip(world, backend, transaction, false)
    }
  }
}
