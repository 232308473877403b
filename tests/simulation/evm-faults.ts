import type { Random } from './random.ts'

/**
 * Every way in which this network goes wrong. The number is the probability that a seed with this fault uses: per
 * request, per block, per backend or per stretch of time, as each place that asks for it says.
 */
const USUAL = {
  // What becomes of bytes, whatever is answered.
  effectNowhere: 0.3,
  effectOnePool: 0.3,
  effectPrivate: 0.3,
  effectLater: 0.3,
  effectDespiteRefusal: 0.5,
  // What is answered, whatever becomes of the bytes.
  answerWords: 0.3,
  answerOk: 0.5,
  submitLost: 0.2,
  submitAnswerLost: 0.3,
  submitThrottled: 0.3,
  submitGarbage: 0.2,
  // The chain.
  minesOldVersion: 0.5,
  minesLostVersion: 0.3,
  holdsBack: 0.3,
  reorganises: 0.1,
  sideBlocks: 0.2,
  missesSlots: 0.3,
  feeSpikes: 0.3,
  authorizationRaisesNonce: 0.03,
  depositRaisesNonce: 0.03,
  foreignPayment: 0.03,
  finalityStops: 0.5,
  poolForgets: 0.2,
  // What a node sees.
  behind: 0.3,
  alwaysBehind: 0.5,
  staleFork: 0.7,
  indexMissing: 0.3,
  receiptLate: 0.4,
  receiptWithoutPrice: 0.3,
  bodiesMissing: 0.5,
  bodyHoles: 0.1,
  stateShort: 0.6,
  pendingHigh: 0.3,
  pendingIsLatest: 0.5,
  finalizedError: 0.3,
  finalizedNull: 0.3,
  finalizedZero: 0.3,
  finalizedStuck: 0.4,
  finalizedAbove: 0.3,
  noBlockHashParameter: 0.5,
  methodMissing: 0.3,
  // How a node answers.
  batchRefused: 0.5,
  batchPartial: 0.2,
  requestLost: 0.1,
  answerLost: 0.1,
  hangs: 0.05,
  slow: 0.2,
  throttledByStatus: 0.15,
  throttledInBody: 0.15,
  garbage: 0.1,
} as const

/** Added later and drawn apart, so that older seeds draw the others as they did. */
const ADDED = {
  /** The receipt of a block that lost is kept (nethermind#3052, erigon#15334, go-ethereum#29261). */
  receiptOfLostBlock: 0.5,
} as const

export type EvmFaultKind = keyof typeof USUAL | keyof typeof ADDED

/** Which faults are on, and how likely each is where it may strike. A kind that is absent is off. */
export type EvmFaults = Partial<Readonly<Record<EvmFaultKind, number>>>

const usualKinds = Object.keys(USUAL) as (keyof typeof USUAL)[]
export const evmFaultKinds: readonly EvmFaultKind[] = [...usualKinds, ...(Object.keys(ADDED) as (keyof typeof ADDED)[])]

/**
 * Up to six of the usual faults, each between half and one and a half times as likely as usual; one seed in ten has
 * none. In one of five others the fault that was added is on, too.
 */
export function drawEvmFaults(random: Random): EvmFaults {
  const count = random.chance(0.1) ? 0 : random.between(1, 6)
  const faults: Partial<Record<EvmFaultKind, number>> = {}
  for (const kind of random.shuffle(usualKinds).slice(0, count)) {
    faults[kind] = Math.min(0.9, USUAL[kind] * (0.5 + random.next()))
  }
  if (count > 0 && random.fork('added').chance(0.2)) {
    // Blocks that lost are met only where the chain reorganises.
    return { reorganises: USUAL.reorganises, ...faults, receiptOfLostBlock: ADDED.receiptOfLostBlock }
  }
  return faults
}

/** Where a fault struck. */
export type FaultReport = { readonly kind: EvmFaultKind; readonly method?: string; readonly url?: string }

export type FaultBook = {
  /** Draws whether a fault strikes here and now; the caller reports it once it made a difference. */
  draw(kind: EvmFaultKind): boolean
  /** Whether a fault holds for a thing, such as a backend or a block: the same answer each time. */
  holds(kind: EvmFaultKind, about: string): boolean
  /** Counts a fault that changed what would have happened otherwise. */
  report(report: FaultReport): void
  /** Everything is honest from now on. */
  heal(): void
  isHealed(): boolean
  readonly counters: ReadonlyMap<EvmFaultKind, number>
  /** The stream of numbers for the details of a fault. */
  random(kind: EvmFaultKind): Random
}

export function createFaultBook(faults: EvmFaults, random: Random, onFault: (report: FaultReport) => void): FaultBook {
  const counters = new Map<EvmFaultKind, number>()
  const streams = new Map<EvmFaultKind, Random>()
  const held = new Map<string, boolean>()
  let isHealed = false
  const probability = (kind: EvmFaultKind) => (isHealed ? 0 : (faults[kind] ?? 0))
  const stream = (kind: EvmFaultKind) => {
    const known = streams.get(kind)
    if (known !== undefined) return known
    const created = random.fork(kind)
    streams.set(kind, created)
    return created
  }
  return {
    counters,
    random: stream,
    draw: (kind) => probability(kind) > 0 && stream(kind).chance(probability(kind)),
    holds: (kind, about) => {
      if (probability(kind) === 0) return false
      const key = `${kind}/${about}`
      const known = held.get(key)
      if (known !== undefined) return known
      const drawn = random.fork(key).chance(probability(kind))
      held.set(key, drawn)
      return drawn
    },
    report: (report) => {
      counters.set(report.kind, (counters.get(report.kind) ?? 0) + 1)
      onFault(report)
    },
    heal: () => {
      isHealed = true
    },
    isHealed: () => isHealed,
  }
}
