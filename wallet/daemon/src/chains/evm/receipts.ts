import { deserialize } from 'ox/TxEnvelopeEip1559'
import { z } from 'zod'
import type { BlockRef, Result, SentAttempt } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import { askDataFee } from './draft.ts'
import type { EvmTraits } from './evm-traits.ts'
import { PLAIN_TRANSFER_GAS } from './fee-ceiling.ts'
import { Block } from './line.ts'
import { Quantity } from './quantity.ts'
import { feeTermsOf } from './read-transaction.ts'

const Receipt = z.object({
  transactionHash: z.string(),
  blockHash: z.string(),
  status: Quantity,
  gasUsed: Quantity,
  effectiveGasPrice: Quantity.nullish().catch(undefined),
  l1Fee: Quantity.nullish().catch(undefined),
})
type Receipt = z.output<typeof Receipt>
/** One that cannot be read is none. */
const ReadableReceipt = Receipt.nullish().catch(undefined)

/**
 * What became of a transaction in the block that lists it, from its receipt: by its hash, else among those of the
 * block. One that tells of a higher fee than the signed bytes allow is none: nodes tell the gas of the whole block
 * (erigon#3160, go-ten#2311). Without a receipt, a payment that runs no code is known to have taken effect, and its
 * fee follows from the block.
 */
export async function readResult(
  node: NodeReader,
  traits: Pick<EvmTraits, 'l1FeeOracle'>,
  { hash, raw, from }: SentAttempt,
  block: BlockRef & { baseFee?: bigint | undefined },
): Promise<Result | undefined> {
  const own = (receipt: Receipt | null | undefined) =>
    receipt?.transactionHash.toLowerCase() === hash.toLowerCase() && receipt.blockHash.toLowerCase() === block.hash
  const price = async () => paidPrice(raw, block.baseFee ?? (await baseFeeOf(node, block)))
  const resultBy = async (receipt: Receipt | null | undefined) => {
    if (!receipt || !own(receipt)) return undefined
    const { status, gasUsed, effectiveGasPrice, l1Fee } = receipt
    const effective = effectiveGasPrice ?? (await price())
    if (effective === undefined) return undefined
    const terms = feeTermsOf(raw)
    if (terms === undefined || gasUsed > terms.gas || effective > terms.maxFeePerGas) return undefined
    const dataFee = l1Fee ?? 0n
    if (dataFee > 0n && dataFee > (await highestDataFee(node, traits, raw, block))) return undefined
    return result(status === 1n, gasUsed * effective + dataFee)
  }
  const byHash = await node.read('eth_getTransactionReceipt', [hash], ReadableReceipt)
  const resultByHash = byHash.ok ? await resultBy(byHash.value) : undefined
  if (resultByHash !== undefined) return resultByHash
  const all = await node.read('eth_getBlockReceipts', [block.hash], z.array(ReadableReceipt).nullish())
  const resultAmongAll = all.ok ? await resultBy(all.value?.find(own)) : undefined
  if (resultAmongAll !== undefined) return resultAmongAll
  // What a rollup took for the data is in its receipt only.
  if (traits.l1FeeOracle !== undefined || !(await runsNoCode(node, raw, from, block))) return undefined
  const effective = await price()
  return effective === undefined ? undefined : result(true, PLAIN_TRANSFER_GAS * effective)
}

function result(succeeded: boolean, fee: bigint): Result {
  return { succeeded, fee, message: succeeded ? '' : 'The transaction was included and reverted.' }
}

/** How much dearer the data may have been in an old block than it is now. */
const DEARER = 100n

/** The most that a rollup can have charged for the data of a transaction, by its oracle in that block, else now. */
async function highestDataFee(
  node: NodeReader,
  traits: Pick<EvmTraits, 'l1FeeOracle'>,
  raw: Uint8Array,
  { hash }: BlockRef,
): Promise<bigint> {
  const context = { rpc: node, traits }
  const there = await askDataFee(context, () => BigInt(raw.length), { blockHash: hash })
  if (there.ok) return there.value
  const now = await askDataFee(context, () => BigInt(raw.length))
  return now.ok ? DEARER * now.value : 0n
}

async function baseFeeOf(node: NodeReader, { hash }: BlockRef): Promise<bigint | undefined> {
  const answer = await node.read('eth_getBlockByHash', [hash, false], Block.nullable())
  return answer.ok && answer.value?.hash === hash ? (answer.value.baseFeePerGas ?? 0n) : undefined
}

/** What one gas cost in a block with this base fee (EIP-1559). */
function paidPrice(raw: Uint8Array, baseFee: bigint | undefined): bigint | undefined {
  const signed = readEip1559(raw)
  if (signed === undefined || baseFee === undefined) return undefined
  const { maxFeePerGas = 0n, maxPriorityFeePerGas: tip = 0n } = signed
  return maxFeePerGas < baseFee + tip ? maxFeePerGas : baseFee + tip
}

/** A payment that cannot fail once it is in a block: the gas of a plain transfer, no data, and no code at the recipient. */
async function runsNoCode(node: NodeReader, raw: Uint8Array, from: string, { hash }: BlockRef): Promise<boolean> {
  const signed = readEip1559(raw)
  if (signed?.to == null || signed.gas !== PLAIN_TRANSFER_GAS || (signed.data ?? '0x') !== '0x') return false
  if (signed.to.toLowerCase() === from.toLowerCase()) return true
  const code = await node.read('eth_getCode', [signed.to, { blockHash: hash }], z.string())
  return code.ok && code.value === '0x'
}

function readEip1559(raw: Uint8Array) {
  if (raw[0] !== 2) return undefined
  return deserialize(`0x${Buffer.from(raw).toString('hex')}` as `0x02${string}`)
}
