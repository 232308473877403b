import { parseUnits } from '@waiaas/core'
import type { Broadcast } from '../chain-adapter.ts'
import { clip } from '../clip.ts'
import type { Refusal } from '../payment.ts'
import type { RpcFailure } from '../rpc-result.ts'

/**
 * The only place that reads a node's words. Geth, Nethermind, Erigon, Reth, Besu and anvil word the same
 * refusal differently, and none gives it a code. Words never prove that bytes are not out.
 */
const HAS_THEM =
  /already ?known|already.?exists|already imported|known transaction|already in (the )?(mempool|pool|queue)|transaction already|tx already/i

/** The fee is too low: for the pool, for the base fee, or to take the place of another version. */
const WANTS_MORE =
  /underpriced|under ?priced|fee cap less than block base fee|less than block base fee|max fee per gas less than|FeeTooLow|fee ?too ?low|tip .*(too low|below|minimum)|gas price (is )?(too low|below)|below (the )?minimum|not enough to replace|ReplacementNotAllowed|could not replace|future transaction tries to replace/i

const FEE_CAP = /exceeds the configured cap \(([0-9.]+) ether\)/i

/** What a failed `eth_sendRawTransaction` says about the bytes, and about the fee of the next version. */
export function readBroadcastFailure(failure: RpcFailure): Broadcast {
  if (failure.kind !== 'error') return { kind: 'not accepted', message: failure.message }
  const { message } = failure
  if (HAS_THEM.test(message)) return { kind: 'accepted' }
  const said = { kind: 'not accepted' as const, message: clip(message) }
  const cap = FEE_CAP.exec(message)?.[1]
  const mostFee = cap === undefined ? undefined : parseUnits(cap, 18)
  if (mostFee !== undefined) return { ...said, wants: { mostFee } }
  return WANTS_MORE.test(message) ? { ...said, wants: { more: true } } : said
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
