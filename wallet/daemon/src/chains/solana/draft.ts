import type { Blockhash } from '@solana/rpc-types'
import type { Effect, Network, TransactionRequest } from '@waiaas/core'
import type { Account, DraftResult } from '../chain-adapter.ts'
import { checkBalance, describeAmount, type Refusal, refuse } from '../payment.ts'
import type { SolanaContext } from './context.ts'
import { decodeSolana } from './decode.ts'
import { buildMessage, feeOf, type Lifetime, signaturesIn, withSignature } from './message.ts'
import { observe } from './observe.ts'
import { type SolanaPlan, storedPlan } from './plan.ts'
import { prepareSolana } from './prepare.ts'
import { readPrices, usualPrice } from './prices.ts'
import { type ReadInstruction, readMessage } from './read-message.ts'
import { checkPaid } from './recipients.ts'
import { explainFailure } from './transaction-error.ts'
import { factsOf, type Trial, tryTransaction } from './trial.ts'
import { U64 } from './wire.ts'

const SIMULATED_UNITS = 1_400_000
/** For nodes that do not tell what a simulation used. */
const USUAL_UNITS = 100_000n
const MAX_TRANSACTION_BYTES = 1_232
const anyLifetime: Lifetime = { blockhash: '1'.repeat(32) as Blockhash, lastValidBlockHeight: 0n }
const noTables = new Map()

/**
 * Units by which a limit may be raised so that no two payments have the same bytes: equal bytes are one
 * transaction to the chain, however often they were asked for.
 */
export const SPARE_UNITS = 1_000
/** No payment in the native coin takes more, with what it may have to spare. */
const PLAIN_UNITS = 2_000

export async function draftSolana(
  context: SolanaContext,
  request: TransactionRequest,
  { address: wallet }: Account,
): Promise<DraftResult> {
  const { network } = context
  const prepared = await prepareSolana(context, request, wallet)
  if (!prepared.ok) return prepared
  const size = leastSize(prepared.instructions)
  if (size > MAX_TRANSACTION_BYTES) return tooLong(request, size)
  const trialPlan = { instructions: prepared.instructions, units: SIMULATED_UNITS, unitPrice: 0n }
  const trialMessage = messageOf(trialPlan, wallet, anyLifetime)
  const unsigned = withSignature(trialMessage, new Uint8Array(64))
  if (unsigned.length > MAX_TRANSACTION_BYTES) return tooLong(request, unsigned.length)
  const facts = await askFacts(context, trialMessage, unsigned, wallet)
  if (!facts.ok) return facts
  const { trial, rent, unitPrice, signatures } = facts
  const paid = facts.payments.map(({ to: each }) => each)
  const unpayable = checkPaid(paid, prepared.wallets, trial.before, facts.instructions)
  if (unpayable !== undefined) return unpayable
  const refusal = checkTrial(trial, facts.payments, wallet, rent, signatures, network)
  if (refusal !== undefined) return refusal
  if (trial.err !== null) {
    return refuse('SIMULATION_FAILED', `The transaction would fail: ${explainFailure(trial.err, trialMessage).why}.`)
  }

  const units = Math.ceil(Number(trial.unitsConsumed ?? USUAL_UNITS) * 1.1)
  const plan: SolanaPlan = { instructions: prepared.instructions, units, unitPrice }
  const known = await factsOf(context, trial, wallet, noTables)
  if (!known.ok) return refuse('CHAIN_ERROR', known.failure.message)
  const told = decodeSolana(messageOf(plan, wallet, anyLifetime), known.value)
  const trialFee = feeOf({ units: 0, unitPrice: 0n }, signatures)
  const observed = observe(told, trial, known.value, trialFee)
  const fee = {
    least: feeOf(plan, signatures),
    most: feeOf({ units: units + SPARE_UNITS, unitPrice }, signatures),
  }
  const short = checkCoins(trial, nativeSpends(observed.effects), wallet, fee, rent, network)
  if (short !== undefined) return short
  const { amount, asset, to } = prepared
  const plainFee = feeOf({ units: PLAIN_UNITS, unitPrice }, 1)
  return { ok: true, draft: { ...observed, maxFee: fee.most, plainFee, amount, asset, to, plan: storedPlan(plan) } }
}

export function messageOf(plan: SolanaPlan, from: string, lifetime: Lifetime): Uint8Array {
  return buildMessage(from, plan.instructions, plan, lifetime)
}

/** Bytes of the accounts alone, which nothing can be built with beyond what a transaction holds. */
function leastSize(instructions: SolanaPlan['instructions']): number {
  const addresses = instructions.flatMap(({ programAddress, accounts = [] }) => [
    programAddress,
    ...accounts.map(({ address }) => address),
  ])
  return new Set(addresses).size * 32
}

function tooLong(request: TransactionRequest, bytes: number): Refusal {
  const code = request.type === 'BATCH' ? 'BATCH_SIZE_EXCEEDED' : 'VALIDATION_FAILED'
  return refuse(code, `The transaction would have ${bytes} bytes or more; Solana takes ${MAX_TRANSACTION_BYTES}.`)
}

type Payment = { to: string; amount: bigint }
type Facts = {
  ok: true
  trial: Trial
  rent: bigint
  unitPrice: bigint
  signatures: number
  /** Coins that the message itself pays. */
  payments: Payment[]
  instructions: readonly ReadInstruction[]
}

async function askFacts(
  context: SolanaContext,
  message: Uint8Array,
  unsigned: Uint8Array,
  wallet: string,
): Promise<Facts | Refusal> {
  const { rpc, traits, network } = context
  const read = readMessage(message, noTables)
  if (!read.ok) throw new Error(`a message that was built cannot be read: ${read.why}`)
  const { writable } = read.message
  const [rent, prices, trial] = await Promise.all([
    rpc.read('getMinimumBalanceForRentExemption', [0], U64),
    readPrices(context, writable),
    tryTransaction(context, unsigned, read.message),
  ])
  for (const answer of [rent, trial]) if (!answer.ok) return refuse('CHAIN_ERROR', answer.failure.message)
  if (!rent.ok || !trial.ok) throw new Error('unreachable')
  // Without the method, the base fee has to do.
  if (!prices.ok && prices.failure.kind !== 'unable') return refuse('CHAIN_ERROR', prices.failure.message)
  const nothing = { tokenAccounts: new Map(), mints: new Map(), created: new Map(), tables: noTables }
  const unitPrice = usualPrice(prices.ok ? prices.value : [], traits)
  return {
    ok: true,
    trial: trial.value,
    rent: rent.value,
    unitPrice,
    signatures: signaturesIn(read.message),
    instructions: read.message.instructions,
    payments: nativeSpends(decodeSolana(message, { network, wallet, ...nothing })),
  }
}

function nativeSpends(effects: readonly Effect[]): Payment[] {
  return effects.flatMap((effect) =>
    effect.kind === 'spend' && effect.asset.address === undefined ? [{ to: effect.to, amount: effect.amount }] : [],
  )
}

const sum = (payments: readonly Payment[]) => payments.reduce((total, { amount }) => total + amount, 0n)

/** Why the transaction would not do what it says, in words that tell what to change. */
function checkTrial(
  trial: Trial,
  payments: readonly Payment[],
  wallet: string,
  rent: bigint,
  signatures: number,
  network: Network,
): Refusal | undefined {
  const least = feeOf({ units: 0, unitPrice: 0n }, signatures)
  const short = checkCoins(trial, payments, wallet, { least, most: least }, rent, network)
  if (short !== undefined) return short
  for (const { to } of payments) {
    const has = (trial.before.get(to)?.lamports ?? 0n) + sum(payments.filter((each) => each.to === to))
    if (has < rent) return belowRent(to, rent - (trial.before.get(to)?.lamports ?? 0n), network)
  }
  return undefined
}

/** Whether the wallet has the coins for these payments and the fee, and keeps as much as it must. */
function checkCoins(
  trial: Trial,
  payments: readonly Payment[],
  wallet: string,
  fee: { least: bigint; most: bigint },
  rent: bigint,
  network: Network,
): Refusal | undefined {
  const balance = trial.before.get(wallet)?.lamports ?? 0n
  const leaves = sum(payments.filter(({ to }) => to !== wallet))
  return checkBalance(balance, sum(payments), fee.most, network) ?? checkRemainder(balance - leaves, fee, rent, network)
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
