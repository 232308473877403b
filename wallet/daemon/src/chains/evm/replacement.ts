import { deserialize } from 'ox/TxEnvelopeEip1559'
import type { Replacement, ReplacementWanted } from '../chain-adapter.ts'
import { askDataFee, type EvmContext } from './draft.ts'
import { envelopeOf, signableOf, signedLength } from './envelope.ts'
import { highestWithRoomToClose } from './fee-ceiling.ts'
import type { GasPrice } from './fees.ts'
import { Quantity, toQuantity } from './quantity.ts'

/** Nodes want a tenth more on both fees, some an eighth. */
const RAISE_PERMILLE = 1125n

type Fees = { maxFeePerGas: bigint; tip: bigint }

/**
 * A transaction under the nonce of others that are out, which does what they do, or nothing. It is read off the signed
 * bytes themselves, so that it cannot do anything else. Both fees are an eighth above the highest of all versions,
 * or today's price, whichever is more; where a node lets no transaction cost so much, they are as high as it takes.
 */
export async function replacementFor(
  context: EvmContext,
  { versions, by, maxFee, wants = {} }: ReplacementWanted,
): Promise<Replacement> {
  const signed = versions.map(({ raw }) => readSigned(raw))
  const newest = signed.at(-1)!
  const { from } = versions[0]!
  const to = by === 'itself' ? newest.to : (from as `0x${string}`)
  const [value, data] = by === 'itself' ? [newest.value, newest.data] : [0n, '0x' as const]
  const { rpc } = context
  const call = { from, to, value: toQuantity(value) }
  const [price, dataFee, gas, funds] = await Promise.all([
    context.price(),
    askDataFee(context, () => signedLength({ to, value, data }, context.network)),
    by === 'itself' ? { ok: true as const, value: newest.gas } : rpc.read('eth_estimateGas', [call], Quantity),
    context.funds.newest(from),
  ])
  for (const answer of [price, dataFee, gas, funds]) {
    if (!answer.ok) return { kind: 'unknown', message: answer.failure.message }
  }
  if (!price.ok || !dataFee.ok || !gas.ok || !funds.ok) throw new Error('unreachable')
  const { balance, count } = funds.value
  if (count > newest.nonce) return { kind: 'not needed' }
  const isNext = count === newest.nonce
  const isThere = by === 'itself' || isNothing(newest, from)
  if (isThere && !wants.mostFee && !isTooCheap(newest, price.value, isNext, wants)) return { kind: 'not needed' }

  const room = maxFee - dataFee.value
  const ceiling = by === 'itself' ? min(room / gas.value, highestWithRoomToClose(room)) : room / gas.value
  const higher = raised(signed, price.value, wants, ceiling)
  const cap = wants.mostFee === undefined ? undefined : wants.mostFee / gas.value
  const fees = cap === undefined || higher.maxFeePerGas <= cap ? higher : capped(cap, newest)
  // What no block takes today is not signed; what to allow has room for a price that moves.
  const isTooLow = fees.maxFeePerGas < price.value.baseFee
  const least = isTooLow ? max(fees.maxFeePerGas + 1n, price.value.maxFeePerGas) : fees.maxFeePerGas
  const most = isTooLow ? min(ceiling, fees.maxFeePerGas) : ceiling
  if (least > most)
    return {
      kind: 'too dear',
      of: 'fee',
      lacks: (least - most) * gas.value,
      message: `A replacement has to offer ${least} wei per gas, and the fee that was allowed pays for ${most > 0n ? most : 0n}.`,
    }
  const missing = value + fees.maxFeePerGas * gas.value + dataFee.value - balance
  if (missing > 0n)
    return {
      kind: 'too dear',
      of: 'coins',
      lacks: missing,
      message: `The wallet lacks ${missing} wei for a higher fee.`,
    }
  const envelope = envelopeOf({ to, value, data, gas: gas.value, ...fees }, context.network, newest.nonce, fees)
  return { kind: 'signable', signable: signableOf(envelope, dataFee.value, await context.finalNumber()) }
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

/** Whether a version is one that does nothing, and so ends the row. */
function isNothing({ to, value, data }: Version, from: string): boolean {
  return value === 0n && data === '0x' && to.toLowerCase() === from.toLowerCase()
}

/** A node said so; no block takes it at today's base fee; or it is the account's next one and tips less than is usual now. */
function isTooCheap(
  { maxFeePerGas, tip }: Version,
  price: GasPrice,
  isNext: boolean,
  wants: NonNullable<ReplacementWanted['wants']>,
): boolean {
  if (wants.more || (wants.leastTip ?? 0n) > tip || maxFeePerGas < price.baseFee) return true
  const room = maxFeePerGas - price.baseFee
  return isNext && (tip < room ? tip : room) < price.tip
}

/** Both fees high enough to be taken instead of every version there is; today's price as far as the ceiling allows. */
function raised(
  versions: readonly Version[],
  price: GasPrice,
  wants: NonNullable<ReplacementWanted['wants']>,
  ceiling: bigint,
): Fees {
  const highest = (fee: 'maxFeePerGas' | 'tip') => raise(versions.reduce((most, each) => max(most, each[fee]), 0n))
  const leastTip = max(highest('tip'), wants.leastTip ?? 0n)
  const least = max(highest('maxFeePerGas'), leastTip)
  const wanted = max(least, max(price.maxFeePerGas, price.baseFee + leastTip))
  const maxFeePerGas = wanted <= ceiling ? wanted : max(least, ceiling)
  const tip = max(leastTip, price.tip)
  return { maxFeePerGas, tip: tip < maxFeePerGas ? tip : maxFeePerGas }
}

function capped(maxFeePerGas: bigint, { tip }: Version): Fees {
  return { maxFeePerGas, tip: tip < maxFeePerGas ? tip : maxFeePerGas }
}

function raise(fee: bigint): bigint {
  const higher = (fee * RAISE_PERMILLE + 999n) / 1000n
  return higher > fee ? higher : fee + 1n
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
