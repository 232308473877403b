import type { EvmTransaction } from './read-transaction.ts'

/**
 * The gas that a transaction takes before anything runs (EIP-2028, EIP-2930, EIP-3860). EIP-7623 asks more of long
 * data on networks that have it.
 */
export function intrinsicGas({ to, data, accessList }: Pick<EvmTransaction, 'to' | 'data' | 'accessList'>): bigint {
  const bytes = Buffer.from(data.slice(2), 'hex')
  const nonZero = bytes.filter((byte) => byte !== 0).length
  const keys = accessList.reduce((sum, { storageKeys }) => sum + storageKeys.length, 0)
  const creation = to === null ? 32_000 + 2 * Math.ceil(bytes.length / 32) : 0
  return BigInt(
    21_000 + 4 * (bytes.length - nonZero) + 16 * nonZero + 2_400 * accessList.length + 1_900 * keys + creation,
  )
}
