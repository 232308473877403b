/** What an oracle may know of a simulated Solana cluster: everything, and nothing through a node. */

import type { SolanaChain, View } from './solana-chain.ts'
import {
  accountAt,
  blockAt,
  type Inclusion,
  inclusionOf,
  inclusionsOf,
  isOnLine,
  type Ledger,
  type SolanaBlock,
} from './solana-ledger.ts'
import { LAST_CHANCE_BLOCKS, type Out } from './solana-producer.ts'
import { nonceOf, readNonce, SYSTEM_PROGRAM, type TransactionFault } from './solana-runtime.ts'
import { readTransaction, type WireTransaction } from './solana-wire.ts'

export type Level = 'processed' | 'confirmed' | 'finalized'

export type Landed = {
  signature: string
  slot: number
  height: number
  level: Level
  fault: TransactionFault | null
  fee: bigint
}

/** What a transaction took from an account, its fee included where the account is the payer; negative for a gain. */
export type Fall = { signature: string; slot: number; lamports: bigint; fee: bigint }

export type SolanaTruth = {
  slot: () => number
  /** Height of the newest block of a level. */
  height: (level: Level) => number
  /** Where a transaction is on the line that stays. Blocks of dropped forks do not count. */
  landed: (signature: string) => Landed | undefined
  /** The same by the signed bytes, for transactions whose first signature is somebody else's. */
  landedMessage: (message: Uint8Array) => Landed | undefined
  /** Transactions in blocks of minority forks, which are dropped. */
  onForks: (signature: string) => number
  /** Every byte string that left the daemon or was handed to the cluster, with the time of each hand-over. */
  outs: () => readonly Out[]
  /**
   * Whether a legal future of the cluster, from its finalized block on, has this transaction in a finalized block
   * that is not there yet. Blocks above the finalized one may still be replaced; signatures are taken as good.
   */
  canEverLand: (transaction: string | Uint8Array) => boolean
  balance: (address: string, level?: Level) => bigint
  /** Payments by System transfers that succeeded, up to a level; `finalized` unless said otherwise. */
  transfersTo: (payee: string, level?: Level) => { signature: string; from: string; lamports: bigint; slot: number }[]
  /** Every transaction that changed the balance of an account, up to a level. */
  falls: (address: string, level?: Level) => Fall[]
  /** Puts bytes in the cluster's hands without a node: what another holder of them may do at any time. */
  land: (bytes: Uint8Array, when: 'soon' | 'last') => void
}

export function solanaTruth(chain: SolanaChain, now: () => number): SolanaTruth {
  const view = (): View => {
    chain.advance(now())
    return chain.view({ slot: chain.slot(), confirmedAfter: 2 })
  }
  const show = ({ transaction, slot, fault, fee }: Inclusion, { confirmed, finalized }: View): Landed => {
    const level = slot <= finalized.slot ? 'finalized' : slot <= confirmed.slot ? 'confirmed' : 'processed'
    return { signature: transaction.signature, slot, height: blockAt(chain.ledger, slot)!.height, level, fault, fee }
  }
  const find = (isMeant: (inclusion: Inclusion) => boolean): Landed | undefined => {
    const current = view()
    const found = inclusionsOf(chain.ledger, current.processed).find(isMeant)
    return found && show(found, current)
  }
  const upTo = (level: Level): Inclusion[] => inclusionsOf(chain.ledger, view()[level])

  return {
    slot: () => {
      chain.advance(now())
      return chain.slot()
    },
    height: (level) => view()[level].height,
    landed: (signature) => find(({ transaction }) => transaction.signature === signature),
    landedMessage: (message) => find(({ transaction }) => Buffer.compare(transaction.message, message) === 0),
    onForks: (signature) => {
      chain.advance(now())
      return chain.ledger.onForks.filter(({ transaction }) => transaction.signature === signature).length
    },
    outs: () => chain.outs(),
    canEverLand: (given) => {
      const { finalized } = view()
      return transactionsOf(given, chain).some((each) => mayLand(each, chain.ledger, finalized))
    },
    balance: (address, level = 'processed') => accountAt(chain.ledger, address, view()[level])?.lamports ?? 0n,
    transfersTo: (payee, level = 'finalized') =>
      upTo(level).flatMap((inclusion) =>
        inclusion.fault !== null
          ? []
          : transfersIn(inclusion.transaction)
              .filter(({ to }) => to === payee)
              .map(({ from, lamports }) => {
                return { signature: inclusion.transaction.signature, from, lamports, slot: inclusion.slot }
              }),
      ),
    falls: (address, level = 'finalized') =>
      upTo(level).flatMap(({ transaction, slot, before, after, fee }) => {
        const index = transaction.accounts.indexOf(address)
        if (index < 0 || before[index] === after[index]) return []
        const lamports = before[index]! - after[index]!
        return [{ signature: transaction.signature, slot, lamports, fee: index === 0 ? fee : 0n }]
      }),
    land: (bytes, when) => {
      chain.advance(now())
      chain.submit(chain.note(bytes, now(), 'elsewhere'), when === 'soon' ? 'forwarded' : 'last')
    },
  }
}

function transactionsOf(given: string | Uint8Array, chain: SolanaChain): WireTransaction[] {
  if (typeof given !== 'string') {
    const read = readTransaction(given)
    return 'problem' in read ? [] : [read]
  }
  return chain.outs().flatMap(({ transaction }) => (transaction?.signature === given ? [transaction] : []))
}

function mayLand(transaction: WireTransaction, ledger: Ledger, finalized: SolanaBlock): boolean {
  if (transaction.hasTrailingBytes || transaction.usesLookupTables) return false
  if (inclusionOf(ledger, transaction.signature, finalized) !== undefined) return false
  const nonce = nonceOf(transaction)
  const held = nonce === undefined ? undefined : accountAt(ledger, nonce, finalized)
  if (held !== undefined && readNonce(held)?.value === transaction.blockhash) return true
  const hashed = ledger.hashes.get(transaction.blockhash)
  if (hashed === undefined) return false
  // A block that is not final may win as long as it is above the final one; below, it has to be on the line.
  const mayStand = hashed.slot > finalized.slot || isOnLine(ledger, hashed.slot, finalized)
  return mayStand && finalized.height < hashed.height + LAST_CHANCE_BLOCKS
}

const TRANSFER = 2

function transfersIn({ accounts, instructions }: WireTransaction) {
  return instructions.flatMap(({ programIndex, accountIndices, data }) => {
    const bytes = Buffer.from(data)
    if (accounts[programIndex] !== SYSTEM_PROGRAM || bytes.length < 12 || bytes.readUInt32LE(0) !== TRANSFER) return []
    const [from, to] = accountIndices.map((index) => accounts[index]!)
    return [{ from: from!, to: to!, lamports: bytes.readBigUInt64LE(4) }]
  })
}
