/**
 * The truth of a simulated Solana cluster: which slots have blocks, which forks are dropped, what is in the blocks
 * and what accounts hold. It is an adversary: it keeps every byte string that it was ever handed, and may put any
 * that is still valid into a block at the moment that suits it.
 */

import type { FaultDice } from './solana-faults.ts'
import { type Ledger, newLedger, type SolanaBlock, trunkBlock, writeAccount } from './solana-ledger.ts'
import type { Random } from './solana-ports.ts'
import { createProducer, type Effect, isVerified, type Out, produceTo, submit } from './solana-producer.ts'
import type { SolanaAccount } from './solana-runtime.ts'
import { createWindows, noWindows, type Windows } from './solana-windows.ts'
import { readTransaction, type WireTransaction } from './solana-wire.ts'

export const SLOT_MS = 400
/** Blocks on top of one that is finalized. */
const FINAL_DEPTH = 32

/** What a node takes for the newest block of each level. */
export type View = { processed: SolanaBlock; confirmed: SolanaBlock; finalized: SolanaBlock }

/** How a node looks at the cluster. */
export type Outlook = {
  slot: number
  /** Slots from a block to its confirmation, as this node learns of it. */
  confirmedAfter: number
  /** For how many slots after its end a node keeps to a minority fork; `undefined` for one that follows none. */
  forkStay?: number | undefined
}

export type SolanaChain = {
  ledger: Ledger
  /** Makes all blocks up to a moment. */
  advance: (now: number) => void
  /** The newest slot that has passed, with a block or without. */
  slot: () => number
  view: (outlook: Outlook) => View
  /** Notes that bytes are out, before anything becomes of them. */
  note: (bytes: Uint8Array, at: number, url: string) => Out
  /** Bytes that were noted before. */
  noted: (bytes: Uint8Array) => Out
  outs: () => readonly Out[]
  /** Decides what becomes of bytes that are out. */
  submit: (out: Out, effect: Effect) => void
  /** Puts an account in place in the newest block, outside any transaction. */
  setAccount: (address: string, account: SolanaAccount) => void
  hasGoodSignatures: (transaction: WireTransaction) => boolean
}

export function createSolanaChain(random: Random, dice: FaultDice): SolanaChain {
  const ledger = newLedger(random.fork('hashes').int(2 ** 31))
  const birth = ledger.trunk.head().slot
  const producer = createProducer(ledger, dice, random)
  const stalls = dice.rate('finalityStall') > 0 ? createWindows(random.fork('stalls'), 400, 300, birth) : noWindows
  const outs = new Map<string, Out>()
  const keyOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
  return {
    ledger,
    advance: (now) => produceTo(producer, birth + Math.floor(now / SLOT_MS)),
    slot: () => producer.cursor,
    view: (outlook) => viewOf(ledger, stalls, dice, outlook),
    note: (bytes, at, url) => {
      const known = outs.get(keyOf(bytes))
      if (known !== undefined) {
        known.times.push({ at, url })
        return known
      }
      const read = readTransaction(bytes)
      const transaction = 'problem' in read ? undefined : read
      const out: Out = { bytes, transaction, times: [{ at, url }], due: undefined }
      outs.set(keyOf(bytes), out)
      return out
    },
    noted: (bytes) => outs.get(keyOf(bytes))!,
    outs: () => [...outs.values()],
    submit: (out, effect) => submit(producer, out, effect),
    setAccount: (address, account) => {
      writeAccount(ledger, address, { slot: ledger.trunk.head().slot, fork: undefined }, account)
    },
    hasGoodSignatures: (transaction) => isVerified(producer, transaction),
  }
}

function viewOf(ledger: Ledger, stalls: Windows, dice: FaultDice, outlook: Outlook): View {
  const { slot, confirmedAfter, forkStay } = outlook
  const { trunk, forks } = ledger
  const fork =
    forkStay === undefined ? undefined : forks.findLast(({ from, to }) => from <= slot && slot <= to + forkStay)
  const head = trunkBlock(ledger, trunk.atOrBelow(fork === undefined ? slot : fork.from)!.slot)
  const processed = fork?.blocks.findLast((each) => each.slot <= slot) ?? head
  const onFork = fork?.isConfirmed ? fork.blocks.findLast((each) => each.slot <= slot - confirmedAfter) : undefined
  if (onFork !== undefined) dice.count('confirmedFork')
  const confirmedSlot = trunk.atOrBelow(Math.min(slot - confirmedAfter, head.slot))!.slot
  return {
    processed,
    confirmed: onFork ?? trunkBlock(ledger, confirmedSlot),
    finalized: trunkBlock(ledger, finalSlot(ledger, stalls, dice, head, slot)),
  }
}

/** Never above what the trunk carries, so a finalized block stays. */
function finalSlot({ trunk }: Ledger, stalls: Windows, dice: FaultDice, head: SolanaBlock, slot: number): number {
  const deep = trunk.atHeight(head.height - FINAL_DEPTH)!.slot
  const stall = dice.isHealed() ? undefined : stalls.at(slot)
  if (stall === undefined) return deep
  dice.count('finalityStall')
  const before = trunk.atOrBelow(stall.from)!
  return Math.min(deep, trunk.atHeight(before.height - FINAL_DEPTH)!.slot)
}
