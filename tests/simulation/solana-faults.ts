import type { Random } from './solana-ports.ts'

/**
 * How often each fault happens, as a probability per occasion: per gap between blocks, per transaction handed over,
 * per request, per node. Nothing else makes the simulated cluster misbehave.
 */
export type SolanaFaults = Readonly<Record<SolanaFaultKind, number>>

export type SolanaFaultKind = keyof typeof solanaFaults

/** How often each fault was met in a run, so that a fault that no run reaches is noticed. */
export type FaultCounts = Record<SolanaFaultKind, number>

/** Every fault, with what it does, and the probabilities that are drawn where it is on. */
export const solanaFaults = {
  // The cluster.
  /** Slots pass without a block; a seldom day loses one in five. */
  skippedSlots: [0.05, 0.2],
  /** A run of slots without a block is a minority fork that some nodes follow and that is dropped. */
  minorityFork: [0.3, 0.8],
  /** Nodes on such a fork call its blocks confirmed (optimistic confirmation that does not hold). */
  confirmedFork: [0.2],
  /** No block for minutes, as in the outages of mainnet. */
  halt: [0.05],
  /** Blocks come, but none becomes finalized for a minute or more. */
  finalityStall: [0.5],
  /** A transaction in a dropped fork is not taken into the other one soon, but in its last valid block or never. */
  forkLoss: [0.5],

  // What becomes of a transaction that a node has.
  /** The node passes it on to nobody. */
  sendNowhere: [0.2, 0.6],
  /** It lands after a while that is drawn from its whole life. */
  sendHeld: [0.2, 0.6],
  /** It lands in the last block that may have it. */
  sendLastBlock: [0.1, 0.4],
  /** Bytes that went nowhere turn up again: somebody kept them (agave, send-transaction-service retries on its own). */
  resurrected: [0.3, 0.9],

  // What the node says about it, whatever becomes of it.
  sendAnswerLost: [0.1, 0.4],
  /** -32003 with words about something else (solana-labs/solana#10597). */
  sendWrongVerdict: [0.1, 0.3],
  /** -32002 from a node that simulates whatever `skipPreflight` says. */
  sendPreflight: [0.1, 0.3],
  /** -32005, node is behind. */
  sendBehind: [0.1, 0.3],
  sendThrottled: [0.1, 0.3],
  sendThrottledInBody: [0.1, 0.3],
  sendGarbage: [0.1, 0.3],
  /** "Ok" with the signature of something else, as caches of gateways give. */
  sendOtherSignature: [0.05],

  // The way there and back.
  /** No connection: nothing was handed over, and the client knows. */
  connectionRefused: [0.05, 0.3],
  /** The request is written and reaches nobody who works on it; whoever read it on the way may keep it. */
  requestLost: [0.02, 0.1],
  readLost: [0.02, 0.1],
  readThrottled: [0.05, 0.2],
  readThrottledInBody: [0.05, 0.2],
  readGarbage: [0.02, 0.1],
  /** Answers that take seconds, some longer than any client waits. */
  slow: [0.05, 0.2],
  /** A gateway that takes no batches. */
  batchRefused: [1],
  /** A gateway that answers a batch in another order. */
  batchShuffled: [0.5],

  // Nodes.
  /** A node is away for a while, now and then. */
  outage: [0.5, 1],
  /** A node comes back from a snapshot: it has no history from before (solana-labs/solana#26497 and solana-labs/solana#23403). */
  snapshotRestart: [0.5, 1],
  /** A node comes back with a hole in its history, and names an old first block (solana-labs/solana#17000). */
  hiddenHole: [0.5, 1],
  /** A node falls behind by up to some hundred slots, and answers as if nothing were wrong. */
  behind: [0.5, 1],
  /** A node stands still and answers with what it has. */
  frozen: [0.3],
  /** A node that answers every question with -32005 while it is behind, as gateways do. */
  unhealthyReads: [0.5],
  /** A node follows minority forks, and keeps to them for some slots too long. */
  onFork: [0.5, 1],
  /** A node without transaction history: -32011. */
  noHistory: [0.3, 0.6],
  /** Ledger kept for some hundred slots only (`--limit-ledger-size`). */
  shortLedger: [0.3],
  /** Old blocks come from a long-term store that lacks some of them: -32009 (agave `check_bigtable_result`). */
  archiveHole: [0.3],
  /** Optional methods that a gateway does not let through: -32601 or -32600. */
  methodMissing: [0.3],
  /** The history of a finalized block is written seconds later; until then -32014 or null. */
  lateIndex: [0.3],
  /** Of single blocks a node lacks everything, and lists the others as if they were all (solana-labs/solana#14145). */
  shortHole: [0.5, 1],
  /** Signatures are kept apart from blocks, in a table of their own: some are not found there, and their block has them. */
  signatureLost: [0.5],
  /** `lastValidBlockHeight` is 300 above the height (solana-labs/solana#24526; nodes before agave#1034). */
  doubledLifetime: [0.3],

  // Gateways.
  /** An address is several nodes, one of which is drawn for each request (solana-labs/solana#15705). */
  mixedBackends: [0.5, 1],
  /** Such an address draws for each call of a batch. */
  mixedInBatch: [0.5],
} as const satisfies Readonly<Record<string, readonly [number, ...number[]]>>

const kinds = Object.keys(solanaFaults) as SolanaFaultKind[]
/** Added later and drawn apart, so that older seeds draw the others as they did. */
const added: readonly SolanaFaultKind[] = ['shortHole', 'signatureLost']

/** A cluster without any fault but the skipped slots that every cluster has. */
export const noSolanaFaults: SolanaFaults = { ...record(() => 0), skippedSlots: 0.02 }

/** Faults that nobody meets without others. */
const needs: readonly (readonly [SolanaFaultKind, SolanaFaultKind])[] = [
  ['confirmedFork', 'onFork'],
  ['onFork', 'minorityFork'],
  ['forkLoss', 'minorityFork'],
  ['resurrected', 'sendNowhere'],
  ['snapshotRestart', 'outage'],
  ['hiddenHole', 'outage'],
  ['unhealthyReads', 'behind'],
  ['mixedInBatch', 'mixedBackends'],
]

/** Draws which faults there are, and how often; never all. A few seeds have none, and some have one alone. */
export function drawSolanaFaults(random: Random): SolanaFaults {
  const share = random.pick([0, 0.05, 0.15, 0.3, 0.5])
  const later = random.fork('added')
  const source = (kind: SolanaFaultKind) => (added.includes(kind) ? later : random)
  const probability = record((kind) => source(kind).pick<number>(solanaFaults[kind]))
  const on = new Set(kinds.filter((kind) => source(kind).chance(share)))
  for (const [kind, needed] of needs) if (on.has(kind)) on.add(needed)
  return record((kind) => (on.has(kind) ? probability[kind] : noSolanaFaults[kind]))
}

export function newFaultCounts(): FaultCounts {
  return record(() => 0)
}

function record(value: (kind: SolanaFaultKind) => number): Record<SolanaFaultKind, number> {
  return Object.fromEntries(kinds.map((kind) => [kind, value(kind)])) as Record<SolanaFaultKind, number>
}

/** The faults in force and the count of those met; healing ends all of them. */
export type FaultDice = {
  rate: (kind: SolanaFaultKind) => number
  /** Draws whether a fault happens, and counts it if so. */
  strikes: (kind: SolanaFaultKind, random: Random) => boolean
  count: (kind: SolanaFaultKind) => void
  isHealed: () => boolean
  heal: () => void
  counts: Readonly<FaultCounts>
}

export function createFaultDice(faults: SolanaFaults): FaultDice {
  let current = faults
  const counts = newFaultCounts()
  const count = (kind: SolanaFaultKind) => {
    counts[kind] += 1
  }
  return {
    rate: (kind) => current[kind],
    strikes: (kind, random) => {
      const strikes = current[kind] > 0 && random.chance(current[kind])
      if (strikes) count(kind)
      return strikes
    },
    count,
    isHealed: () => current === noSolanaFaults,
    heal: () => {
      current = noSolanaFaults
    },
    counts,
  }
}
