import { createHash } from 'node:crypto'
import { addressOf } from './address.ts'
import { feeOf } from './fees.ts'
import { type TokenBalance, tokenBalanceOf } from './token-accounts.ts'
import {
  EMPTY_ACCOUNT,
  type Execution,
  type SolanaAccount,
  type TouchedAccounts,
  type VirtualMachine,
} from './virtual-machine.ts'
import type { WireTransaction } from './wire.ts'

export type Block = { readonly slot: number; readonly height: number; readonly hash: string; readonly time: number }

/** A transaction that is part of the chain, failed or not. */
export type TransactionRecord = {
  readonly signature: string
  readonly bytes: Uint8Array
  readonly slot: number
  readonly blockTime: number
  readonly fee: bigint
  readonly touched: TouchedAccounts
  readonly preBalances: readonly bigint[]
  readonly postBalances: readonly bigint[]
  readonly preTokens: readonly TokenBalance[]
  readonly postTokens: readonly TokenBalance[]
} & Execution

/** What became of a transaction that was handed in. */
export type Submission =
  /** It is in the chain, now or since before. */
  | { readonly kind: 'included' }
  /** Block production stands still; it waits. */
  | { readonly kind: 'waiting' }
  /** It left no trace: it could not even pay its fee, or it failed and its sender wanted no failure included. */
  | { readonly kind: 'rejected'; readonly execution: Execution }

export type Commitment = 'processed' | 'confirmed' | 'finalized'

export type LedgerEvent =
  | { readonly kind: 'block'; readonly slot: number; readonly parent: number }
  | { readonly kind: 'transaction'; readonly signature: string }
  | { readonly kind: 'accounts'; readonly addresses: readonly string[] }

/** Everything a restart needs. */
export type LedgerState = {
  readonly genesisHash: string
  readonly blocks: readonly Block[]
  readonly transactions: readonly TransactionRecord[]
  readonly accounts: readonly (readonly [string, SolanaAccount])[]
}

export type LedgerOptions = {
  /** Slots from confirmed to finalized. */
  readonly finalizedAfter: number
  readonly state: LedgerState
}

/** Blocks a blockhash stays valid for after its own. */
export const BLOCKHASH_LIFETIME = 150
const SLOTS_PER_EPOCH = 432_000
/** Blocks that can still be reorganised away. */
const KEPT_BLOCKS = 5_000
const SAVED_BLOCKS = 1_000
const KEPT_TRANSACTIONS = 50_000
const SAVED_TRANSACTIONS = 5_000

/** Blocks that can still be read. */
const LISTED_BLOCKS = 10_000

type BlockEntry = { readonly block: Block; readonly undo: Undo[] }

/** A block with the signatures of what is in it. */
export type ListedBlock = { readonly block: Block; readonly parent: Block; readonly signatures: readonly string[] }
type Undo = { readonly signature: string; readonly accounts: (readonly [string, SolanaAccount | null])[] }

/**
 * The chain of blocks over LiteSVM, which itself knows neither blocks nor forks nor lifetimes. A transaction runs at
 * once in the newest block. Accounts are always those of the newest block, whatever the commitment asked for.
 */
export class Ledger {
  readonly genesisHash: string
  readonly #vm: VirtualMachine
  readonly #finalizedAfter: number
  readonly #blocks: BlockEntry[]
  /** Every block that can be read, oldest first. */
  #listed: { readonly block: Block; readonly signatures: string[] }[]
  readonly #byHash = new Map<string, Block>()
  readonly #transactions = new Map<string, TransactionRecord>()
  readonly #written = new Set<string>()
  readonly #listeners = new Set<(event: LedgerEvent) => void>()
  #waiting: WireTransaction[] = []
  readonly #firstReorganisable: number
  isPaused = false
  /** Counts the changes of accounts, so that whoever saves the state can see whether it is worth it. */
  changes = 0

  constructor(vm: VirtualMachine, options: LedgerOptions) {
    const { state } = options
    this.#vm = vm
    this.#finalizedAfter = options.finalizedAfter
    this.genesisHash = state.genesisHash
    this.#blocks = state.blocks.map((block) => ({ block, undo: [] }))
    this.#listed = state.blocks.map((block) => ({ block, signatures: [] }))
    for (const block of state.blocks) this.#byHash.set(block.hash, block)
    for (const { slot, signature } of state.transactions) {
      this.#listed.find(({ block }) => block.slot === slot)?.signatures.push(signature)
    }
    for (const record of state.transactions) this.#transactions.set(record.signature, record)
    for (const [address, account] of state.accounts) this.setAccount(address, account)
    this.#firstReorganisable = this.head.slot + 1
    this.produceBlock()
  }

  get head(): Block {
    return this.#headEntry.block
  }

  get #headEntry(): BlockEntry {
    return this.#blocks[this.#blocks.length - 1]!
  }

  get epoch(): { number: number; slotIndex: number; slots: number } {
    const { slot } = this.head
    return { number: Math.floor(slot / SLOTS_PER_EPOCH), slotIndex: slot % SLOTS_PER_EPOCH, slots: SLOTS_PER_EPOCH }
  }

  /** The newest block that has reached a commitment. */
  blockAt(commitment: Commitment): Block {
    const age = this.#ageFor(commitment)
    const index = this.#blocks.findLastIndex(({ block }) => this.head.slot - block.slot >= age)
    return this.#blocks[Math.max(index, 0)]!.block
  }

  commitmentOf(slot: number): Commitment {
    const age = this.head.slot - slot
    if (age >= this.#ageFor('finalized')) return 'finalized'
    return age >= this.#ageFor('confirmed') ? 'confirmed' : 'processed'
  }

  hasReached(slot: number, commitment: Commitment): boolean {
    return this.head.slot - slot >= this.#ageFor(commitment)
  }

  /** The slot of the oldest block that can be read. */
  get firstAvailable(): number {
    return this.#listed[0]!.block.slot
  }

  /** The slots with a block from `start` to `end` that have reached the commitment. */
  slotsBetween(start: number, end: number, commitment: Commitment): number[] {
    return this.#listed
      .map(({ block }) => block.slot)
      .filter((slot) => slot >= start && slot <= end && this.hasReached(slot, commitment))
  }

  /** The block of a slot; undefined where the slot was skipped or is too old. */
  listedBlock(slot: number): ListedBlock | undefined {
    const index = this.#listed.findLastIndex(({ block }) => block.slot === slot)
    const entry = this.#listed[index]
    return entry && { ...entry, parent: this.#listed[Math.max(0, index - 1)]!.block }
  }

  #ageFor(commitment: Commitment): number {
    return { processed: 0, confirmed: 1, finalized: 1 + this.#finalizedAfter }[commitment]
  }

  isBlockhashValid(hash: string): boolean {
    const block = this.#byHash.get(hash)
    return block !== undefined && this.head.height <= block.height + BLOCKHASH_LIFETIME
  }

  transaction(signature: string): TransactionRecord | undefined {
    return this.#transactions.get(signature)
  }

  /** Newest first. */
  transactionsOf(address: string): TransactionRecord[] {
    return [...this.#transactions.values()].filter((record) => record.touched.addresses.includes(address)).reverse()
  }

  subscribe(listener: (event: LedgerEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes a transaction whose blockhash is valid. With `dropFailed` one that fails leaves no trace. */
  submit(transaction: WireTransaction, dropFailed: boolean): Submission {
    if (this.#transactions.has(transaction.signature)) return { kind: 'included' }
    if (!this.isPaused) return this.#include(transaction, dropFailed)
    if (!this.#waiting.some(({ signature }) => signature === transaction.signature)) this.#waiting.push(transaction)
    return { kind: 'waiting' }
  }

  produceBlock(): void {
    const parent = this.head
    const slot = parent.slot + 1
    const hash = hashOf(`${this.genesisHash} ${slot}`)
    const time = Math.floor(Date.now() / 1000)
    this.#append({ slot, height: parent.height + 1, hash, time })
    const waiting = this.#waiting
    this.#waiting = []
    for (const transaction of waiting) {
      if (this.isBlockhashValid(transaction.message.blockhash)) this.#include(transaction, false)
    }
    this.#emit({ kind: 'block', slot, parent: parent.slot })
  }

  dropWaiting(): void {
    this.#waiting = []
  }

  /** Undoes the newest `depth` blocks and goes on with another one in their place. */
  reorganise(depth: number): void {
    const possible = this.#blocks.filter(({ block }) => block.slot >= this.#firstReorganisable).length
    if (depth > possible) throw new RangeError(`only the newest ${possible} blocks can be reorganised`)
    const dropped = this.#blocks.splice(this.#blocks.length - depth)
    const slot = dropped[dropped.length - 1]!.block.slot
    const changed = new Set<string>()
    for (const { block, undo } of dropped.reverse()) {
      this.#byHash.delete(block.hash)
      for (const { signature, accounts } of undo.reverse()) {
        this.#transactions.delete(signature)
        for (const [address, account] of accounts) {
          this.setAccount(address, account)
          changed.add(address)
        }
      }
    }
    this.#listed = this.#listed.slice(0, this.#listed.length - depth)
    const parent = this.head
    const next = slot + 1
    const time = Math.floor(Date.now() / 1000)
    this.#append({ slot: next, height: parent.height + 1, hash: hashOf(`${this.genesisHash} ${next}`), time })
    this.#emit({ kind: 'accounts', addresses: [...changed] })
    this.#emit({ kind: 'block', slot: next, parent: parent.slot })
  }

  /** Adds to a balance outside any transaction, in such a way that no reorganisation takes it back. */
  credit(address: string, lamports: bigint): void {
    const plus = (account: SolanaAccount | null): SolanaAccount => ({
      ...(account ?? EMPTY_ACCOUNT),
      lamports: (account?.lamports ?? 0n) + lamports,
    })
    this.setAccount(address, plus(this.#vm.account(address)))
    const undos = this.#blocks.flatMap(({ undo }) => undo)
    for (const { accounts } of undos) {
      const index = accounts.findIndex(([written]) => written === address)
      if (index >= 0) accounts[index] = [address, plus(accounts[index]![1])]
    }
    this.#emit({ kind: 'accounts', addresses: [address] })
  }

  setAccount(address: string, account: SolanaAccount | null): void {
    this.#vm.setAccount(address, account)
    this.#written.add(address)
    this.changes += 1
  }

  state(): LedgerState {
    const accounts = [...this.#written].flatMap((address) => {
      const account = this.#vm.account(address)
      return account ? [[address, account] as const] : []
    })
    const blocks = this.#blocks.slice(-SAVED_BLOCKS).map(({ block }) => block)
    const transactions = [...this.#transactions.values()].slice(-SAVED_TRANSACTIONS)
    return { genesisHash: this.genesisHash, blocks, transactions, accounts }
  }

  #append(block: Block): void {
    this.#blocks.push({ block, undo: [] })
    this.#byHash.set(block.hash, block)
    this.#listed.push({ block, signatures: [] })
    if (this.#listed.length > LISTED_BLOCKS) this.#listed.shift()
    this.#vm.setClock(block.slot, Math.floor(block.slot / SLOTS_PER_EPOCH), block.time)
    if (this.#blocks.length <= KEPT_BLOCKS) return
    const oldest = this.#blocks.shift()
    if (oldest) this.#byHash.delete(oldest.block.hash)
  }

  #include(transaction: WireTransaction, dropFailed: boolean): Submission {
    const { block, undo } = this.#headEntry
    const touched = this.#vm.touchedBy(transaction.message)
    const before = touched.writable.map((address) => [address, this.#vm.account(address)] as const)
    const balancesBefore = this.#balances(touched, new Map(before))
    const execution = this.#vm.run(transaction)
    if (execution.error && (dropFailed || this.#vm.balance(touched.addresses[0]!) === balancesBefore[0])) {
      for (const [address, account] of before) this.#vm.setAccount(address, account)
      return { kind: 'rejected', execution }
    }
    const after = new Map(touched.writable.map((address) => [address, this.#vm.account(address)]))
    undo.push({ signature: transaction.signature, accounts: [...before] })
    for (const address of touched.writable) this.#written.add(address)
    this.#record({
      signature: transaction.signature,
      bytes: transaction.bytes,
      slot: block.slot,
      blockTime: block.time,
      fee: feeOf(transaction.message),
      touched,
      preBalances: balancesBefore,
      postBalances: this.#balances(touched, after),
      preTokens: tokenBalances(touched, new Map(before)),
      postTokens: tokenBalances(touched, after),
      ...execution,
    })
    return { kind: 'included' }
  }

  #record(record: TransactionRecord): void {
    this.#transactions.set(record.signature, record)
    this.#listed.at(-1)?.signatures.push(record.signature)
    if (this.#transactions.size > KEPT_TRANSACTIONS) {
      for (const oldest of this.#transactions.keys()) {
        this.#transactions.delete(oldest)
        break
      }
    }
    this.changes += 1
    this.#emit({ kind: 'transaction', signature: record.signature })
    this.#emit({ kind: 'accounts', addresses: record.touched.writable })
  }

  #balances({ addresses }: TouchedAccounts, known: ReadonlyMap<string, SolanaAccount | null>): bigint[] {
    return addresses.map((address) =>
      known.has(address) ? (known.get(address)?.lamports ?? 0n) : this.#vm.balance(address),
    )
  }

  #emit(event: LedgerEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

/** A chain that has just begun, old enough that every commitment has a block. */
export function newLedgerState(genesisHash: string, age: number): LedgerState {
  const time = Math.floor(Date.now() / 1000)
  const blocks = Array.from({ length: age }, (_, index): Block => {
    const slot = FIRST_SLOT + index
    return { slot, height: FIRST_HEIGHT + index, hash: hashOf(`${genesisHash} ${slot}`), time }
  })
  return { genesisHash, blocks, transactions: [], accounts: [] }
}

/** Slots run ahead of heights, as on the real chain, so that nobody can mistake one for the other. */
const FIRST_SLOT = 2_000
const FIRST_HEIGHT = 1_000

function hashOf(text: string): string {
  return addressOf(createHash('sha256').update(text).digest())
}

function tokenBalances({ addresses }: TouchedAccounts, accounts: ReadonlyMap<string, SolanaAccount | null>) {
  return addresses.flatMap((address, accountIndex) => {
    const account = accounts.get(address)
    const balance = account ? tokenBalanceOf(account) : undefined
    return balance ? [{ accountIndex, ...balance }] : []
  })
}
