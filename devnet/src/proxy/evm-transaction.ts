import {
  type Hex,
  hexToBytes,
  keccak256,
  parseTransaction,
  recoverTransactionAddress,
  size,
  type TransactionSerialized,
} from 'viem'

/** A signed transaction as a node reads it off the wire. */
export type EvmTransaction = {
  readonly raw: Hex
  readonly hash: Hex
  readonly sender: Hex
  readonly nonce: bigint
  readonly gas: bigint
  readonly value: bigint
  readonly feeCap: bigint
  readonly tip: bigint
  readonly to: Hex | null
  readonly input: Hex
  /** Undefined where the signature holds for every chain. */
  readonly chainId: number | undefined
  readonly bytes: number
  readonly intrinsicGas: bigint
  readonly floorGas: bigint
  readonly type: string
}

/** Reads signed bytes; throws on bytes that are no transaction or carry no valid signature. */
export async function readTransaction(raw: Hex): Promise<EvmTransaction> {
  const serialized = raw as TransactionSerialized
  const fields = parseTransaction(serialized)
  const sender = (await recoverTransactionAddress({ serializedTransaction: serialized as never })).toLowerCase() as Hex
  const price = 'gasPrice' in fields ? fields.gasPrice : undefined
  const input = fields.data ?? '0x'
  return {
    raw,
    hash: keccak256(raw),
    sender,
    nonce: BigInt(fields.nonce ?? 0),
    gas: fields.gas ?? 0n,
    value: fields.value ?? 0n,
    feeCap: price ?? fields.maxFeePerGas ?? 0n,
    tip: price ?? fields.maxPriorityFeePerGas ?? 0n,
    to: fields.to ?? null,
    input,
    chainId: fields.chainId,
    bytes: size(raw),
    type: fields.type ?? 'legacy',
    ...gasOf(input, !fields.to, fields as Lists),
  }
}

/** What the transaction costs at most. */
export function costOf({ gas, feeCap, value }: EvmTransaction): bigint {
  return gas * feeCap + value
}

/** EIP-2028, EIP-2930, EIP-3860, EIP-7702 and, for the floor, EIP-7623. */
function gasOf(input: Hex, creates: boolean, fields: Lists) {
  const data = hexToBytes(input)
  const zeros = data.filter((byte) => byte === 0).length
  const tokens = BigInt(zeros + (data.length - zeros) * 4)
  const list = fields.accessList ?? []
  const keys = list.reduce((sum, { storageKeys }) => sum + storageKeys.length, 0)
  const authorizations = fields.authorizationList?.length ?? 0
  const creation = creates ? 32_000n + 2n * BigInt(Math.ceil(data.length / 32)) : 0n
  const lists = BigInt(list.length * 2_400 + keys * 1_900 + authorizations * 25_000)
  return { intrinsicGas: 21_000n + 4n * tokens + creation + lists, floorGas: 21_000n + 10n * tokens }
}

type Lists = {
  readonly accessList?: readonly { readonly storageKeys: readonly unknown[] }[]
  readonly authorizationList?: readonly unknown[]
}
