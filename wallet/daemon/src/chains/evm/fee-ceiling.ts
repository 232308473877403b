import type { GasPrice } from './fees.ts'

export const PLAIN_TRANSFER_GAS = 21_000n
/** No transaction may use more (EIP-7825). */
export const MAX_GAS = 1n << 24n
/** No signed plain payment is longer. */
const PLAIN_TRANSFER_BYTES = 200n

/** The most per gas that the daemon sets at this price, with room to replace the transaction later. */
export function highestPrice({ maxFeePerGas }: Pick<GasPrice, 'maxFeePerGas'>, headroomPercent: bigint): bigint {
  return maxFeePerGas + (maxFeePerGas * headroomPercent) / 100n
}

/** With room for a state that changes until the transaction is in a block; a plain payment needs none. */
export function gasFor(estimate: bigint): bigint | undefined {
  if (estimate === PLAIN_TRANSFER_GAS) return estimate
  if (estimate > MAX_GAS) return undefined
  const roomy = (estimate * 12n) / 10n
  return roomy < MAX_GAS ? roomy : MAX_GAS
}

/** What closes a transaction in its place is a plain payment, which pays at least an eighth more per gas, perhaps twice. */
const TO_CLOSE = { times: 5n, per: 4n }

/** A fee with room for what closes the transaction, where that costs more. */
export function roomToClose(fee: bigint, maxFeePerGas: bigint): bigint {
  const closing = (PLAIN_TRANSFER_GAS * maxFeePerGas * TO_CLOSE.times) / TO_CLOSE.per
  return fee > closing ? fee : closing
}

/** The most that a version may pay per gas, so that what closes it still fits into this fee. */
export function highestWithRoomToClose(maxFee: bigint): bigint {
  return (maxFee * TO_CLOSE.per) / (TO_CLOSE.times * PLAIN_TRANSFER_GAS)
}

/** What a plain payment costs at most, beside a transaction of this length that pays this for its data. */
export function plainFee(perGas: bigint, dataFee: bigint, lengthOf: () => bigint): bigint {
  if (dataFee === 0n) return PLAIN_TRANSFER_GAS * perGas
  const length = lengthOf()
  const dataShare = length > PLAIN_TRANSFER_BYTES ? (dataFee * PLAIN_TRANSFER_BYTES) / length : dataFee
  return PLAIN_TRANSFER_GAS * perGas + dataShare
}
