/**
 * What becomes of a transaction that a node was handed, and what the node says about it: two draws that know nothing
 * of each other.
 */

import type { FaultDice, SolanaFaultKind } from './solana-faults.ts'
import { nodeBehind, preflightFailure } from './solana-methods.ts'
import { RpcFault } from './solana-params.ts'
import type { Random } from './solana-ports.ts'
import type { Effect } from './solana-producer.ts'

export function drawEffect(dice: FaultDice, random: Random): Effect {
  if (dice.strikes('sendNowhere', random)) return 'nowhere'
  if (dice.strikes('sendHeld', random)) return 'held'
  if (dice.strikes('sendLastBlock', random)) return 'last'
  return 'forwarded'
}

/** `honest`: what the method itself says. The others have nothing to do with the bytes. */
export type SendAnswer =
  | { kind: 'honest' | 'lost' | 'garbage' | 'throttled' }
  | { kind: 'fault'; fault: RpcFault }
  | { kind: 'result'; signature: string }

export function drawSendAnswer(dice: FaultDice, random: Random): SendAnswer {
  for (const [kind, answer] of answers) if (dice.strikes(kind, random)) return answer(random)
  return { kind: 'honest' }
}

const answers: readonly (readonly [SolanaFaultKind, (random: Random) => SendAnswer])[] = [
  ['sendAnswerLost', () => ({ kind: 'lost' })],
  ['sendWrongVerdict', (random) => ({ kind: 'fault', fault: new RpcFault(-32003, random.pick(wrongVerdicts)) })],
  ['sendPreflight', (random) => ({ kind: 'fault', fault: random.pick(preflights)(random) })],
  ['sendBehind', (random) => ({ kind: 'fault', fault: nodeBehind(1 + random.int(500)) })],
  ['sendThrottled', () => ({ kind: 'throttled' })],
  ['sendThrottledInBody', (random) => ({ kind: 'fault', fault: throttledInBody(random) })],
  ['sendGarbage', () => ({ kind: 'garbage' })],
  ['sendOtherSignature', () => ({ kind: 'result', signature: '1'.repeat(64) })],
]

const wrongVerdicts = [
  'Transaction signature verification failure',
  'Transaction precompile verification failure InvalidAccountIndex',
  'upstream rejected the transaction',
]

const preflights: readonly ((random: Random) => RpcFault)[] = [
  () => preflightFailure('BlockhashNotFound'),
  () => preflightFailure('InsufficientFundsForFee'),
  () => preflightFailure('AccountNotFound'),
  () => preflightFailure({ InstructionError: [2, { Custom: 1 }] }),
  () => preflightFailure('AlreadyProcessed'),
]

/** The codes that gateways use within an answer of status 200. */
export function throttledInBody(random: Random): RpcFault {
  return random.pick([
    () => new RpcFault(429, 'Too many requests for a specific RPC call'),
    () => new RpcFault(-32429, 'rate limited'),
    () => new RpcFault(-32005, 'rate limit exceeded'),
    () => new RpcFault(-32029, 'Too many requests'),
  ])()
}
