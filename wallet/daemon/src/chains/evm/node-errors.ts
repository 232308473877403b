import type { Broadcast, FeeWanted } from '../chain-adapter.ts'
import { clip } from '../clip.ts'
import type { Refusal } from '../payment.ts'
import type { RpcFailure } from '../rpc-result.ts'

/**
 * The only place that reads a node's words. Clients word the same refusal differently, and few give it a code of its own.
 * Words never prove that bytes are not out. The test holds these patterns against the vocabulary of `devnet/`, which names
 * a source for every sentence.
 */
const HAS_THEM: readonly RegExp[] = [
  // geth, nethermind, reth, erigon ("ALREADY_EXISTS: already known"); anvil, parity, frontier ("Pool(AlreadyImported)").
  /\balready ?(known|imported)\b/i,
  // geth before 1.9.16, besu, klaytn; zksync "known transaction. transaction with hash … is already in the system".
  // Not "unknown transaction type".
  /(^|[:(] ?)known transaction\b(?! type)/i,
  // erigon before 2024.
  /\bexisting txn? with same hash\b/i,
  // cosmos.
  /\balready in (the )?(mempool|pool|queue)\b/i,
]

/** Said of another transaction under the number, or of bytes that are not there. */
const ABOUT_ANOTHER = /\b(same|this|with|another) nonce\b|\bnot already\b/i

/** The fee is too low: for the pool, for the base fee, or to take the place of another version. */
const WANTS_MORE: readonly RegExp[] = [
  // geth, nethermind, reth, besu, bsc, op-geth; erigon "FEE_TOO_LOW: underpriced".
  /underpriced/i,
  // nethermind until 2025 "FeeTooLowToCompete", "FeeTooLow, …"; erigon "FEE_TOO_LOW: fee too low"; monad.
  /fee[ _]?too[ _]?low/i,
  // geth and its forks, Arbitrum, zksync; Neon (proxy-model.py#599); besu "Gas price below current base fee".
  /less than (block base fee|the minimum allowable)|gas price below/i,
  // Arbitrum classic, metis; parity "Transaction gas price 100wei is too low. There is another transaction with same nonce …".
  /gas price (\S+ )?(is )?too low/i,
  // parity, of a full pool.
  /try increasing the (fee|gas price)/i,
  // To take the place of another version: erigon, nethermind until 2025, klaytn, monad, frontier.
  /could not replace existing|ReplacementNotAllowed|another tx which has the same nonce|had higher priority|TooLowPriority/i,
]

/** The least tip per gas, where words name it. */
const LEAST_TIP: readonly RegExp[] = [
  // geth, op-geth, bor, bsc (bsc#3255, wayfinder-paths-sdk#379).
  /gas tip cap \d+, minimum needed (\d+)/,
  // geth up to 1.13, bsc (bsc#2387).
  /tip needed (\d+), tip permitted \d+/,
  // nethermind (requestNetwork#997).
  /EffectivePriorityFeePerGas too low \d+ < (\d+)/,
]

/** geth, erigon, op-geth in ether (erigon#10582, op-geth#209), celo in its coin, reth in wei. */
const FEE_CAP = /exceeds the configured cap \((\d+)(?:\.(\d{1,18}))? (\w+)\)/

/** What a failed `eth_sendRawTransaction` says about the bytes, and about the fee of the next version. */
export function readBroadcastFailure(failure: RpcFailure): Broadcast {
  if (failure.kind !== 'error') return { kind: 'not accepted', message: failure.message, unheard: true }
  const { message } = failure
  if (hasThem(message)) return { kind: 'accepted' }
  const wants = wantedFee(message)
  return { kind: 'not accepted', message: clip(message), ...(wants && { wants }) }
}

function hasThem(words: string): boolean {
  return !ABOUT_ANOTHER.test(words) && HAS_THEM.some((pattern) => pattern.test(words))
}

function wantedFee(words: string): FeeWanted | undefined {
  const [, whole, fraction = '', unit] = FEE_CAP.exec(words) ?? []
  if (whole !== undefined) return { mostFee: BigInt(unit === 'wei' ? whole : whole + fraction.padEnd(18, '0')) }
  const leastTip = LEAST_TIP.map((pattern) => pattern.exec(words)?.[1]).find((number) => number !== undefined)
  if (leastTip !== undefined) return { more: true, leastTip: BigInt(leastTip) }
  return WANTS_MORE.some((pattern) => pattern.test(words)) ? { more: true } : undefined
}

/**
 * Said of a call that fails with all the gas there is; of a lack of money only where the question names a gas price,
 * which ours does not. geth, erigon, Arbitrum "gas required exceeds allowance (50000000)" (optimism#3072), reth "out of
 * gas: gas required exceeds allowance: 550000000" (reth#12967), nethermind "Cannot estimate gas, gas spent exceeded
 * transaction and block gas limit", anvil "Out of gas: gas required exceeds allowance: …".
 */
const BURNS_ALL_GAS = /gas required exceeds|gas spent exceeded|out ?of ?gas|block gas limit exceeded/i

/** What a failed `eth_estimateGas` without a gas price says about a transaction that the balance covers. */
export function readEstimateFailure(failure: RpcFailure): Refusal {
  if (failure.kind !== 'error') return { ok: false, code: 'CHAIN_ERROR', message: failure.message }
  if (BURNS_ALL_GAS.test(failure.message)) {
    return {
      ok: false,
      code: 'SIMULATION_FAILED',
      message: 'The transaction would fail: it uses up all the gas that a transaction may have.',
    }
  }
  const reason = revertReason(failure.data)
  if (reason !== undefined || isExecutionFailure(failure)) {
    const why = reason ?? clip(failure.message)
    return { ok: false, code: 'SIMULATION_FAILED', message: `The transaction would fail: ${why}` }
  }
  return { ok: false, code: 'CHAIN_ERROR', message: `The node answered: ${clip(failure.message)}` }
}

/**
 * go-ethereum core/vm/errors.go; nethermind and parity "VM execution error." with -32015; anvil "EVM error …"; ganache
 * "VM Exception while processing transaction"; parity "Bad instruction fe".
 */
const EXECUTION_FAILED =
  /revert|opcode|EVM error|VM execution error|VM exception|out ?of ?gas|stack ?(under|over)flow|stack limit reached|invalid ?jump|bad (instruction|jump)|write protection|return data out of bounds/i

/** True where the node ran a call and the call failed, so that asking again brings nothing. */
export function isExecutionFailure(failure: RpcFailure): boolean {
  if (failure.kind !== 'error') return false
  return failure.code === 3 || EXECUTION_FAILED.test(failure.message)
}

const ERROR_STRING = '0x08c379a0'
const PANIC = '0x4e487b71'

/** The reason in the return data of a revert: `Error(string)`, `Panic(uint256)`, or a custom error's selector. */
export function revertReason(data: unknown): string | undefined {
  if (typeof data !== 'string' || !/^0x[0-9a-fA-F]{8,8192}$/.test(data)) return undefined
  const selector = data.slice(0, 10).toLowerCase()
  const words = data.slice(10)
  if (selector === PANIC) return `panic 0x${BigInt(`0x0${words}`).toString(16)}`
  if (selector !== ERROR_STRING) return `custom error ${selector}`
  const length = Number.parseInt(words.slice(64, 128), 16)
  return clip(Buffer.from(words.slice(128, 128 + length * 2), 'hex').toString('utf8'))
}
