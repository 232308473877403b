import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Network } from '@waiaas/core'
import { serialize } from 'ox/TxEnvelopeEip1559'
import { z } from 'zod'
import type { Signable } from '../chain-adapter.ts'
import type { GasPrice } from './fees.ts'

const Digits = z.string().regex(/^\d+$/).transform(BigInt)
const Hex = z.templateLiteral(['0x', z.string()])

/** What of a draft is needed to build its bytes. All numbers in base units, as digits. */
export const EvmPlan = z.object({
  to: Hex,
  value: Digits,
  data: Hex,
  gas: Digits,
  maxFeePerGas: Digits,
  /** What a rollup may charge for the data beside the gas. Older databases have plans without it. */
  dataFee: Digits.prefault('0'),
})
export type EvmPlan = z.output<typeof EvmPlan>

export type Envelope = ReturnType<typeof envelopeOf>

/** The unsigned EIP-1559 transaction, at today's price and never above the plan's. */
export function envelopeOf(
  plan: Omit<EvmPlan, 'dataFee'>,
  network: Network,
  nonce: bigint,
  price: Pick<GasPrice, 'tip' | 'maxFeePerGas'>,
) {
  const maxFeePerGas = price.maxFeePerGas < plan.maxFeePerGas ? price.maxFeePerGas : plan.maxFeePerGas
  return {
    type: 'eip1559' as const,
    chainId: network.chainId!,
    nonce,
    to: plan.to,
    value: plan.value,
    data: plan.data,
    gas: plan.gas,
    maxFeePerGas,
    maxPriorityFeePerGas: price.tip < maxFeePerGas ? price.tip : maxFeePerGas,
  }
}

const WIDEST = { nonce: (1n << 64n) - 1n, gas: (1n << 64n) - 1n, fee: (1n << 128n) - 1n }
const widestSignature = { r: (1n << 256n) - 1n, s: (1n << 256n) - 1n, yParity: 1 }

/** The most bytes that a call can have as a signed transaction, whatever nonce, gas and fee it gets. */
export function signedLength(call: Pick<EvmPlan, 'to' | 'value' | 'data'>, network: Network): bigint {
  const { nonce, gas, fee } = WIDEST
  const envelope = envelopeOf({ ...call, gas, maxFeePerGas: fee }, network, nonce, { maxFeePerGas: fee, tip: fee })
  return BigInt(serialize(envelope, { signature: widestSignature }).length / 2 - 1)
}

export function serializeEnvelope(envelope: Envelope): `0x02${string}` {
  return serialize(envelope)
}

/**
 * The bytes to sign, and how 65 bytes of signature (r, s, yParity) make the transaction.
 *
 * @param dataFee what a rollup may charge for the data: the account has to have it, like the gas.
 * @param origin the newest final block, where one is known.
 */
export function signableOf(envelope: Envelope, dataFee: bigint, origin: bigint | null): Signable {
  return {
    bytes: toBytes(serialize(envelope)),
    finish: (signature) => {
      const [r, s] = [toBigInt(signature.subarray(0, 32)), toBigInt(signature.subarray(32, 64))]
      const raw = toBytes(serialize(envelope, { signature: { r, s, yParity: signature[64]! } }))
      const cost = envelope.value + envelope.gas * envelope.maxFeePerGas + dataFee
      return { raw, hash: `0x${bytesToHex(keccak_256(raw))}`, sequence: envelope.nonce, validUntil: null, origin, cost }
    },
  }
}

function toBytes(hex: string): Uint8Array {
  return Buffer.from(hex.slice(2), 'hex')
}

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytesToHex(bytes)}`)
}
