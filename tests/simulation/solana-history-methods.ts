/** The methods that read blocks and what is in them, with the errors of agave, rpc/src/rpc.rs. */

import { base58 } from '@scure/base'
import { blockAt, type Inclusion, inclusionOf, inclusionsOf, isOnLine, type SolanaBlock } from './solana-ledger.ts'
import {
  address,
  atLeastConfirmed,
  bankOf,
  type Call,
  type Config,
  checkContextSlot,
  checkHistory,
  configAt,
  inContext,
  invalidParams,
  listAt,
  RpcFault,
  textAt,
  u64,
  wholeAt,
} from './solana-params.ts'

/** `MAX_GET_CONFIRMED_BLOCKS_RANGE`. */
const MAX_RANGE = 500_000
const MAX_SIGNATURES = 256
const MAX_LISTED = 1_000

export const historyMethods: Readonly<Record<string, (call: Call) => unknown>> = {
  getFirstAvailableBlock: ({ node }) => node.firstAvailable,
  minimumLedgerSlot: ({ node }) => node.firstOwn - 1,

  getSignatureStatuses: (call) => {
    const searches = configAt(call, 1).searchTransactionHistory === true
    const signatures = listAt(call, 0, MAX_SIGNATURES).map(signature)
    if (searches) checkHistory(call)
    return inContext(
      call.node.processed,
      signatures.map((each) => statusOf(call, each, searches)),
    )
  },

  getTransaction: (call) => {
    const wanted = signature(textAt(call, 0))
    checkHistory(call)
    const config = typeof call.params[1] === 'string' ? { encoding: call.params[1] } : configAt(call, 1)
    const { chain, node } = call
    const bank = node[atLeastConfirmed(config)]
    const found = inclusionOf(chain.ledger, wanted, bank)
    if (found === undefined || !isWritten(call, found.slot) || !isIndexed(call, wanted)) return null
    checkVersions([found], config)
    return { blockTime: timeOf(found.slot), slot: found.slot, ...shownTransaction(found, config) }
  },

  getSignaturesForAddress: (call) => {
    const owner = address(textAt(call, 0))
    checkHistory(call)
    const config = configAt(call, 1)
    const limit = config.limit ?? MAX_LISTED
    if (typeof limit !== 'number' || limit < 1 || limit > MAX_LISTED) {
      throw invalidParams(`Invalid limit; max ${MAX_LISTED}`)
    }
    const { chain, node } = call
    const bank = node[atLeastConfirmed(config)]
    checkContextSlot(bank.slot, config)
    const all = inclusionsOf(chain.ledger, bank)
      .filter(({ transaction, slot }) => transaction.accounts.includes(owner) && isWritten(call, slot))
      .reverse()
    const place = (at: unknown) => all.findIndex(({ transaction }) => transaction.signature === at)
    const start = typeof config.before === 'string' ? place(config.before) + 1 : 0
    const end = typeof config.until === 'string' ? place(config.until) : -1
    return all
      .slice(start, end < 0 ? undefined : end)
      .slice(0, limit)
      .map(({ transaction, slot, fault }) => ({
        signature: transaction.signature,
        slot,
        err: fault,
        memo: null,
        blockTime: timeOf(slot),
        confirmationStatus: slot <= node.finalized.slot ? 'finalized' : 'confirmed',
      }))
  },

  getBlock: (call) => {
    const slot = wholeAt(call, 0)
    checkHistory(call)
    const config = typeof call.params[1] === 'string' ? { encoding: call.params[1] } : configAt(call, 1)
    const level = atLeastConfirmed(config)
    const block = readBlock(call, slot, level)
    return block === null ? null : shownBlock(call, block, config)
  },

  getBlocks: (call) => {
    const start = wholeAt(call, 0)
    const hasEnd = typeof call.params[1] === 'number'
    const config = configAt(call, call.params.length > 2 || hasEnd ? 2 : 1)
    const level = atLeastConfirmed(config)
    const bank = bankOf(call, config)
    const end = Math.min(hasEnd ? wholeAt(call, 1) : start + MAX_RANGE, bank.slot)
    if (end < start) return []
    if (end - start > MAX_RANGE) throw invalidParams(`Slot range too large; max ${MAX_RANGE}`)
    return listed(call, start, end, level)
  },

  getBlocksWithLimit: (call) => {
    const start = wholeAt(call, 0)
    const limit = wholeAt(call, 1)
    if (limit > MAX_RANGE) throw invalidParams(`Limit too large; max ${MAX_RANGE}`)
    const config = configAt(call, 2)
    const level = atLeastConfirmed(config)
    return listed(call, start, Math.min(bankOf(call, config).slot, start + 2 * limit + 5_000), level).slice(0, limit)
  },

  getBlockTime: (call) => {
    const block = readBlock(call, wholeAt(call, 0), 'confirmed')
    return block === null ? null : timeOf(block.slot)
  },
}

function signature(value: unknown): string {
  if (typeof value !== 'string') throw invalidParams('Invalid params: invalid type, expected a string.')
  try {
    if (base58.decode(value).length === 64) return value
  } catch {
    // Not base58 at all: the same answer as for another length.
  }
  throw invalidParams('Invalid param: WrongSize')
}

function isWritten({ node }: Call, slot: number): boolean {
  const history = node.history(slot)
  return history === 'own' || history === 'archived'
}

function isIndexed({ node, dice }: Call, wanted: string): boolean {
  if (node.indexes(wanted)) return true
  dice.count('signatureLost')
  return false
}

/** The status cache first, then, where asked, the history of finalized blocks (agave `get_signature_statuses`). */
function statusOf(call: Call, wanted: string, searches: boolean) {
  const { chain, node } = call
  const found = inclusionOf(chain.ledger, wanted, node.processed)
  if (found === undefined) return null
  const isFinal = found.slot <= node.finalized.slot
  const isKept = searches && isFinal && isWritten(call, found.slot) && isIndexed(call, wanted)
  const isKnown = node.remembers(found.slot, wanted) || isKept
  if (!isKnown) return null
  const isConfirmed = inclusionOf(chain.ledger, wanted, node.confirmed) !== undefined
  return {
    slot: found.slot,
    confirmations: isFinal ? null : Math.max(0, node.processed.height - blockAt(chain.ledger, found.slot)!.height),
    status: found.fault === null ? { Ok: null } : { Err: found.fault },
    err: found.fault,
    confirmationStatus: isFinal ? 'finalized' : isConfirmed ? 'confirmed' : 'processed',
  }
}

/** The order of agave `get_block`; a hole and a skipped slot give the same error (solana-labs/solana#14145). */
function readBlock({ chain, node }: Call, slot: number, level: 'confirmed' | 'finalized'): SolanaBlock | null {
  const notAvailable = new RpcFault(-32004, `Block not available for slot ${slot}`)
  if (slot > node.finalized.slot) {
    if (level !== 'confirmed' || slot > node.confirmed.slot || !isOnLine(chain.ledger, slot, node.confirmed))
      throw notAvailable
    if (node.history(slot) === 'late') throw new RpcFault(-32014, `Block status not yet available for slot ${slot}`)
    return blockAt(chain.ledger, slot) ?? null
  }
  const history = node.history(slot)
  if (history === 'late') throw new RpcFault(-32014, `Block status not yet available for slot ${slot}`)
  const isThere = chain.ledger.trunk.has(slot)
  if (isThere && (history === 'own' || history === 'archived')) return blockAt(chain.ledger, slot)!
  if (slot >= node.firstOwn) {
    throw new RpcFault(-32007, `Slot ${slot} was skipped, or missing due to ledger jump to recent snapshot`)
  }
  if (node.hasArchive) throw new RpcFault(-32009, `Slot ${slot} was skipped, or missing in long-term storage`)
  const words = `Block ${slot} cleaned up, does not exist on node. First available block: ${node.firstAvailable}`
  throw new RpcFault(-32001, words)
}

/** Blocks that the node lists without a word about those that it lacks (agave `get_blocks`). */
function listed(call: Call, start: number, end: number, level: 'confirmed' | 'finalized'): number[] {
  const { chain, node } = call
  const first = node.hasArchive ? start : Math.max(start, node.firstOwn)
  const rooted = chain.ledger.trunk.slots(first, Math.min(end, node.finalized.slot)).filter((slot) => {
    const history = node.history(slot)
    return history === 'own' || history === 'archived' || history === 'late'
  })
  if (level === 'finalized') return rooted
  const newest: number[] = []
  for (let slot = Math.max(first, node.finalized.slot + 1); slot <= end; slot++) {
    if (isOnLine(chain.ledger, slot, node.confirmed)) newest.push(slot)
  }
  return [...rooted, ...newest]
}

function shownBlock({ chain }: Call, block: SolanaBlock, config: Config) {
  const details = config.transactionDetails ?? 'full'
  const { blockhash, height, parentSlot, slot, inclusions } = block
  const head = {
    blockHeight: height,
    blockTime: timeOf(slot),
    blockhash,
    parentSlot,
    previousBlockhash: blockAt(chain.ledger, parentSlot)!.blockhash,
    ...(config.rewards !== false && { rewards: [] }),
  }
  if (details === 'none') return head
  if (details === 'signatures') return { ...head, signatures: inclusions.map((each) => each.transaction.signature) }
  if (details !== 'full' && details !== 'accounts') {
    throw invalidParams(`Invalid params: unknown variant \`${String(details)}\`.`)
  }
  checkVersions(inclusions, config)
  return { ...head, transactions: inclusions.map((each) => shownTransaction(each, config)) }
}

function checkVersions(inclusions: readonly Inclusion[], { maxSupportedTransactionVersion }: Config): void {
  if (typeof maxSupportedTransactionVersion === 'number') return
  if (inclusions.every(({ transaction }) => transaction.version === 'legacy')) return
  const advice = 'Please try the request again with the following configuration parameter'
  throw new RpcFault(
    -32015,
    `Transaction version (0) is not supported by the requesting client. ${advice}: "maxSupportedTransactionVersion": 0`,
  )
}

function shownTransaction({ transaction, fault, fee, units, before, after }: Inclusion, config: Config) {
  const raw = Buffer.concat([Buffer.of(transaction.signatures.length), ...transaction.signatures, transaction.message])
  const { encoding = 'json' } = config
  const { signers, readonlySigners, readonlyOthers } = transaction
  const json = () => ({
    signatures: transaction.signatures.map((each) => base58.encode(each)),
    message: {
      accountKeys: transaction.accounts,
      header: {
        numRequiredSignatures: signers,
        numReadonlySignedAccounts: readonlySigners,
        numReadonlyUnsignedAccounts: readonlyOthers,
      },
      recentBlockhash: transaction.blockhash,
      instructions: transaction.instructions.map(({ programIndex, accountIndices, data }) => ({
        programIdIndex: programIndex,
        accounts: accountIndices,
        data: base58.encode(data),
        stackHeight: 1,
      })),
      ...(transaction.version === 0 && { addressTableLookups: [] }),
    },
  })
  return {
    transaction:
      encoding === 'base64'
        ? [raw.toString('base64'), 'base64']
        : encoding === 'base58'
          ? [base58.encode(raw), 'base58']
          : json(),
    meta: {
      err: fault,
      status: fault === null ? { Ok: null } : { Err: fault },
      fee: u64(fee),
      preBalances: before.map(u64),
      postBalances: after.map(u64),
      innerInstructions: [],
      logMessages: [],
      preTokenBalances: [],
      postTokenBalances: [],
      rewards: [],
      loadedAddresses: { writable: [], readonly: [] },
      computeUnitsConsumed: units,
    },
    version: transaction.version,
  }
}

function timeOf(slot: number): number {
  return 1_790_000_000 + Math.floor(slot * 0.4)
}
