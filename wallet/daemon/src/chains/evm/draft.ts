import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Network, TransactionRequest } from '@waiaas/core'
import type { Account, DraftResult } from '../chain-adapter.ts'
import { checkBalance, type Refusal, refuse } from '../payment.ts'
import type { Reader } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { prepareApprove } from './approve.ts'
import { prepareContractCall } from './contract-call.ts'
import { deriveEffects } from './effects.ts'
import { type EvmPlan, envelopeOf, serializeEnvelope, signedLength } from './envelope.ts'
import type { EvmTraits } from './evm-traits.ts'
import { gasFor, highestPrice, PLAIN_TRANSFER_GAS, plainFee, roomToClose } from './fee-ceiling.ts'
import type { GasPrice } from './fees.ts'
import type { FundsSource } from './funds.ts'
import { readEstimateFailure } from './node-errors.ts'
import type { EvmCall, EvmPrepared } from './prepared.ts'
import { Data, Quantity, toQuantity } from './quantity.ts'
import { prepareTokenTransfer } from './token-transfer.ts'
import type { TokenSource } from './tokens.ts'
import { prepareTransfer } from './transfer.ts'

export type EvmContext = {
  network: Network
  traits: EvmTraits
  rpc: Reader
  price: () => Promise<RpcResult<GasPrice>>
  funds: FundsSource
  /** How much more per gas than today's price may be paid later, so that a waiting transaction can be replaced. */
  headroomPercent: bigint
  tokens: TokenSource
  /** The newest block that was final when it was last asked for, and that the nodes agree on. */
  finalNumber: () => Promise<bigint | null>
}

export async function draftEvm(context: EvmContext, request: TransactionRequest, from: Account): Promise<DraftResult> {
  const { network } = context
  const prepared = await prepare(context, request, from)
  if (!prepared.ok) return prepared
  const { call } = prepared
  const facts = await askFacts(context, call, from.address)
  if (!facts.ok) return facts
  const { code, price, estimate, dataFee } = facts
  const least = PLAIN_TRANSFER_GAS * price.maxFeePerGas + dataFee
  // An estimate is of the newest block: where it fails, the coins there say whether they are why.
  const balance = estimate.ok ? facts.balance : undefined
  const covered = await cover(context, from, { balance, value: call.value, fee: least })
  if (!covered.ok) return covered
  if (!estimate.ok) return readEstimateFailure(estimate.failure)
  const gas = gasFor(estimate.value)
  if (gas === undefined) return refuse('SIMULATION_FAILED', 'The transaction needs more gas than any may use.')
  const fee = gas * price.maxFeePerGas + dataFee
  const withFee = await cover(context, from, { balance: covered.balance, value: call.value, fee })
  if (!withFee.ok) return withFee
  const affordable = (withFee.balance - call.value - dataFee) / gas
  const roomy = highestPrice(price, context.headroomPercent)
  const maxFeePerGas = roomy < affordable ? roomy : affordable
  const maxFee = roomToClose(gas * maxFeePerGas, maxFeePerGas) + dataFee
  const plan: EvmPlan = { ...call, gas, maxFeePerGas, dataFee }
  const built = serializeEnvelope(envelopeOf(plan, network, 0n, price))
  const derived = await deriveEffects(context, built, call, from.address, code, prepared.moves)
  if (!derived.ok) return derived
  const { ok: _, ...does } = derived
  return {
    ok: true,
    draft: {
      ...does,
      maxFee,
      plainFee:
        code === '0x' && call.data === '0x' ? maxFee : plainFee(roomy, dataFee, () => signedLength(call, network)),
      amount: prepared.amount,
      asset: prepared.asset,
      to: prepared.to,
      plan: storedPlan(plan),
    },
  }
}

/** A payment of nothing to the account itself. */
export async function draftFiller(context: EvmContext, { address }: Account): Promise<DraftResult> {
  const { network, rpc } = context
  const to = address as `0x${string}`
  const [price, gas, dataFee] = await Promise.all([
    context.price(),
    rpc.read('eth_estimateGas', [{ from: to, to, value: '0x0' }], Quantity),
    askDataFee(context, () => signedLength({ to, value: 0n, data: '0x' }, network)),
  ])
  for (const answer of [price, gas, dataFee]) if (!answer.ok) return refuse('CHAIN_ERROR', answer.failure.message)
  if (!price.ok || !gas.ok || !dataFee.ok) throw new Error('unreachable')
  const maxFeePerGas = highestPrice(price.value, context.headroomPercent)
  const maxFee = roomToClose(gas.value * maxFeePerGas, maxFeePerGas) + dataFee.value
  const plan = storedPlan({ to, value: 0n, data: '0x', gas: gas.value, maxFeePerGas, dataFee: dataFee.value })
  return { ok: true, draft: { effects: [], maxFee, plainFee: maxFee, amount: 0n, asset: network.native, to, plan } }
}

function storedPlan(plan: EvmPlan) {
  return {
    to: plan.to,
    value: String(plan.value),
    data: plan.data,
    gas: String(plan.gas),
    maxFeePerGas: String(plan.maxFeePerGas),
    dataFee: String(plan.dataFee),
  }
}

/** One way to a call per kind of request. */
function prepare(
  context: EvmContext,
  request: TransactionRequest,
  from: Account,
): EvmPrepared | Refusal | Promise<EvmPrepared | Refusal> {
  const { network } = context
  switch (request.type) {
    case 'TRANSFER':
      return prepareTransfer(request, network)
    case 'TOKEN_TRANSFER':
      return prepareTokenTransfer(context, request, from)
    case 'CONTRACT_CALL':
      return prepareContractCall(request, network)
    case 'APPROVE':
      return prepareApprove(context, request, from)
    case 'BATCH':
      return refuse(
        'BATCH_NOT_SUPPORTED',
        `A plain account on ${network.name} makes one call per transaction; nothing can join several safely.`,
      )
  }
}

/** What the account has, where that is enough; by the newest block where it was not in the one that was looked at. */
async function cover(
  { funds, network }: EvmContext,
  { address }: Account,
  { balance, value, fee }: { balance: bigint | undefined; value: bigint; fee: bigint },
): Promise<{ ok: true; balance: bigint } | Refusal> {
  if (balance !== undefined && balance >= value + fee) return { ok: true, balance }
  const newest = await funds.newest(address)
  if (!newest.ok) return refuse('CHAIN_ERROR', newest.failure.message)
  const now = newest.value.balance
  return checkBalance(now, value, fee, network) ?? { ok: true, balance: now }
}

type Facts = {
  ok: true
  balance: bigint
  code: string
  price: GasPrice
  estimate: RpcResult<bigint>
  dataFee: bigint
}

async function askFacts(context: EvmContext, call: EvmCall, from: string): Promise<Facts | Refusal> {
  const { rpc } = context
  const data = call.data === '0x' ? {} : { data: call.data }
  const [funds, code, price, estimate, dataFee] = await Promise.all([
    context.funds.ask(from),
    rpc.read('eth_getCode', [call.to, 'latest'], Data),
    context.price(),
    rpc.read('eth_estimateGas', [{ from, to: call.to, value: toQuantity(call.value), ...data }], Quantity),
    askDataFee(context, () => signedLength(call, context.network)),
  ])
  for (const answer of [funds, code, price, dataFee]) {
    if (!answer.ok) return refuse('CHAIN_ERROR', answer.failure.message)
  }
  if (!funds.ok || !code.ok || !price.ok || !dataFee.ok) throw new Error('unreachable')
  return {
    ok: true,
    balance: funds.value.balance,
    code: code.value,
    price: price.value,
    estimate,
    dataFee: dataFee.value,
  }
}

/**
 * Contracts of the OP Stack take the length of the unsigned transaction and add 68 bytes for the signature
 * (ethereum-optimism/optimism, GasPriceOracle.sol): with the signed length the answer is an upper bound.
 */
const ORACLE_SELECTOR = `0x${bytesToHex(keccak_256(utf8ToBytes('getL1FeeUpperBound(uint256)'))).slice(0, 8)}`
/**
 * What a rollup may charge for the data of a signed transaction of so many bytes, its access list included: twice
 * what its oracle says in the newest block, or another one, since nothing in the bytes limits it.
 */
export async function askDataFee(
  { rpc, traits }: { rpc: Reader; traits: Pick<EvmTraits, 'l1FeeOracle'> },
  bytes: () => bigint,
  at: 'latest' | { blockHash: string } = 'latest',
): Promise<RpcResult<bigint>> {
  if (traits.l1FeeOracle === undefined) return { ok: true, value: 0n }
  const data = `${ORACLE_SELECTOR}${bytes().toString(16).padStart(64, '0')}`
  const answer = await rpc.read('eth_call', [{ to: traits.l1FeeOracle, data }, at], Quantity)
  return answer.ok ? { ok: true, value: 2n * answer.value } : answer
}
