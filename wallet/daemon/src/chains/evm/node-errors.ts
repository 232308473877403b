import type { ErrorCode } from '@waiaas/core'
import type { Broadcast } from '../chain-adapter.ts'
import type { Refusal } from '../payment.ts'
import type { RpcFailure } from '../rpc-result.ts'

/**
 * The only place that reads a node's words. Geth, Nethermind, Erigon, Reth, Besu and anvil word the same
 * refusal differently, and none gives it a code.
 */
type Meaning = { pattern: RegExp; means: Broadcast }

const refused = (code: ErrorCode, message: string): Broadcast => ({ kind: 'refused', code, message })

const broadcastMeanings: readonly Meaning[] = [
  { pattern: /already ?known|already imported|known transaction|already in mempool/i, means: { kind: 'accepted' } },
  {
    pattern: /nonce too low|nonce is too low|OldNonce|nonce has already been used/i,
    means: { kind: 'unknown', message: 'The nonce is used, by these bytes or by others.' },
  },
  {
    pattern: /insufficient funds|insufficient balance|InsufficientFunds/i,
    means: refused('INSUFFICIENT_BALANCE', 'The balance does not cover amount and fee.'),
  },
  {
    pattern: /underpriced|fee cap less than block base fee|max fee per gas less than|FeeTooLow|tip .*too low/i,
    means: refused('CHAIN_ERROR', 'The fee is below what the network takes now.'),
  },
  {
    pattern: /invalid sender|invalid signature|invalid chain id|incompatible EIP-155|type not supported|rlp:|decode/i,
    means: refused('CHAIN_ERROR', 'The node calls the transaction invalid.'),
  },
  {
    pattern: /intrinsic gas too low|exceeds block gas limit|gas limit too high|nonce too high|oversized data/i,
    means: refused('CHAIN_ERROR', 'The transaction does not fit the rules of the network.'),
  },
]

/** What a failed `eth_sendRawTransaction` says about the bytes. Words that are not known prove nothing. */
export function readBroadcastFailure(failure: RpcFailure): Broadcast {
  if (failure.kind !== 'error') return { kind: 'unknown', message: failure.message }
  const meaning = broadcastMeanings.find(({ pattern }) => pattern.test(failure.message))
  return meaning?.means ?? { kind: 'unknown', message: `The node answered: ${clip(failure.message)}` }
}

/** What a failed `eth_estimateGas` says about the transaction. */
export function readEstimateFailure(failure: RpcFailure): Refusal {
  if (failure.kind !== 'error') return { ok: false, code: 'CHAIN_ERROR', message: failure.message }
  if (/insufficient funds|insufficient balance|gas required exceeds allowance/i.test(failure.message)) {
    return {
      ok: false,
      code: 'INSUFFICIENT_BALANCE',
      message: 'The balance does not cover amount and fee.',
    }
  }
  const reason = revertReason(failure.data)
  if (reason !== undefined || isExecutionFailure(failure)) {
    const why = reason ?? clip(failure.message)
    return { ok: false, code: 'SIMULATION_FAILED', message: `The transaction would fail: ${why}` }
  }
  return { ok: false, code: 'CHAIN_ERROR', message: `The node answered: ${clip(failure.message)}` }
}

/** True where the node ran a call and the call failed, so that asking again brings nothing. */
export function isExecutionFailure(failure: RpcFailure): boolean {
  if (failure.kind !== 'error') return false
  return (
    failure.code === 3 || /revert|opcode|EVM error|out ?of ?gas|StackUnderflow|stack underflow/i.test(failure.message)
  )
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

/** Words from outside, made short and printable. */
export function clip(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, ' ').slice(0, 200)
}
