import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { z } from 'zod'
import type { Account, DraftResult, Signable } from '../chain-adapter.ts'
import { refuse } from '../payment.ts'
import { decodeEvm } from './decode.ts'
import { askDataFee, type EvmContext } from './draft.ts'
import { deriveEffects } from './effects.ts'
import { Data } from './quantity.ts'
import { type EvmTransaction, readTransaction } from './read-transaction.ts'

/** The plan of a transaction that was made elsewhere: exactly its bytes. */
export const OutsidePlan = z.object({ outside: z.templateLiteral(['0x', z.string()]) })

const LEAST_GAS = 21_000n

/** Judges an unsigned transaction (type 0, 1 or 2) that was made elsewhere and would be signed as it is. */
export async function draftOutside(context: EvmContext, text: string, from: Account): Promise<DraftResult> {
  const { network, rpc } = context
  const raw = text.toLowerCase() as `0x${string}`
  const read = readTransaction(raw)
  if (!read.ok) return read
  const { chainId, to, value, data, gas, maxFeePerGas } = read.transaction
  if (chainId === undefined) {
    return refuse('CHAIN_ID_MISMATCH', 'The transaction names no chain, so that any chain would take it.')
  }
  if (chainId !== network.chainId) {
    return refuse(
      'CHAIN_ID_MISMATCH',
      `The transaction is for chain ${chainId}, not ${network.name} (${network.chainId}).`,
    )
  }
  if (gas < LEAST_GAS || maxFeePerGas === 0n) {
    return refuse('INVALID_TRANSACTION', 'The transaction has no gas limit or no fee; set both before it is signed.')
  }
  const [dataFee, code] = await Promise.all([
    askDataFee(context, signedLengthOf(read.transaction)),
    rpc.read('eth_getCode', [to ?? from.address, 'latest'], Data),
  ])
  if (!dataFee.ok) return refuse('CHAIN_ERROR', dataFee.failure.message)
  if (!code.ok) return refuse('CHAIN_ERROR', code.failure.message)
  const hasCode = code.value !== '0x'
  const facts = { network, wallet: from.address, hasCode: () => hasCode, tokens: new Map() }
  const derived =
    to === null
      ? { ok: true as const, effects: decodeEvm(raw, facts) }
      : await deriveEffects(context, raw, { to, value, data }, from.address, hasCode, undefined)
  if (!derived.ok) return derived
  const { ok: _, ...does } = derived
  const maxFee = gas * maxFeePerGas + dataFee.value
  const plan = { outside: raw }
  return { ok: true, draft: { ...does, maxFee, amount: value, asset: network.native, to: to ?? from.address, plan } }
}

const WIDEST = (1n << 256n) - 1n

function signedLengthOf({ withSignature }: EvmTransaction): bigint {
  return BigInt(withSignature({ r: WIDEST, s: WIDEST, yParity: 1 }).length / 2 - 1)
}

/** The bytes of the transaction as they are, and the same with the signature. */
export function outsideSignable(raw: `0x${string}`, origin: bigint | null): Signable {
  const read = readTransaction(raw)
  if (!read.ok) throw new Error(`a transaction that was judged cannot be read: ${read.message}`)
  const { nonce, withSignature } = read.transaction
  return {
    bytes: Buffer.from(raw.slice(2), 'hex'),
    finish: (signature) => {
      const [r, s] = [signature.subarray(0, 32), signature.subarray(32, 64)].map((half) =>
        BigInt(`0x${bytesToHex(half)}`),
      )
      const signed = Buffer.from(withSignature({ r: r!, s: s!, yParity: signature[64]! }).slice(2), 'hex')
      return { raw: signed, hash: `0x${bytesToHex(keccak_256(signed))}`, sequence: nonce, validUntil: null, origin }
    },
  }
}
