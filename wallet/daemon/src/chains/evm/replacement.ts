import { deserialize } from 'ox/TxEnvelopeEip1559'
import type { Replacement, SentAttempt } from '../chain-adapter.ts'
import { askDataFee, type EvmContext } from './draft.ts'
import { envelopeOf, signableOf } from './envelope.ts'
import type { GasPrice } from './fees.ts'
import { Quantity, toQuantity } from './quantity.ts'

/** Nodes want a tenth more on both fees, some an eighth. */
const RAISE_PERMILLE = 1125n

/**
 * The transaction that takes the place of one in the pool: the same nonce, both fees raised by an eighth or to
 * today's price, whichever is more. It is read off the signed bytes themselves, so that it cannot do anything else.
 */
export async function replacementFor(
  context: EvmContext,
  sent: SentAttempt,
  by: 'itself' | 'nothing',
  maxFee: bigint,
): Promise<Replacement> {
  const old = readSigned(sent.raw)
  const to = by === 'itself' ? old.to : (sent.from as `0x${string}`)
  const [value, data] = by === 'itself' ? [old.value, old.data] : [0n, '0x' as const]
  const { rpc } = context
  const call = { from: sent.from, to, value: toQuantity(value) }
  const [price, used, dataFee, gas] = await Promise.all([
    context.price(),
    rpc.read('eth_getTransactionCount', [sent.from, 'latest'], Quantity),
    askDataFee(context, data),
    by === 'itself' ? { ok: true as const, value: old.gas } : rpc.read('eth_estimateGas', [call], Quantity),
  ])
  for (const answer of [price, used, dataFee, gas]) {
    if (!answer.ok) return { kind: 'unknown', message: answer.failure.message }
  }
  if (!price.ok || !used.ok || !dataFee.ok || !gas.ok) throw new Error('unreachable')
  if (used.value > old.nonce) return { kind: 'not needed' }
  if (by === 'itself' && !isTooCheap(old, price.value, used.value === old.nonce)) return { kind: 'not needed' }

  const ceiling = (maxFee - dataFee.value) / gas.value
  const fees = raised(old, price.value, ceiling)
  if (fees === undefined || (by === 'itself' && fees.maxFeePerGas < price.value.baseFee)) {
    return { kind: 'too dear', message: tooDear(price.value.baseFee, ceiling) }
  }
  const envelope = envelopeOf({ to, value, data, gas: gas.value, ...fees }, context.network, old.nonce, fees)
  return { kind: 'signable', signable: signableOf(envelope) }
}

type Version = ReturnType<typeof readSigned>

function readSigned(raw: Uint8Array) {
  const envelope = deserialize(`0x${Buffer.from(raw).toString('hex')}` as `0x02${string}`)
  const {
    to,
    nonce = 0n,
    value = 0n,
    data = '0x' as const,
    gas,
    maxFeePerGas,
    maxPriorityFeePerGas: tip = 0n,
  } = envelope
  if (to == null || gas === undefined || maxFeePerGas === undefined) throw new Error('not bytes that were signed here')
  return { to, nonce, value, data, gas, maxFeePerGas, tip }
}

/** No block takes it at today's base fee; or it is the account's next one and tips less than is usual now. */
function isTooCheap({ maxFeePerGas, tip }: Version, price: GasPrice, isNext: boolean): boolean {
  if (maxFeePerGas < price.baseFee) return true
  const room = maxFeePerGas - price.baseFee
  return isNext && (tip < room ? tip : room) < price.tip
}

/** Both fees high enough to be taken instead of the old ones; `undefined` where the ceiling is in the way. */
function raised(old: Version, price: GasPrice, ceiling: bigint): { maxFeePerGas: bigint; tip: bigint } | undefined {
  const least = { maxFeePerGas: raise(old.maxFeePerGas), tip: raise(old.tip) }
  const wanted = least.maxFeePerGas > price.maxFeePerGas ? least.maxFeePerGas : price.maxFeePerGas
  const maxFeePerGas = wanted < ceiling ? wanted : ceiling
  if (maxFeePerGas < least.maxFeePerGas || maxFeePerGas < least.tip) return undefined
  const tip = least.tip > price.tip ? least.tip : price.tip
  return { maxFeePerGas, tip: tip < maxFeePerGas ? tip : maxFeePerGas }
}

function raise(fee: bigint): bigint {
  const higher = (fee * RAISE_PERMILLE + 999n) / 1000n
  return higher > fee ? higher : fee + 1n
}

function tooDear(baseFee: bigint, ceiling: bigint): string {
  return `The network takes ${baseFee} wei per gas now, and the fee that was allowed pays for at most ${ceiling}: too little to replace the transaction. It goes through when the network is cheaper.`
}
