import type { EvmTransaction } from './read-transaction.ts'

const U64 = 1n << 64n
const U256 = 1n << 256n

/** What keeps a transaction out of every block, whatever the state of the chain; `undefined` where nothing does. */
export function boundsFault(transaction: EvmTransaction): string | undefined {
  const { nonce, value, gas, maxFeePerGas, tip, accessList } = transaction
  // EIP-2681: an account's nonce ends at 2^64 - 2.
  if (nonce >= U64 - 1n) return 'its nonce is above 2^64 - 2, the last one that an account can use'
  if (gas >= U64) return 'its gas limit does not fit in 64 bits'
  if (value >= U256 || maxFeePerGas >= U256 || tip >= U256) return 'its value or fee does not fit in 256 bits'
  // As go-ethereum does before it looks at the balance (core/state_transition.go, buyGas).
  if (value + gas * maxFeePerGas >= U256) return 'value and fee together do not fit in 256 bits'
  if (maxFeePerGas === 0n) return 'it has no fee; set one before it is signed'
  if (tip > maxFeePerGas) return 'its tip (maxPriorityFeePerGas) is above its fee per gas (maxFeePerGas)'
  if (accessList.some(({ storageKeys }) => storageKeys.some((key) => key.length !== 66))) {
    return 'a storage key of its access list does not have 32 bytes'
  }
  const least = intrinsicGas(transaction)
  return gas < least ? `its gas limit is ${gas}, and its bytes alone take ${least}` : undefined
}

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
