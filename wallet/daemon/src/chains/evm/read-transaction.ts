import { bytesToHex } from '@noble/hashes/utils.js'
import * as Eip1559 from 'ox/TxEnvelopeEip1559'
import * as Eip2930 from 'ox/TxEnvelopeEip2930'
import * as Legacy from 'ox/TxEnvelopeLegacy'
import { type Refusal, refuse } from '../payment.ts'

/** An unsigned transaction, as far as it matters what it does and costs. */
export type EvmTransaction = {
  /** Absent in transactions that any chain would take. */
  chainId: number | undefined
  nonce: bigint
  to: `0x${string}` | null
  value: bigint
  data: `0x${string}`
  gas: bigint
  /** The most that is paid for one gas. */
  maxFeePerGas: bigint
  /** The most that goes to who makes the block; of transactions with one price, all of it. */
  tip: bigint
  accessList: readonly { address: string; storageKeys: readonly string[] }[]
  /** The same transaction with a signature. */
  withSignature: (signature: { r: bigint; s: bigint; yParity: number }) => `0x${string}`
}

const formats = [
  { prefix: /^0x02/i, format: Eip1559 },
  { prefix: /^0x01/i, format: Eip2930 },
  { prefix: /^0x[c-f]/i, format: Legacy },
] as const

/** One unsigned transaction of type 0, 1 or 2, in exactly the bytes that would be signed. */
export function readTransaction(raw: string): { ok: true; transaction: EvmTransaction } | Refusal {
  const found = formats.find(({ prefix }) => prefix.test(raw))
  if (found === undefined) {
    const typed = /^0x0[0-9a-f]/i.test(raw)
    return typed
      ? refuse('UNSUPPORTED_TX_TYPE', `Transactions of type ${raw.slice(0, 4)} are not signed.`)
      : refuse('INVALID_TRANSACTION', 'This is no serialized EVM transaction.')
  }
  const envelope = parse(found.format, raw)
  if (envelope === undefined) return refuse('INVALID_TRANSACTION', 'This is no serialized EVM transaction.')
  if (envelope.r !== undefined) return refuse('INVALID_TRANSACTION', 'The transaction is signed already.')
  const price = priceOf(envelope)
  return {
    ok: true,
    transaction: {
      chainId: envelope.chainId,
      nonce: envelope.nonce ?? 0n,
      to: envelope.to ?? null,
      value: envelope.value ?? 0n,
      data: envelope.data ?? '0x',
      gas: envelope.gas ?? 0n,
      maxFeePerGas: price ?? 0n,
      tip: envelope.maxPriorityFeePerGas ?? ('maxFeePerGas' in envelope ? 0n : (price ?? 0n)),
      accessList: envelope.accessList ?? [],
      withSignature: (signature) => found.format.serialize(envelope as never, { signature } as never),
    },
  }
}

/** The most gas that a signed transaction may use, and the most that it pays for one; undefined where it cannot be read. */
export function feeTermsOf(signed: Uint8Array): { gas: bigint; maxFeePerGas: bigint } | undefined {
  const raw = `0x${bytesToHex(signed)}`
  const found = formats.find(({ prefix }) => prefix.test(raw))
  const envelope = found && parse(found.format, raw)
  const price = envelope && priceOf(envelope)
  return envelope?.gas === undefined || price === undefined ? undefined : { gas: envelope.gas, maxFeePerGas: price }
}

function priceOf(envelope: AnyEnvelope): bigint | undefined {
  return 'maxFeePerGas' in envelope ? envelope.maxFeePerGas : (envelope as { gasPrice?: bigint }).gasPrice
}

type AnyEnvelope = Partial<Omit<Eip1559.TxEnvelopeEip1559, 'type'>>

/** `undefined` for bytes that are not exactly one transaction in its only encoding. */
function parse(format: (typeof formats)[number]['format'], raw: string): AnyEnvelope | undefined {
  try {
    const envelope = format.deserialize(raw as never)
    return format.serialize(envelope as never).toLowerCase() === raw.toLowerCase()
      ? (envelope as AnyEnvelope)
      : undefined
  } catch {
    return undefined
  }
}
