/** One validator of the simulated cluster as its clients meet it: what it has seen, and what it still remembers. */

import { SLOT_MS, type SolanaChain, type View } from './solana-chain.ts'
import type { FaultDice, SolanaFaultKind } from './solana-faults.ts'
import type { Ledger } from './solana-ledger.ts'
import type { Random } from './solana-ports.ts'
import { createWindows, noWindows, type Window, type Windows } from './solana-windows.ts'

export type SolanaNode = {
  name: string
  /** Whether it is away. */
  isDown: (now: number) => boolean
  look: (now: number) => NodeView
}

export type NodeView = View & {
  /** How many slots it is behind the cluster. */
  behind: number
  /** A node that says so to whoever asks, as gateways do; others answer with what they have. */
  refusesWhenBehind: boolean
  hasHistory: boolean
  /** The first block that it says it has. */
  firstAvailable: number
  /** The first block of its own ledger; older ones come from a long-term store where there is one. */
  firstOwn: number
  hasArchive: boolean
  /** What it knows of a block that is on its line. */
  history: (slot: number) => History
  /** Whether its status cache has a transaction of a slot, which is apart from its history. */
  remembers: (slot: number, signature: string) => boolean
  /** Whether it finds a signature where it has the block. */
  indexes: (signature: string) => boolean
  lacksMethod: (method: string) => boolean
  /** By how many blocks it says that a blockhash outlives its block. */
  lifetime: number
}

/** `cleaned`: before its ledger begins. `hole`: within it, and not there. `late`: not yet written. */
export type History = 'own' | 'archived' | 'cleaned' | 'hole' | 'archiveHole' | 'late'

const optionalMethods = [
  'getBlock',
  'getBlocks',
  'getBlockHeight',
  'getFeeForMessage',
  'getFirstAvailableBlock',
  'getMultipleAccounts',
  'getRecentPrioritizationFees',
  'getSignaturesForAddress',
  'getTransaction',
  'isBlockhashValid',
  'minimumLedgerSlot',
  'simulateTransaction',
] as const

/** Blocks whose statuses are kept apart from the history (agave status_cache `MAX_CACHE_ENTRIES`). */
const CACHED_BLOCKS = 300
/** Slots that an archive node keeps in its own ledger. */
const OWN_SLOTS = 300

export function createSolanaNode(name: string, chain: SolanaChain, dice: FaultDice, random: Random): SolanaNode {
  const traits = drawTraits(chain, dice, random)
  const { trunk } = chain.ledger
  const birth = chain.slot()
  const slotAt = (millis: number) => birth + Math.floor(millis / SLOT_MS)
  const { isHealed } = dice

  /** The last return from a snapshot, and the holes that outages left. */
  const past = (now: number): { restartedAt: number; holes: Window[] } => {
    if (isHealed() || traits.restart === 'whole') return { restartedAt: 0, holes: [] }
    const ended = traits.outages.endedBy(now)
    const last = ended[ended.length - 1]
    if (traits.restart === 'snapshot') return { restartedAt: last === undefined ? 0 : slotAt(last.to), holes: [] }
    return { restartedAt: 0, holes: ended.map(({ from, to }) => ({ from: slotAt(from), to: slotAt(to) })) }
  }

  const lag = (now: number): number => {
    const window = isHealed() ? undefined : traits.delays.at(now)
    if (window === undefined) return 0
    // It stands still until it is as far behind as it gets, so that its view never goes back.
    const lost = Math.floor((now - window.from) / SLOT_MS)
    if (lost > 0) dice.count(traits.freezes ? 'frozen' : 'behind')
    return traits.freezes ? lost : Math.min(lost, traits.mostBehind)
  }

  const look = (now: number): NodeView => {
    const behind = lag(now)
    const slot = chain.slot() - behind
    const forkStay = isHealed() ? undefined : traits.forkStay
    const view = chain.view({ slot, confirmedAfter: traits.confirmedAfter, forkStay })
    if (view.processed.fork !== undefined) dice.count('onFork')
    const { restartedAt, holes } = past(now)
    const first = trunk.first().slot + 1
    const hasArchive = !isHealed() && traits.hasArchive
    const kept = isHealed() ? first : slot - (hasArchive ? OWN_SLOTS : (traits.kept ?? Infinity))
    // The first block after a snapshot lacks its parent and is not shown (solana-labs/solana#23403).
    const firstOwn = nextBlock(chain.ledger, Math.max(kept, restartedAt + 1, first))
    const inHole = (each: number) => holes.some(({ from, to }) => from <= each && each <= to)
    const cachedFrom = trunk.atHeight(view.finalized.height - CACHED_BLOCKS)?.slot ?? 0
    return {
      ...view,
      behind,
      refusesWhenBehind: !isHealed() && traits.refusesWhenBehind,
      hasHistory: isHealed() || traits.hasHistory,
      firstAvailable: hasArchive ? first : firstOwn,
      firstOwn,
      hasArchive,
      history: (each) => {
        const isLate = !isHealed() && each > slot - traits.indexedAfter
        const isHole = inHole(each)
        const isSingle = !isHealed() && traits.lacksBlock(each)
        if (isSingle && each <= view.finalized.slot && each >= firstOwn) return noted('hole', 'shortHole', dice)
        const isCut = restartedAt > kept
        return historyOf(each, { first, firstOwn, hasArchive, isLate, isHole, isCut }, traits.archiveHoles, dice)
      },
      // A snapshot carries the cache; not every kind of node keeps it.
      remembers: (each, signature) => {
        if (each <= cachedFrom) return false
        if (traits.keepsCache) return true
        const isLost = !isHealed() && (traits.lacksBlock(each) || traits.losesSignature(signature))
        return each > restartedAt && !inHole(each) && !isLost
      },
      indexes: (signature) => isHealed() || !traits.losesSignature(signature),
      lacksMethod: (method) => !isHealed() && traits.missing.includes(method),
      lifetime: isHealed() ? 150 : traits.lifetime,
    }
  }

  return { name, isDown: (now) => !isHealed() && traits.outages.at(now) !== undefined, look }
}

type Kept = {
  first: number
  firstOwn: number
  hasArchive: boolean
  isLate: boolean
  isHole: boolean
  /** A snapshot, and no limit of the ledger, is why the ledger begins where it does. */
  isCut: boolean
}

function historyOf(slot: number, kept: Kept, archiveHoles: Windows, dice: FaultDice): History {
  if (slot < kept.first) return 'cleaned'
  if (kept.isLate) return noted('late', 'lateIndex', dice)
  if (kept.isHole) return noted('hole', 'hiddenHole', dice)
  if (slot >= kept.firstOwn) return 'own'
  if (!kept.hasArchive) return noted('cleaned', kept.isCut ? 'snapshotRestart' : 'shortLedger', dice)
  return archiveHoles.at(slot) === undefined ? 'archived' : noted('archiveHole', 'archiveHole', dice)
}

function drawTraits(chain: SolanaChain, dice: FaultDice, random: Random) {
  const has = (kind: SolanaFaultKind) => random.chance(dice.rate(kind))
  const hasOutages = has('outage')
  const freezes = has('frozen')
  const fallsBehind = has('behind') || freezes
  const restart = has('snapshotRestart') ? 'snapshot' : has('hiddenHole') ? 'hole' : 'whole'
  const windows = (label: string, gap: number, length: number): Windows =>
    createWindows(random.fork(label), gap, length, 0)
  return {
    outages: hasOutages ? windows('outages', 60_000, 40_000) : noWindows,
    restart: restart as 'snapshot' | 'hole' | 'whole',
    keepsCache: random.chance(0.5),
    delays: fallsBehind ? windows('delays', 60_000, 60_000) : noWindows,
    freezes,
    mostBehind: 2 + random.int(random.pick([10, 100, 400])),
    refusesWhenBehind: has('unhealthyReads'),
    confirmedAfter: 1 + random.int(3),
    forkStay: has('onFork') ? random.int(20) : undefined,
    hasHistory: !has('noHistory'),
    kept: has('shortLedger') ? 100 + random.int(600) : undefined,
    hasArchive: has('archiveHole'),
    archiveHoles: createWindows(random.fork('archive'), 300, 60, chain.ledger.trunk.first().slot),
    missing: has('methodMissing')
      ? Array.from({ length: 1 + random.int(3) }, (): string => random.pick(optionalMethods))
      : [],
    indexedAfter: has('lateIndex') ? random.int(40) : 0,
    lifetime: has('doubledLifetime') ? 300 : 150,
    ...drawLosses(dice, random.fork('losses')),
  }
}

/** Single blocks, and single signatures, that a node has lost. */
function drawLosses(dice: FaultDice, random: Random) {
  const loses = (kind: SolanaFaultKind, share: number): ((what: string) => boolean) => {
    if (!random.fork(kind).chance(dice.rate(kind))) return () => false
    return (what) => random.fork(`${kind} ${what}`).chance(share)
  }
  const block = loses('shortHole', 0.1)
  return { lacksBlock: (slot: number) => block(`${slot}`), losesSignature: loses('signatureLost', 0.5) }
}

function nextBlock({ trunk }: Ledger, slot: number): number {
  const place = trunk.atOrBelow(slot)
  if (place === undefined || place.slot === slot) return slot
  return trunk.atHeight(place.height + 1)?.slot ?? slot
}

function noted(history: History, kind: SolanaFaultKind, dice: FaultDice): History {
  dice.count(kind)
  return history
}
