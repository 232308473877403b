import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Network, TransactionRequest } from '@waiaas/core'
import type { Account, DraftResult } from '../chain-adapter.ts'
import type { RpcClient, RpcResult } from '../json-rpc.ts'
import { checkBalance, type Refusal } from '../payment.ts'
import { decodeEvm } from './decode.ts'
import { type EvmPlan, envelopeOf, serializeEnvelope } from './envelope.ts'
import type { EvmTraits } from './evm-traits.ts'
import type { GasPrice } from './fees.ts'
import { readEstimateFailure } from './node-errors.ts'
import { Data, Quantity, toQuantity } from './quantity.ts'
import { type EvmCall, transferCall } from './transfer.ts'

export type EvmContext = {
  network: Network
  traits: EvmTraits
  rpc: RpcClient
  price: () => Promise<RpcResult<GasPrice>>
}

/** One way to a call per kind of request. */
const calls: Record<TransactionRequest['type'], (request: TransactionRequest, network: Network) => EvmCall | Refusal> =
  { TRANSFER: transferCall }

const PLAIN_TRANSFER_GAS = 21_000n

export async function draftEvm(context: EvmContext, request: TransactionRequest, from: Account): Promise<DraftResult> {
  const { network, rpc } = context
  const call = calls[request.type](request, network)
  if (!call.ok) return call
  const [balance, code, price, estimate, dataFee] = await Promise.all([
    rpc.read('eth_getBalance', [from.address, 'latest'], Quantity),
    rpc.read('eth_getCode', [call.to, 'latest'], Data),
    context.price(),
    rpc.read('eth_estimateGas', [{ from: from.address, to: call.to, value: toQuantity(call.value) }], Quantity),
    askDataFee(context),
  ])
  for (const answer of [balance, code, price, dataFee]) if (!answer.ok) return chainError(answer.failure.message)
  if (!balance.ok || !code.ok || !price.ok || !dataFee.ok) throw new Error('unreachable')
  const short = checkBalance(balance.value, call.value, 0n, network)
  if (short !== undefined) return short
  if (!estimate.ok) return readEstimateFailure(estimate.failure)

  const gas = estimate.value === PLAIN_TRANSFER_GAS ? estimate.value : (estimate.value * 12n) / 10n
  const { maxFeePerGas } = price.value
  const maxFee = gas * maxFeePerGas + dataFee.value
  const shortOfFee = checkBalance(balance.value, call.value, maxFee, network)
  if (shortOfFee !== undefined) return shortOfFee
  const plan: EvmPlan = { to: call.to, value: call.value, data: call.data, gas, maxFeePerGas }
  const built = serializeEnvelope(envelopeOf(plan, network, 0n, price.value))
  return {
    ok: true,
    draft: {
      effects: decodeEvm(built, network, () => code.value !== '0x'),
      maxFee,
      amount: call.amount,
      asset: network.native,
      to: call.to,
      plan: {
        to: plan.to,
        value: String(plan.value),
        data: plan.data,
        gas: String(plan.gas),
        maxFeePerGas: String(plan.maxFeePerGas),
      },
    },
  }
}

const ORACLE_SELECTOR = `0x${bytesToHex(keccak_256(utf8ToBytes('getL1FeeUpperBound(uint256)'))).slice(0, 8)}`
/** Longer than any signed transfer. */
const TRANSFER_BYTES = 160n

/** What a rollup may charge for data: twice what its oracle says now, since nothing in the bytes limits it. */
async function askDataFee({ rpc, traits }: EvmContext): Promise<RpcResult<bigint>> {
  if (traits.l1FeeOracle === undefined) return { ok: true, value: 0n }
  const data = `${ORACLE_SELECTOR}${TRANSFER_BYTES.toString(16).padStart(64, '0')}`
  const answer = await rpc.read('eth_call', [{ to: traits.l1FeeOracle, data }, 'latest'], Quantity)
  return answer.ok ? { ok: true, value: 2n * answer.value } : answer
}

function chainError(message: string): Refusal {
  return { ok: false, code: 'CHAIN_ERROR', message }
}
