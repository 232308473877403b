/** The blocks of a simulated cluster and what accounts hold after each: the line that stays, and forks beside it. */

import { nativeAccounts, type SolanaAccount, type TransactionFault } from './solana-runtime.ts'
import { createTrunk, type Trunk } from './solana-trunk.ts'
import type { WireTransaction } from './solana-wire.ts'

export type SolanaBlock = {
  slot: number
  height: number
  parentSlot: number
  readonly blockhash: string
  inclusions: Inclusion[]
  /** For a block of a minority fork, what it stands on and the accounts that it changed. */
  fork: { parent: SolanaBlock; overlay: Map<string, SolanaAccount | undefined> } | undefined
}

/** A transaction in a block. */
export type Inclusion = {
  transaction: WireTransaction
  slot: number
  fault: TransactionFault | null
  fee: bigint
  units: number
  /** Lamports of all accounts, in the order of the message. */
  before: readonly bigint[]
  after: readonly bigint[]
}

export type Fork = { from: number; to: number; isConfirmed: boolean; blocks: SolanaBlock[] }

export type Ledger = {
  /** The line that stays. */
  trunk: Trunk
  forks: Fork[]
  onTrunk: Map<string, Inclusion>
  onForks: Inclusion[]
  /** Blocks of the trunk that were looked at, by slot. */
  blocks: Map<number, SolanaBlock>
  /** Blocks whose hash somebody asked for; nobody can have signed under another. */
  hashes: Map<string, SolanaBlock>
  versions: Map<string, { slot: number; account: SolanaAccount | undefined }[]>
  salt: number
}

const FIRST_SLOT = 250_000
/** Heights run behind slots, so that nobody can take one for the other. */
const FIRST_HEIGHT = 231_000
/** Blocks that are there at time 0. */
const PAST_BLOCKS = 1_000

export function newLedger(salt: number): Ledger {
  return {
    trunk: createTrunk(FIRST_SLOT, FIRST_HEIGHT, PAST_BLOCKS),
    forks: [],
    onTrunk: new Map(),
    onForks: [],
    blocks: new Map(),
    hashes: new Map(),
    versions: new Map(nativeAccounts.map(([address, account]) => [address, [{ slot: FIRST_SLOT, account }]])),
    salt,
  }
}

/** The block of a slot of the trunk. */
export function trunkBlock(ledger: Ledger, slot: number): SolanaBlock {
  const known = ledger.blocks.get(slot)
  if (known !== undefined) return known
  const { height } = ledger.trunk.atOrBelow(slot)!
  const parentSlot = ledger.trunk.atHeight(height - 1)?.slot ?? slot - 1
  const block = newBlock(ledger, { slot, height, parentSlot, inclusions: [], fork: undefined })
  ledger.blocks.set(slot, block)
  return block
}

/** Puts a block on a minority fork. */
export function forkBlock(ledger: Ledger, fork: Fork, slot: number): SolanaBlock {
  const parent = fork.blocks[fork.blocks.length - 1] ?? trunkBlock(ledger, ledger.trunk.head().slot)
  const place = { slot, height: parent.height + 1, parentSlot: parent.slot, inclusions: [] }
  const block = newBlock(ledger, { ...place, fork: { parent, overlay: new Map() } })
  fork.blocks.push(block)
  return block
}

function newBlock(ledger: Ledger, parts: Omit<SolanaBlock, 'blockhash'>): SolanaBlock {
  let hash: string | undefined
  const block: SolanaBlock = Object.defineProperty({ ...parts, blockhash: '' }, 'blockhash', {
    get: () => {
      if (hash === undefined) {
        hash = hashText(ledger.salt, parts.slot, parts.fork !== undefined)
        ledger.hashes.set(hash, block)
      }
      return hash
    },
  })
  return block
}

/** The last block of the trunk that a block stands on. */
export function rootOf(tip: SolanaBlock): SolanaBlock {
  let block = tip
  while (block.fork !== undefined) block = block.fork.parent
  return block
}

/** The blocks of a fork from a tip down to the trunk. */
function forkLine(tip: SolanaBlock): SolanaBlock[] {
  const line: SolanaBlock[] = []
  for (let block = tip; block.fork !== undefined; block = block.fork.parent) line.push(block)
  return line
}

export function blockAt(ledger: Ledger, slot: number): SolanaBlock | undefined {
  if (ledger.trunk.has(slot)) return trunkBlock(ledger, slot)
  return ledger.forks.flatMap(({ blocks }) => blocks).find((each) => each.slot === slot)
}

export function isOnLine({ trunk }: Ledger, slot: number, tip: SolanaBlock): boolean {
  return forkLine(tip).some((each) => each.slot === slot) || (slot <= rootOf(tip).slot && trunk.has(slot))
}

export function accountAt({ versions }: Ledger, address: string, tip: SolanaBlock): SolanaAccount | undefined {
  const over = forkLine(tip).find(({ fork }) => fork!.overlay.has(address))
  if (over !== undefined) return over.fork!.overlay.get(address)
  const root = rootOf(tip)
  return versions.get(address)?.findLast(({ slot }) => slot <= root.slot)?.account
}

export function writeAccount(
  { versions }: Ledger,
  address: string,
  block: Pick<SolanaBlock, 'slot' | 'fork'>,
  account: SolanaAccount | undefined,
): void {
  if (block.fork !== undefined) {
    block.fork.overlay.set(address, account)
    return
  }
  const list = versions.get(address) ?? []
  list.push({ slot: block.slot, account })
  versions.set(address, list)
}

export function inclusionOf({ onTrunk }: Ledger, signature: string, tip: SolanaBlock): Inclusion | undefined {
  const found = onTrunk.get(signature)
  if (found !== undefined && found.slot <= rootOf(tip).slot) return found
  return forkLine(tip)
    .flatMap(({ inclusions }) => inclusions)
    .find(({ transaction }) => transaction.signature === signature)
}

/** Everything on the line of a block, the oldest first. */
export function inclusionsOf({ onTrunk }: Ledger, tip: SolanaBlock): Inclusion[] {
  const root = rootOf(tip)
  const below = [...onTrunk.values()].filter(({ slot }) => slot <= root.slot)
  return [
    ...below,
    ...forkLine(tip)
      .toReversed()
      .flatMap(({ inclusions }) => inclusions),
  ]
}

/** The height of the block with a hash, where it is on the line of another. */
export function heightOf(ledger: Ledger, blockhash: string, tip: SolanaBlock): number | undefined {
  const found = ledger.hashes.get(blockhash)
  return found !== undefined && isOnLine(ledger, found.slot, tip) ? found.height : undefined
}

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** The text of 32 bytes that only this block has: made directly in base58, which is cheaper than to hash and convert. */
function hashText(salt: number, slot: number, isFork: boolean): string {
  let state = (salt ^ Math.imul(slot, 0x9e3779b1) ^ (isFork ? 0x5bd1e995 : 0)) >>> 0
  // With 43 digits and the first in the upper part of the alphabet the number needs 32 bytes, and no more.
  let text = ALPHABET[9 + (state % 40)]!
  for (let digit = 1; digit < 43; digit++) {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    text += ALPHABET[((mixed ^ (mixed >>> 14)) >>> 0) % 58]!
  }
  return text
}
