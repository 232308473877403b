import type { Hex, Transaction } from './evm-transaction.ts'

export type Account = { readonly nonce: bigint; readonly balance: bigint; readonly delegate?: Hex | undefined }

export const EMPTY_ACCOUNT: Account = { nonce: 0n, balance: 0n }

/** What a contract does when it is called: every contract here is one of these. */
export type Contract = {
  /** `burn` uses all gas that there is and fails. */
  readonly does: 'accept' | 'revert' | 'burn'
  /** Gas beyond the intrinsic gas. */
  readonly gas: bigint
}

/** Why consensus refuses a transaction, or a pool does. The words are each client's own. */
export type Refusal =
  | 'undecodable'
  | 'signature'
  | 'wrong chain'
  | 'no chain'
  | 'gas above block'
  | 'gas too low'
  | 'tip above fee'
  | 'nonce too low'
  | 'nonce too high'
  | 'insufficient funds'
  | 'fee below base fee'
  | 'sender is contract'
  | 'already known'
  | 'underpriced'
  | 'replacement underpriced'

export type BlockRules = {
  readonly chainId: bigint
  readonly baseFeePerGas: bigint
  readonly gasLimit: bigint
  readonly miner: Hex
  readonly contracts: ReadonlyMap<Hex, Contract>
}

export type Execution = { readonly succeeded: boolean; readonly gasUsed: bigint; readonly effectiveGasPrice: bigint }

/** No transaction may ask for more gas (EIP-7825). */
export const MAX_TRANSACTION_GAS = 1n << 24n

const TRANSFER_GAS = 21_000n

/** Intrinsic gas (EIP-2028, EIP-2930, EIP-3860 without its word cost, EIP-7702). */
export function intrinsicGas(transaction: Transaction): bigint {
  const { data, to, accessList, authorizations } = transaction
  const { zeros, others } = countBytes(data)
  return (
    TRANSFER_GAS +
    4n * zeros +
    16n * others +
    (to === null ? 32_000n : 0n) +
    2_400n * BigInt(accessList.addresses) +
    1_900n * BigInt(accessList.keys) +
    25_000n * BigInt(authorizations.length)
  )
}

/** The least that a transaction with data pays, whatever it does (EIP-7623). */
export function floorGas({ data }: Transaction): bigint {
  const { zeros, others } = countBytes(data)
  return TRANSFER_GAS + 10n * (zeros + 4n * others)
}

function countBytes(data: Hex): { zeros: bigint; others: bigint } {
  let zeros = 0
  for (let index = 2; index < data.length; index += 2) if (data.startsWith('00', index)) zeros += 1
  return { zeros: BigInt(zeros), others: BigInt(data.length / 2 - 1 - zeros) }
}

/** What is wrong with a transaction whatever the state: no block can ever have it. */
export function brokenFor(transaction: Transaction, { chainId, gasLimit }: Pick<BlockRules, 'chainId' | 'gasLimit'>) {
  if (transaction.isDeposit) return undefined
  if (transaction.chainId !== undefined && transaction.chainId !== chainId) return 'wrong chain'
  if (transaction.gas > gasLimit || transaction.gas > MAX_TRANSACTION_GAS) return 'gas above block'
  if (transaction.maxPriorityFeePerGas > transaction.maxFeePerGas) return 'tip above fee'
  const least = intrinsicGas(transaction)
  const floor = floorGas(transaction)
  return transaction.gas < (least > floor ? least : floor) ? 'gas too low' : undefined
}

/** Most that a transaction can cost its sender. */
export function upfrontCost({ gas, maxFeePerGas, value, isDeposit }: Transaction): bigint {
  return isDeposit ? 0n : gas * maxFeePerGas + value
}

/** Why a block on this state cannot have the transaction next; undefined where it can. */
export function refusedNext(
  transaction: Transaction,
  sender: Account,
  rules: BlockRules,
  gasLeft: bigint,
): Refusal | undefined {
  if (transaction.isDeposit) return undefined
  const broken = brokenFor(transaction, rules)
  if (broken !== undefined) return broken
  if (transaction.gas > gasLeft) return 'gas above block'
  if (rules.contracts.has(transaction.from)) return 'sender is contract'
  if (transaction.nonce < sender.nonce) return 'nonce too low'
  if (transaction.nonce > sender.nonce) return 'nonce too high'
  if (transaction.maxFeePerGas < rules.baseFeePerGas) return 'fee below base fee'
  return sender.balance < upfrontCost(transaction) ? 'insufficient funds' : undefined
}

/** Runs a transaction that `refusedNext` lets pass, and changes the state. */
export function execute(state: Map<Hex, Account>, transaction: Transaction, rules: BlockRules): Execution {
  const { from, to, value, isDeposit } = transaction
  const sender = accountIn(state, from)
  const price = isDeposit ? 0n : effectivePrice(transaction, rules.baseFeePerGas)
  state.set(from, { ...sender, nonce: sender.nonce + 1n })
  for (const { account, delegate } of transaction.authorizations) {
    const { nonce, balance } = accountIn(state, account)
    state.set(account, { nonce: nonce + 1n, balance, delegate })
  }
  const { succeeded, gasUsed } = runCall(transaction, rules)
  add(state, from, -gasUsed * price)
  add(state, rules.miner, isDeposit ? 0n : gasUsed * (price - rules.baseFeePerGas))
  const moves = succeeded && to !== null && accountIn(state, from).balance >= value
  if (moves) {
    add(state, from, -value)
    add(state, to, value)
  }
  return { succeeded: moves || (succeeded && to === null), gasUsed, effectiveGasPrice: price }
}

function runCall(transaction: Transaction, rules: BlockRules): { succeeded: boolean; gasUsed: bigint } {
  const contract = transaction.to === null ? undefined : rules.contracts.get(transaction.to)
  const needed = intrinsicGas(transaction) + (contract?.gas ?? 0n)
  const floor = floorGas(transaction)
  if (contract?.does === 'burn' || needed > transaction.gas) return { succeeded: false, gasUsed: transaction.gas }
  return { succeeded: contract?.does !== 'revert', gasUsed: needed > floor ? needed : floor }
}

/** Price of one gas in a block (EIP-1559); the base fee of it is burnt, the rest goes to the miner. */
export function effectivePrice({ maxFeePerGas, maxPriorityFeePerGas }: Transaction, baseFeePerGas: bigint): bigint {
  const withTip = baseFeePerGas + maxPriorityFeePerGas
  return withTip < maxFeePerGas ? withTip : maxFeePerGas
}

/** The base fee of the block after one that used so much gas (EIP-1559, with twice the target as limit). */
export function nextBaseFee(baseFeePerGas: bigint, gasUsed: bigint, gasLimit: bigint): bigint {
  const target = gasLimit / 2n
  if (gasUsed === target) return baseFeePerGas
  if (gasUsed < target) return baseFeePerGas - (baseFeePerGas * (target - gasUsed)) / target / 8n
  const rise = (baseFeePerGas * (gasUsed - target)) / target / 8n
  return baseFeePerGas + (rise > 1n ? rise : 1n)
}

export function accountIn(state: ReadonlyMap<Hex, Account>, address: Hex): Account {
  return state.get(address) ?? EMPTY_ACCOUNT
}

function add(state: Map<Hex, Account>, address: Hex, amount: bigint): void {
  if (amount === 0n) return
  const account = accountIn(state, address)
  state.set(address, { ...account, balance: account.balance + amount })
}
