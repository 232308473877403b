import { API_VERSION, type RpcMethod, withSlot } from './context.ts'
import { BLOCKHASH_LIFETIME } from './ledger.ts'
import { checkMinContextSlot, commitmentParam, configParam, textParam } from './params.ts'

/** The methods about the chain itself: slots, blockhashes, health. */
export const chainMethods: Record<string, RpcMethod> = {
  getHealth: () => 'ok',
  getVersion: () => ({ 'feature-set': 0, 'solana-core': API_VERSION }),
  getGenesisHash: ({ ledger }) => ledger.genesisHash,
  getFirstAvailableBlock: ({ ledger }) => ledger.firstAvailable,
  minimumLedgerSlot: ({ ledger }) => ledger.firstAvailable,

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

  getRecentPrioritizationFees: ({ ledger }) => [{ prioritizationFee: 0, slot: ledger.head.slot }],
}
