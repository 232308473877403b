import type { TransactionMetadata } from 'litesvm'
import litesvm from 'litesvm/dist/internal.js'
import { addressOf, bytesOf } from './address.ts'
import { type RpcTransactionError, transactionErrorOf } from './transaction-error.ts'
import { isWritable, type Message, type WireTransaction } from './wire.ts'

/** An account as it stands; `null` where an account is meant that does not exist. */
export type SolanaAccount = {
  readonly lamports: bigint
  readonly data: Uint8Array
  readonly owner: string
  readonly executable: boolean
}

/** What running a transaction gave. */
export type Execution = {
  readonly error: RpcTransactionError | null
  readonly logs: readonly string[]
  readonly units: bigint
  readonly returnData: { readonly programId: string; readonly data: Uint8Array } | null
  readonly innerInstructions: readonly InnerInstructions[]
}

export type InnerInstructions = {
  readonly index: number
  readonly instructions: readonly {
    readonly programIdIndex: number
    readonly accounts: readonly number[]
    readonly data: Uint8Array
    readonly stackHeight: number
  }[]
}

/** The accounts a transaction touches, in the order of its message: its own, then those out of lookup tables. */
export type TouchedAccounts = {
  readonly addresses: readonly string[]
  readonly writable: readonly string[]
  readonly loaded: { readonly writable: readonly string[]; readonly readonly: readonly string[] }
}

const LOOKUP_TABLE_HEADER_BYTES = 56
const RECENT_SLOTS = 64
const SOME_HASH = '11111111111111111111111111111111'

/**
 * LiteSVM, spoken to in base58 addresses and plain records. It checks signatures and runs programs; blockhashes,
 * history and duplicates are the ledger's. The binding is used without its wrapper, which would build a transaction
 * object only to take it apart again.
 */
export class VirtualMachine {
  readonly #svm = new litesvm.LiteSvm()

  constructor() {
    this.#svm.setBlockhashCheck(false)
    this.#svm.setTransactionHistory(0n)
    this.#svm.withNativeMints()
  }

  setClock(slot: number, epoch: number, unixSeconds: number): void {
    this.#svm.setClock(
      new litesvm.Clock(BigInt(slot), BigInt(unixSeconds), BigInt(epoch), BigInt(epoch), BigInt(unixSeconds)),
    )
    // Lookup tables are made under a recent slot; what its hash is, nobody asks.
    const recent = Array.from({ length: Math.min(slot, RECENT_SLOTS) }, (_, back) => BigInt(slot - 1 - back))
    this.#svm.setSlotHashes(recent.map((each) => ({ slot: each, hash: SOME_HASH })))
  }

  run(transaction: WireTransaction): Execution {
    return executionOf(this.#svm.sendVersionedTransaction(transaction.bytes))
  }

  simulate(transaction: WireTransaction, sigVerify: boolean): Execution & { accounts: Map<string, SolanaAccount> } {
    this.#svm.setSigverify(sigVerify)
    try {
      const result = this.#svm.simulateVersionedTransaction(transaction.bytes)
      if ('err' in result) return { ...executionOf(result), accounts: new Map() }
      const accounts = result
        .postAccounts()
        .map((entry) => [addressOf(entry.address), accountOf(entry.account())] as const)
      return { ...executionOf(result.meta()), accounts: new Map(accounts) }
    } finally {
      this.#svm.setSigverify(true)
    }
  }

  account(address: string): SolanaAccount | null {
    const account = this.#svm.getAccount(bytesOf(address))
    return account && accountOf(account)
  }

  /** Puts an account in place; `null` removes it. */
  setAccount(address: string, account: SolanaAccount | null): void {
    const { lamports, data, owner, executable } = account ?? EMPTY_ACCOUNT
    const raw = new litesvm.Account(lamports, data, bytesOf(owner), executable, RENT_EXEMPT_EPOCH)
    this.#svm.setAccount(bytesOf(address), raw)
  }

  balance(address: string): bigint {
    return this.#svm.getBalance(bytesOf(address)) ?? 0n
  }

  accountsOf(program: string): { address: string; account: SolanaAccount }[] {
    return this.#svm
      .getProgramAccounts(bytesOf(program))
      .map((entry) => ({ address: addressOf(entry.address), account: accountOf(entry.account()) }))
  }

  rentExemptMinimum(bytes: number): bigint {
    return this.#svm.minimumBalanceForRentExemption(BigInt(bytes))
  }

  touchedBy(message: Message): TouchedAccounts {
    const loaded = this.#lookUp(message)
    const own = message.staticAccounts.filter((_, index) => isWritable(message, index))
    return {
      addresses: [...message.staticAccounts, ...loaded.writable, ...loaded.readonly],
      writable: [...own, ...loaded.writable],
      loaded,
    }
  }

  #lookUp(message: Message): { writable: string[]; readonly: string[] } {
    const writable: string[] = []
    const readonly: string[] = []
    for (const lookup of message.lookups) {
      const table = this.account(lookup.table)?.data ?? new Uint8Array()
      const entry = (index: number) => {
        const start = LOOKUP_TABLE_HEADER_BYTES + 32 * index
        return table.length >= start + 32 ? [addressOf(table.subarray(start, start + 32))] : []
      }
      writable.push(...lookup.writableIndices.flatMap(entry))
      readonly.push(...lookup.readonlyIndices.flatMap(entry))
    }
    return { writable, readonly }
  }
}

export const SYSTEM_PROGRAM = '11111111111111111111111111111111'

export const RENT_EXEMPT_EPOCH = 18_446_744_073_709_551_615n

/** What stands at an address where there is nothing. */
export const EMPTY_ACCOUNT: SolanaAccount = {
  lamports: 0n,
  data: new Uint8Array(),
  owner: SYSTEM_PROGRAM,
  executable: false,
}

type RawAccount = InstanceType<typeof litesvm.Account>

function accountOf(raw: RawAccount): SolanaAccount {
  return { lamports: raw.lamports(), data: raw.data(), owner: addressOf(raw.owner()), executable: raw.executable() }
}

function executionOf(result: ReturnType<InstanceType<typeof litesvm.LiteSvm>['sendVersionedTransaction']>): Execution {
  const failed = 'err' in result
  const meta: TransactionMetadata = failed ? result.meta() : result
  const returned = meta.returnData()
  const data = returned.data()
  return {
    error: failed ? transactionErrorOf(result) : null,
    logs: meta.logs(),
    units: meta.computeUnitsConsumed(),
    returnData: data.length === 0 ? null : { programId: addressOf(returned.programId()), data },
    innerInstructions: innerInstructionsOf(meta),
  }
}

function innerInstructionsOf(meta: TransactionMetadata): InnerInstructions[] {
  return meta.innerInstructions().flatMap((inner, index) => {
    const instructions = inner.map((entry) => {
      const instruction = entry.instruction()
      return {
        programIdIndex: instruction.programIdIndex(),
        accounts: [...instruction.accounts()],
        data: instruction.data(),
        stackHeight: entry.stackHeight(),
      }
    })
    return instructions.length === 0 ? [] : [{ index, instructions }]
  })
}
