import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { z } from 'zod'
import type { Account, DraftResult, Signable } from '../chain-adapter.ts'
import { refuse } from '../payment.ts'
import type { RpcResult } from '../rpc-result.ts'
import { decodeEvm } from './decode.ts'
import { askDataFee, type EvmContext } from './draft.ts'
import { deriveEffects } from './effects.ts'
import { gasFor, highestPrice, MAX_GAS, plainFee } from './fee-ceiling.ts'
import { Data, Quantity, toQuantity } from './quantity.ts'
import { type EvmTransaction, readTransaction } from './read-transaction.ts'
import { boundsFault, intrinsicGas } from './transaction-bounds.ts'

/** The plan of a transaction that was made elsewhere: exactly its bytes. */
export const OutsidePlan = z.object({ outside: z.templateLiteral(['0x', z.string()]) })

/** Judges an unsigned transaction (type 0, 1 or 2) that was made elsewhere and would be signed as it is. */
export async function draftOutside(context: EvmContext, text: string, from: Account): Promise<DraftResult> {
  const { network, rpc, headroomPercent } = context
  const raw = text.toLowerCase() as `0x${string}`
  const read = readTransaction(raw)
  if (!read.ok) return read
  const { transaction } = read
  const { chainId, to, value, data, gas, maxFeePerGas } = transaction
  if (chainId === undefined) {
    return refuse('CHAIN_ID_MISMATCH', 'The transaction names no chain, so that any chain would take it.')
  }
  if (chainId !== network.chainId) {
    return refuse(
      'CHAIN_ID_MISMATCH',
      `The transaction is for chain ${chainId}, not ${network.name} (${network.chainId}).`,
    )
  }
  const fault = boundsFault(transaction)
  if (fault !== undefined) return refuse('INVALID_TRANSACTION', `No block can take the transaction: ${fault}.`)
  const length = () => signedLengthOf(transaction)
  const [dataFee, code, price, needed] = await Promise.all([
    askDataFee(context, length),
    rpc.read('eth_getCode', [to ?? from.address, 'latest'], Data),
    context.price(),
    estimateGas(context, transaction, from.address),
  ])
  for (const answer of [dataFee, code, price, needed]) {
    if (!answer.ok) return refuse('CHAIN_ERROR', answer.failure.message)
  }
  if (!dataFee.ok || !code.ok || !price.ok || !needed.ok) throw new Error('unreachable')
  const facts = { network, wallet: from.address, hasCode: () => code.value !== '0x', tokens: new Map() }
  const derived =
    to === null
      ? { ok: true as const, effects: decodeEvm(raw, facts) }
      : await deriveEffects(context, raw, { to, value, data }, from.address, code.value, undefined)
  if (!derived.ok) return derived
  const { ok: _, ...does } = derived
  const maxFee = gas * maxFeePerGas + dataFee.value
  const perGas = highestPrice(price.value, headroomPercent)
  return {
    ok: true,
    draft: {
      ...does,
      maxFee,
      plainFee: plainFee(perGas, dataFee.value, length),
      marketFee: (gasFor(needed.value) ?? MAX_GAS) * perGas + dataFee.value,
      amount: value,
      asset: network.native,
      to: to ?? from.address,
      plan: { outside: raw },
    },
  }
}

/** What the transaction takes now. Where it would fail now: what its bytes alone take, so that no gas is explained by it. */
async function estimateGas({ rpc }: EvmContext, transaction: EvmTransaction, from: string): Promise<RpcResult<bigint>> {
  const { to, value, data, accessList } = transaction
  const call = {
    from,
    ...(to === null ? {} : { to }),
    value: toQuantity(value),
    ...(data === '0x' ? {} : { data }),
    ...(accessList.length === 0 ? {} : { accessList }),
  }
  const estimate = await rpc.read('eth_estimateGas', [call], Quantity)
  if (estimate.ok || estimate.failure.kind === 'unreachable') return estimate
  return { ok: true, value: intrinsicGas(transaction) }
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
      return {
        raw: signed,
        hash: `0x${bytesToHex(keccak_256(signed))}`,
        sequence: nonce,
        validUntil: null,
        origin,
        cost: null,
      }
    },
  }
}
