import type { RpcContext, RpcMethod } from './context.ts'
import { commitmentParam, configParam, wholeParam } from './params.ts'
import { invalidParams, RpcFault } from './rpc-fault.ts'
import { encodeTransaction } from './transaction-info.ts'

/** The methods that list and show blocks. */
export const blockMethods: Record<string, RpcMethod> = {
  getBlock: (context, [slotParam, options]) => {
    const config = typeof options === 'string' ? { encoding: options } : configParam(options)
    const { block, parent, signatures } = blockOf(context, Number(wholeParam(slotParam, 'slot')), commitmentOf(config))
    const details = config.transactionDetails ?? 'full'
    const shown = {
      blockHeight: block.height,
      blockTime: block.time,
      blockhash: block.hash,
      parentSlot: parent.slot,
      previousBlockhash: parent.hash,
      ...(config.rewards === false ? {} : { rewards: [] }),
    }
    if (details === 'none') return shown
    if (details === 'signatures') return { ...shown, signatures }
    if (details !== 'full') throw invalidParams('transactionDetails must be full, signatures or none here')
    const records = signatures.flatMap((signature) => context.ledger.transaction(signature) ?? [])
    const transactions = records.map((record) => {
      const {
        slot: _,
        blockTime: __,
        ...transaction
      } = encodeTransaction(record, config, (mint) => context.vm.account(mint))
      return transaction
    })
    return { ...shown, transactions }
  },

  getBlocks: ({ ledger }, [start, second, third]) => {
    const hasEnd = typeof second === 'number' || typeof second === 'bigint'
    const from = Number(wholeParam(start, 'start slot'))
    const to = hasEnd ? Number(wholeParam(second, 'end slot')) : from + MAX_RANGE
    if (to - from > MAX_RANGE) throw invalidParams(`Slot range too large; max ${MAX_RANGE}`)
    return ledger.slotsBetween(from, to, commitmentOf(configParam(hasEnd ? third : (second ?? third))))
  },

  getBlocksWithLimit: ({ ledger }, [start, limit, options]) => {
    const count = Number(wholeParam(limit, 'limit'))
    if (count > MAX_RANGE) throw invalidParams(`Limit too large; max ${MAX_RANGE}`)
    const from = Number(wholeParam(start, 'start slot'))
    return ledger.slotsBetween(from, Number.MAX_SAFE_INTEGER, commitmentOf(configParam(options))).slice(0, count)
  },

  getBlockTime: (context, [slot]) => blockOf(context, Number(wholeParam(slot, 'slot')), 'confirmed').block.time,
}

/** Slots that one call may list. */
const MAX_RANGE = 500_000

function commitmentOf(config: Parameters<typeof commitmentParam>[0]) {
  const commitment = commitmentParam(config)
  if (commitment === 'processed') throw invalidParams('Method does not support commitment below `confirmed`')
  return commitment
}

/** The errors are those of agave: rpc/src/rpc.rs check_blockstore_root, check_slot_cleaned_up. */
function blockOf({ ledger }: RpcContext, slot: number, commitment: 'confirmed' | 'finalized') {
  const { firstAvailable } = ledger
  if (slot < firstAvailable) {
    const message = `Block ${slot} cleaned up, does not exist on node. First available block: ${firstAvailable}`
    throw new RpcFault(-32001, message)
  }
  if (!ledger.hasReached(slot, commitment)) throw new RpcFault(-32004, `Block not available for slot ${slot}`)
  const block = ledger.listedBlock(slot)
  if (block) return block
  throw new RpcFault(-32007, `Slot ${slot} was skipped, or missing due to ledger jump to recent snapshot`)
}
