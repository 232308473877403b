import { oneLine } from '../domain/one-line.ts'
import type { Card, SourceView } from '../protocol/index.ts'
import type { ApprovalFacts, Transaction } from './wallet.ts'
import { amounts, decisiveReasons, effectWords, isoTime } from './words.ts'

type Fact = Card['facts'][number]

const CARD_PREFIX = 'payment:'

/** The card of a transaction; the same over restarts, so that it is posted once. */
export const cardIdOf = (transactionId: string): string => `${CARD_PREFIX}${transactionId}`

/** The transaction behind a card id, or `undefined` when it is none of ours. */
export function transactionIdOf(cardId: string): string | undefined {
  return cardId.startsWith(CARD_PREFIX) ? cardId.slice(CARD_PREFIX.length) : undefined
}

/**
 * What the owner sees of a payment that waits: what the transaction does as the wallet read it, not as the agent
 * describes it. The only ways on from here are to reject it, or to open the page where the owner signs.
 *
 * @param facts what there is to sign; `undefined` for one that only waits for time.
 * @param balance the balance before and after, where it is known.
 */
export function paymentCard(
  transaction: Transaction,
  facts: ApprovalFacts | undefined,
  sources: readonly SourceView[],
): Card {
  const { approval, executesAt } = transaction
  const headline = transaction.effects.map(shortWords).join('; ')
  const expiresAt = approval?.expiresAt ?? executesAt ?? transaction.updatedAt
  const decisive = decisiveReasons(transaction.reasons, transaction.tier)
  return {
    id: cardIdOf(transaction.id),
    kind: 'payment',
    title: approval === undefined ? `Payment soon: ${headline}` : `Payment needs your signature: ${headline}`,
    facts: [
      ...effectFacts(transaction),
      ...warnings(transaction),
      ...costFacts(transaction, facts),
      ...timeFacts(transaction),
    ],
    reason: decisive.map((reason) => oneLine(`${reason.message} (${reason.rule})`)).join(' '),
    sources: [...sources],
    buttons: [
      ...(approval === undefined ? [] : [{ decision: 'open' as const, label: 'Review and sign', url: approval.url }]),
      { decision: 'reject', label: approval === undefined ? 'Cancel payment' : 'Reject' },
    ],
    ...(facts === undefined ? {} : { shortCode: facts.shortCode }),
    expiresAt,
  }
}

function shortWords(effect: Transaction['effects'][number]): string {
  if (effect.kind !== 'spend') return effectWords(effect)
  return `${effect.humanAmount} ${oneLine(effect.asset.symbol)} to ${effect.to}`
}

function effectFacts({ effects, network, from }: Transaction): Fact[] {
  const facts = effects.flatMap((effect): Fact[] => {
    if (effect.kind === 'spend') return [fact('Amount', amounts(effect)), fact('Recipient', effect.to, 'code')]
    if (effect.kind === 'grant')
      return [fact('Allowance', amounts(effect), 'warning'), fact('Spender', effect.spender, 'code')]
    return [fact('Effect', effectWords(effect), effect.kind === 'opaque' ? 'warning' : 'plain')]
  })
  return [...facts, fact('From', from, 'code'), fact('Network', network)]
}

/** What the rules about recipients found: first payment, look-alike of a known address. */
function warnings({ reasons, effects }: Transaction): Fact[] {
  const payees = effects.flatMap((effect) => ('to' in effect ? effect.to : 'spender' in effect ? effect.spender : []))
  return reasons
    .filter((reason) => reason.tier !== 'INSTANT' && payees.some((payee) => reason.message.includes(payee)))
    .map((reason) => fact('Recipient check', oneLine(reason.message), 'warning'))
}

function costFacts(transaction: Transaction, facts: ApprovalFacts | undefined): Fact[] {
  if (facts === undefined) {
    return transaction.maxFee === undefined ? [] : [fact('Fee at most', `${transaction.maxFee} base units`)]
  }
  const { balance, usd } = facts
  return [
    fact('Fee at most', `${facts.humanMaxFee} ${oneLine(facts.feeSymbol)} (${facts.maxFee} base units)`),
    ...(usd === undefined ? [] : [fact('Worth', `$${oneLine(usd)}`)]),
    ...(balance === undefined
      ? []
      : [fact('Balance', `${balance.before} ${oneLine(balance.symbol)} before, ${balance.after} after`)]),
  ]
}

function timeFacts({ approval, executesAt, memo, downgraded }: Transaction): Fact[] {
  return [
    ...(memo === undefined ? [] : [fact('Memo', oneLine(memo))]),
    ...(downgraded ? [fact('Note', 'No owner can sign for this agent: it waits for time instead.', 'warning')] : []),
    ...(approval === undefined ? [] : [fact('Expires', isoTime(approval.expiresAt))]),
    ...(executesAt === undefined || approval !== undefined ? [] : [fact('Is sent at', isoTime(executesAt))]),
  ]
}

function fact(label: string, value: string, tone: Fact['tone'] = 'plain'): Fact {
  return { label, value, tone }
}
