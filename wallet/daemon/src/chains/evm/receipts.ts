import { deserialize } from 'ox/TxEnvelopeEip1559'
import { z } from 'zod'
import type { BlockRef, Result, SentAttempt } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import { Block } from './line.ts'
import { Quantity } from './quantity.ts'

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

/** What is paid for a transfer that runs no code: it cannot fail once it is in a block. */
const PLAIN_TRANSFER_GAS = 21_000n

/**
 * What became of a transaction in the block that lists it, from its receipt: by its hash, else among those of the
 * block. Without either, a payment that runs no code is known to have taken effect, and its fee follows from the block.
 */
export async function readResult(
  node: NodeReader,
  { hash, raw, from }: SentAttempt,
  block: BlockRef & { baseFee?: bigint | undefined },
): Promise<Result | undefined> {
  const own = (receipt: Receipt | null | undefined) =>
    receipt?.transactionHash.toLowerCase() === hash.toLowerCase() && receipt.blockHash.toLowerCase() === block.hash
  const byHash = await node.read('eth_getTransactionReceipt', [hash], ReadableReceipt)
  let receipt = byHash.ok && own(byHash.value) ? byHash.value : undefined
  if (!receipt) {
    const all = await node.read('eth_getBlockReceipts', [block.hash], z.array(ReadableReceipt).nullish())
    receipt = all.ok ? all.value?.find(own) : undefined
  }
  const price = async () => paidPrice(raw, block.baseFee ?? (await baseFeeOf(node, block)))
  if (receipt) {
    const effective = receipt.effectiveGasPrice ?? (await price())
    if (effective === undefined) return undefined
    const fee = receipt.gasUsed * effective + (receipt.l1Fee ?? 0n)
    return result(receipt.status === 1n, fee)
  }
  if (!(await runsNoCode(node, raw, from, block))) return undefined
  const effective = await price()
  return effective === undefined ? undefined : result(true, PLAIN_TRANSFER_GAS * effective)
}

function result(succeeded: boolean, fee: bigint): Result {
  return { succeeded, fee, message: succeeded ? '' : 'The transaction was included and reverted.' }
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

/** On networks without a fee for data: exactly the gas of a plain transfer, no data, and no code at the recipient. */
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
