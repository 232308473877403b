import { API_VERSION, type RpcMethod, withSlot } from './context.ts'
import { BLOCKHASH_LIFETIME, type Commitment, type TransactionRecord } from './ledger.ts'
import { type Config, checkMinContextSlot, commitmentParam, configParam, textParam, wholeParam } from './params.ts'
import { invalidParams, RpcFault } from './rpc-fault.ts'

/** The methods about the chain itself: slots, blockhashes, health. */
export const chainMethods: Record<string, RpcMethod> = {
  getHealth: () => 'ok',
  getVersion: () => ({ 'feature-set': 0, 'solana-core': API_VERSION }),
  getGenesisHash: ({ ledger }) => ledger.genesisHash,
  getFirstAvailableBlock: ({ ledger }) => ledger.oldest.slot,

  getSlot: ({ ledger }, [config]) => ledger.blockAt(commitmentParam(configParam(config))).slot,
  getBlockHeight: ({ ledger }, [config]) => ledger.blockAt(commitmentParam(configParam(config))).height,

  getEpochInfo: ({ ledger }, [config]) => {
    const { slot, height } = ledger.blockAt(commitmentParam(configParam(config)))
    const { number, slotIndex, slots } = ledger.epoch
    return {
      absoluteSlot: slot,
      blockHeight: height,
      epoch: number,
      slotIndex,
      slotsInEpoch: slots,
      transactionCount: null,
    }
  },

  getLatestBlockhash: (context, [options]) => {
    const config = configParam(options)
    checkMinContextSlot(context, config)
    const { hash, height } = context.ledger.blockAt(commitmentParam(config))
    return withSlot(context, { blockhash: hash, lastValidBlockHeight: height + BLOCKHASH_LIFETIME })
  },

  isBlockhashValid: (context, [hash, config]) => {
    checkMinContextSlot(context, configParam(config))
    return withSlot(context, context.ledger.isBlockhashValid(textParam(hash, 'blockhash')))
  },

  /** Slots of blocks, ends included; at most 500,000 (agave, rpc/src/rpc.rs, MAX_GET_CONFIRMED_BLOCKS_RANGE). */
  getBlocks: ({ ledger }, [first, last, config]) => {
    const start = Number(wholeParam(first, 'start_slot'))
    const commitment = blockCommitment(configParam(typeof last === 'object' ? last : config))
    const newest = ledger.blockAt(commitment).slot
    const end = typeof last === 'object' || last === undefined ? newest : Number(wholeParam(last, 'end_slot'))
    if (end < start) return []
    if (end - start > 500_000) throw invalidParams('Slot range too large; max 500000')
    return ledger.blocksBetween(start, end, commitment).map(({ slot }) => slot)
  },

  getBlock: ({ ledger }, [slot, options]) => {
    const config = configParam(options)
    const commitment = blockCommitment(config)
    const number = Number(wholeParam(slot, 'slot'))
    if (number < ledger.oldest.slot) throw cleanedUp(number, ledger.oldest.slot)
    const found = ledger.blockInSlot(number)
    if (!ledger.hasReached(number, commitment)) throw new RpcFault(-32004, `Block not available for slot ${number}`)
    if (found === undefined)
      throw new RpcFault(-32007, `Slot ${number} was skipped, or missing due to ledger jump to recent snapshot`)
    const { block, parent, transactions } = found
    const { transactionDetails: details = 'full' } = config
    const listed = {
      none: () => ({}),
      signatures: () => ({ signatures: transactions.map(({ signature }) => signature) }),
      accounts: () => ({ transactions: transactions.map(accountsInfo) }),
    }[details as string]
    if (listed === undefined) throw invalidParams(`transactionDetails ${String(details)} is not offered by this node`)
    return {
      blockhash: block.hash,
      previousBlockhash: parent?.hash ?? '11111111111111111111111111111111',
      parentSlot: parent?.slot ?? block.slot - 1,
      blockHeight: block.height,
      blockTime: block.time,
      ...listed(),
    }
  },

  getRecentPrioritizationFees: ({ ledger }) => [{ prioritizationFee: 0, slot: ledger.head.slot }],
}

/** These methods know no `processed` (agave, rpc/src/rpc.rs, check_is_at_least_confirmed). */
function blockCommitment(config: Config): Commitment {
  const commitment = commitmentParam(config)
  if (commitment === 'processed') throw invalidParams('Method does not support commitment below `confirmed`')
  return commitment
}

function cleanedUp(slot: number, first: number): RpcFault {
  return new RpcFault(-32001, `Block ${slot} cleaned up, does not exist on node. First available block: ${first}`)
}

function accountsInfo({ signature, fee, error, touched }: TransactionRecord) {
  return {
    meta: { err: error, fee },
    transaction: { signatures: [signature], accountKeys: touched.addresses.map((pubkey) => ({ pubkey })) },
  }
}
