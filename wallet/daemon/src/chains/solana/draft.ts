import type { Blockhash } from '@solana/rpc-types'
import type { Network, TransactionRequest } from '@waiaas/core'
import { z } from 'zod'
import type { Account, DraftResult } from '../chain-adapter.ts'
import type { RpcClient, RpcResult } from '../json-rpc.ts'
import { checkBalance, describeAmount, type Refusal } from '../payment.ts'
import { decodeSolana } from './decode.ts'
import { buildMessage, feeOf, type Lifetime, withSignature } from './message.ts'
import { describeTransactionError } from './node-errors.ts'
import type { SolanaTraits } from './solana-traits.ts'
import { type SolanaCall, transferCall, transferInstructions } from './transfer.ts'
import { base64, InContext, U64 } from './wire.ts'

export type SolanaContext = {
  network: Network
  traits: SolanaTraits
  rpc: RpcClient
  blockhash: () => Promise<RpcResult<Lifetime>>
}

const Digits = z.string().regex(/^\d+$/).transform(BigInt)

/** What of a draft is needed to build its bytes. Amounts in base units, as digits. */
export const SolanaPlan = z.object({
  to: z.string(),
  amount: Digits,
  memo: z.string().nullable(),
  units: z.number().int(),
  unitPrice: Digits,
})
export type SolanaPlan = z.output<typeof SolanaPlan>

const Simulation = InContext(z.object({ err: z.unknown(), unitsConsumed: U64.nullish() }))
const LEAST_FEE = feeOf({ units: 0, unitPrice: 0n })
const SIMULATED_UNITS = 1_400_000
/** For nodes that do not tell what a simulation used. */
const USUAL_UNITS = 100_000n
const anyLifetime: Lifetime = { blockhash: '1'.repeat(32) as Blockhash, lastValidBlockHeight: 0n }

/**
 * Units by which a limit may be raised so that no two payments have the same bytes: equal bytes are one
 * transaction to the chain, however often they were asked for.
 */
export const SPARE_UNITS = 1_000

export async function draftSolana(
  context: SolanaContext,
  request: TransactionRequest,
  from: Account,
): Promise<DraftResult> {
  const { network } = context
  if (request.type !== 'TRANSFER')
    return { ok: false, code: 'CHAIN_NOT_SUPPORTED', message: `${network.name} takes transfers only.` }
  const call = transferCall(request, network)
  if (!call.ok) return call
  const facts = await askFacts(context, call, from.address)
  if (!facts.ok) return { ok: false, code: 'CHAIN_ERROR', message: facts.failure.message }
  const { balance, recipient, rent, unitPrice, simulation } = facts.value
  const rest = balance - call.amount
  const short =
    checkBalance(balance, call.amount, LEAST_FEE, network) ??
    checkRemainder(rest, { least: LEAST_FEE, most: LEAST_FEE }, rent, network)
  if (short !== undefined) return short
  if (recipient + call.amount < rent) return belowRent(call.to, rent - recipient, network)
  if (simulation.err !== null) {
    const why = describeTransactionError(simulation.err)
    return { ok: false, code: 'SIMULATION_FAILED', message: `The transaction would fail: ${why}.` }
  }

  const units = Math.ceil(Number(simulation.unitsConsumed ?? USUAL_UNITS) * 1.1)
  const plan: SolanaPlan = { to: call.to, amount: call.amount, memo: call.memo, units, unitPrice }
  const maxFee = feeOf({ units: units + SPARE_UNITS, unitPrice })
  const refusal =
    checkBalance(balance, call.amount, maxFee, network) ??
    checkRemainder(rest, { least: feeOf(plan), most: maxFee }, rent, network)
  if (refusal !== undefined) return refusal
  const built = messageOf(plan, from.address, anyLifetime)
  return {
    ok: true,
    draft: {
      effects: decodeSolana(built, from.address, network),
      maxFee,
      amount: call.amount,
      asset: network.native,
      to: call.to,
      plan: { to: plan.to, amount: String(plan.amount), memo: plan.memo, units, unitPrice: String(unitPrice) },
    },
  }
}

export function messageOf(plan: SolanaPlan, from: string, lifetime: Lifetime): Uint8Array {
  return buildMessage(from, transferInstructions(from, plan), plan, lifetime)
}

type Facts = {
  balance: bigint
  recipient: bigint
  rent: bigint
  unitPrice: bigint
  simulation: { err: unknown; unitsConsumed?: bigint | null | undefined }
}

async function askFacts({ rpc, traits }: SolanaContext, call: SolanaCall, from: string): Promise<RpcResult<Facts>> {
  const commitment = 'confirmed'
  const trial = buildMessage(
    from,
    transferInstructions(from, call),
    { units: SIMULATED_UNITS, unitPrice: 0n },
    anyLifetime,
  )
  const options = { commitment, encoding: 'base64', sigVerify: false, replaceRecentBlockhash: true }
  const unsigned = base64(withSignature(trial, new Uint8Array(64)))
  const [balance, recipient, rent, prices, simulation] = await Promise.all([
    rpc.read('getBalance', [from, { commitment }], InContext(U64)),
    rpc.read('getBalance', [call.to, { commitment }], InContext(U64)),
    rpc.read('getMinimumBalanceForRentExemption', [0], U64),
    rpc.read('getRecentPrioritizationFees', [[from, call.to]], z.array(z.object({ prioritizationFee: U64 }))),
    rpc.read('simulateTransaction', [unsigned, options], Simulation),
  ])
  if (!balance.ok) return balance
  if (!recipient.ok) return recipient
  if (!rent.ok) return rent
  if (!prices.ok) return prices
  if (!simulation.ok) return simulation
  return {
    ok: true,
    value: {
      balance: balance.value.value,
      recipient: recipient.value.value,
      rent: rent.value,
      unitPrice: usualPrice(
        prices.value.map((each) => each.prioritizationFee),
        traits,
      ),
      simulation: simulation.value.value,
    },
  }
}

/** The upper quartile of what was lately paid for these accounts. */
function usualPrice(prices: readonly bigint[], traits: SolanaTraits): bigint {
  const sorted = [...prices].sort((a, b) => (a < b ? -1 : 1))
  const price = sorted[Math.floor(sorted.length * 0.75)] ?? 0n
  return price < traits.maxUnitPrice ? price : traits.maxUnitPrice
}

function belowRent(to: string, least: bigint, network: Network): Refusal {
  return {
    ok: false,
    code: 'SIMULATION_FAILED',
    message: `${to} would be left below the rent-exempt minimum; send at least ${describeAmount(least, network.native)}.`,
  }
}

/** A wallet may be emptied exactly or keep the rent-exempt minimum, whatever of the fee range is charged. */
function checkRemainder(
  rest: bigint,
  fee: { least: bigint; most: bigint },
  rent: bigint,
  network: Network,
): Refusal | undefined {
  const emptied = fee.least === fee.most && rest === fee.most
  if (emptied || rest - fee.most >= rent) return undefined
  const show = (value: bigint) => describeAmount(value, network.native)
  return {
    ok: false,
    code: 'INSUFFICIENT_BALANCE',
    message: `The wallet would keep ${show(rest - fee.most)}, less than the rent-exempt minimum of ${show(rent)}; send less, or everything.`,
  }
}
