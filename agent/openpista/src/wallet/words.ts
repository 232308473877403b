import { oneLine } from '../domain/one-line.ts'
import { tokenName } from '../domain/token-name.ts'
import { hasEnded, type Simulation, type Transaction } from './wallet.ts'

type Effect = Transaction['effects'][number]
type Reason = Transaction['reasons'][number]

/** Base units in human units, exactly, without trailing zeros. */
export function humanUnits(amount: string, decimals: number): string {
  const digits = amount.padStart(decimals + 1, '0')
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return `${digits.slice(0, digits.length - decimals)}${fraction === '' ? '' : `.${fraction}`}`
}

/** What an effect does, both amounts: `Send 0.6 ETH (600000000000000000 base units) to 0x…`. */
export function effectWords(effect: Effect): string {
  switch (effect.kind) {
    case 'spend':
      return `Send ${amounts(effect)} to ${effect.to}`
    case 'grant':
      return `Let ${effect.spender} take ${amounts(effect)}`
    case 'call':
      return `Call ${effect.selector} of ${effect.target}`
    case 'deploy':
      return 'Deploy a contract'
    case 'sign':
      return `Sign a message (${oneLine(effect.scheme)})`
    case 'opaque':
      return `Something that cannot be read: ${oneLine(effect.why)}`
  }
}

/** Symbols come from contracts, and so from strangers. */
export function amounts(effect: Extract<Effect, { kind: 'spend' | 'grant' }>): string {
  return `${effect.humanAmount} ${tokenName(effect.asset.symbol)} (${effect.amount} base units)`
}

/** The reasons of a verdict that made it as strict as it is, else all of them. */
export function decisiveReasons(reasons: readonly Reason[], tier: string | undefined): readonly Reason[] {
  const decisive = reasons.filter((reason) => reason.tier === tier)
  return decisive.length > 0 ? decisive : reasons
}

/** A dry run in lines for the model. */
export function simulationWords(simulation: Simulation): string {
  const { effects, tier, reasons, symbol, humanMaxFee, balance } = simulation
  const native = effects.find((effect) => effect.kind === 'spend' && effect.asset.address === undefined)
  const decimals = native !== undefined && 'asset' in native ? native.asset.decimals : undefined
  const human = (amount: string) =>
    decimals === undefined ? `${amount} base units` : `${humanUnits(amount, decimals)} ${oneLine(symbol)}`
  return [
    ...effects.map(effectWords),
    `fee at most: ${humanMaxFee}`,
    `balance: ${human(balance.before)} before, ${human(balance.after)} after`,
    `verdict: ${tier}${simulation.delaySeconds === undefined ? '' : ` (waits ${simulation.delaySeconds} s)`}`,
    ...reasons.map((reason) => `- ${reason.rule}: ${reason.tier}: ${oneLine(reason.message)}`),
  ].join('\n')
}

/** Where a transaction is, in words that say what comes next. */
export function statusWords(transaction: Transaction): string {
  const { status, hash, fee, error, executesAt, approval } = transaction
  switch (status) {
    case 'CONFIRMED':
      return `Done: confirmed, hash ${hash ?? 'unknown'}.`
    case 'FAILED':
      return `Failed: ${oneLine(error?.message ?? 'no reason given')}${hash === undefined ? '' : ` (hash ${hash})`}`
    case 'CANCELLED':
      return `Cancelled${error === undefined ? '' : `: ${error.code}: ${oneLine(error.message)}`}. ${fee === undefined || fee === '0' ? 'Nothing was paid.' : 'Nothing was paid but the network fee of what took its place.'}`
    case 'EXPIRED':
      return 'Expired: the owner did not approve in time. Nothing was sent.'
    case 'QUEUED':
      return approval === undefined
        ? `Waits until ${isoTime(executesAt ?? 0)}, then it is sent by itself. The owner can cancel it on the card that was posted.`
        : `Waits for the owner's signature until ${isoTime(approval.expiresAt)}. A card was posted; only the owner can approve.`
    default:
      return wayWords(transaction)
  }
}

/** Of a payment that is not over: whether it was given up, and what it waits for. */
function wayWords({ status, hash, outcomeUnknown, closing, notice }: Transaction): string {
  const at = hash === undefined ? '' : ` (hash ${hash})`
  const waits = notice === undefined ? '' : ` It waits for ${notice.waitsFor}, usually ${notice.usually}.`
  if (closing) return `Given up${at}, and may still be made until that is ruled out.${waits}`
  // The hash is of bytes that nodes were given, whether or not one has them.
  return outcomeUnknown
    ? `Handed over${at}, and no node has said that it has it: it may be paid, or not.${waits}`
    : `On its way${at}: ${status}.${waits}`
}

/** Codes whose message may hold words of a chain node or of a contract. */
const FOREIGN_WORDS: ReadonlySet<string> = new Set(['CHAIN_ERROR', 'SIMULATION_FAILED'])

/** Whether the message of an error may be a stranger's. */
export function isForeign(error: { code: string } | undefined): boolean {
  return error !== undefined && FOREIGN_WORDS.has(error.code)
}

/** What a model has to know besides `statusWords`: a payment that waits or is on its way is not to be made again. */
export function adviceFor(transaction: Transaction): string {
  return hasEnded(transaction) ? '' : ' Do not send it again.'
}

export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
