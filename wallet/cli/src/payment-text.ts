import { findNetwork, formatUnits, isFinal, type TransactionView } from '@waiaas/core'
import { effectText } from './effect-text.ts'

/** A fee in base units, in whole coins of its network: `0.00021 ETH`. */
export function feeText(network: string, baseUnits: bigint): string {
  const { symbol, decimals } = findNetwork(network)!.native
  return `${formatUnits(baseUnits, decimals)} ${symbol}`
}

/** True where signed bytes exist that can still take effect: ending the payment may cost a fee. */
export function isOut({ status }: Pick<TransactionView, 'status'>): boolean {
  return status === 'SIGNED' || status === 'SUBMITTED'
}

export function statusText({ status, closing }: Pick<TransactionView, 'status' | 'closing'>): string {
  if (status === 'CANCELLED') return 'CANCELLED: nothing was paid'
  return closing ? `${status}, closing` : status
}

/** A payment in a few lines, for a list. */
export function summaryLines(view: TransactionView, agentName: string): string[] {
  const { id, network, hash, createdAt } = view
  return [
    [id, timeText(createdAt), agentName, network, statusText(view)].join('  '),
    `  ${whatText(view)}`,
    ...(hash === undefined ? [] : [`  hash ${hash}`]),
    ...feeTexts(view).map((fee) => `  fee ${fee}`),
    ...noticeLines(view).map((line) => `  ${line}`),
    ...(view.error === undefined ? [] : [`  ${view.error.code}: ${view.error.message}`]),
  ]
}

/** Everything about a payment, and which commands can follow. */
export function detailLines(view: TransactionView, agentName: string): string[] {
  const { amount, humanAmount, symbol, to, hash, memo, error } = view
  const facts: [name: string, text: string | undefined][] = [
    ['Payment', view.id],
    ['Created', timeText(view.createdAt)],
    ['Changed', timeText(view.updatedAt)],
    ['Agent', `${agentName} (${view.agentId})`],
    ['Network', view.network],
    ['From', view.from],
    ['To', to],
    ['Amount', amount === undefined ? undefined : `${humanAmount} ${symbol} (${amount} base units)`],
    ...view.effects.map((effect): [string, string] => ['Does', effectText(effect)]),
    ...feeTexts(view).map((fee): [string, string] => ['Fee', fee]),
    ['Memo', memo],
    ['Status', statusText(view)],
    ['Hash', hash],
    ...noticeLines(view).map((line, at): [string, string] => [at === 0 ? 'Notice' : '', line]),
    ['Error', error === undefined ? undefined : `${error.code}: ${error.message}`],
    ...nextSteps(view).map((step, at): [string, string] => [at === 0 ? 'Next' : '', step]),
  ]
  return facts.flatMap(([name, text]) => (text === undefined ? [] : [`${name.padEnd(9)}${text}`]))
}

/** Why a payment is not over, in full: what the daemon says, what the node said, and what it waits for. */
export function noticeLines({ notice }: Pick<TransactionView, 'notice'>): string[] {
  if (notice === undefined) return []
  const { code, message, nodeWords, nonce, since, waitsFor, usually } = notice
  return [
    `${code}: ${message}`,
    ...(nodeWords === undefined ? [] : [`The node said: ${nodeWords}`]),
    ...(nonce === undefined ? [] : [`Nonce ${nonce}`]),
    `Waits for: ${waitsFor}. Usually: ${usually}. Since ${timeText(since)}`,
  ]
}

/** Commands that can follow, each with what it does. */
export function nextSteps(view: TransactionView): string[] {
  const { id, status, closing, notice, type, network, from } = view
  if (isFinal(status)) return []
  const held =
    notice?.code === 'ACCOUNT_HELD' ? [step(`account release ${network} ${from}`, 'release the account')] : []
  const prove = step(`tx prove ${id} --rpc <url>`, 'prove its outcome on a node of your choice')
  const asPaid = step(`tx write-off ${id} --as-paid`, 'end it without a proof, as paid')
  if (type === 'SIGN' && isOut(view))
    return ['The program that asked for the signature sends it, or does not.', ...held, prove, asPaid]
  const doctor = notice?.code === 'NOT_SIGNED' ? [step('doctor', 'check the nodes and the signer')] : []
  if (!isOut(view)) return [...waitingSteps(view), ...held, ...doctor, step(`tx cancel ${id}`, 'cancel it')]
  const cancel = notice?.code === 'CANCELLING' ? [] : [step(`tx cancel ${id}`, 'cancel it')]
  const byHand = [
    prove,
    asPaid,
    step(`tx write-off ${id} --as-unpaid --amount <base units>`, 'end it without a proof, as unpaid'),
  ]
  if (!closing) return [...held, ...cancel, ...byHand]
  const whileClosing = [
    step(`tx cancel ${id} --max-fee <base units>`, 'change the highest fee for closing it'),
    step(`tx continue ${id}`, 'send it again, if nothing that replaces it was signed'),
  ]
  return [...held, ...cancel, ...whileClosing, ...byHand]
}

function waitingSteps({ id, status, approval, executesAt }: TransactionView): string[] {
  if (approval !== undefined) {
    return [
      `The owner decides until ${timeText(approval.expiresAt)}: ${approval.url}`,
      step(`approve ${id}`, "approve it with the owner's wallet"),
      step(`approve ${id} --reject`, "reject it with the owner's wallet"),
    ]
  }
  if (status !== 'QUEUED' || executesAt === undefined) return []
  return [`It is sent at ${timeText(executesAt)}, unless it is cancelled before.`]
}

function step(command: string, effect: string): string {
  return `waiaas ${command}  (${effect})`
}

/** What was paid for the transaction, once known; the most that may be paid before. */
function feeTexts({ network, fee, maxFee }: TransactionView): string[] {
  if (fee !== undefined) return [`${feeText(network, BigInt(fee))} (${fee} base units)`]
  if (maxFee === undefined) return []
  return [`at most ${feeText(network, BigInt(maxFee))} (${maxFee} base units)`]
}

function whatText({ humanAmount, symbol, to, type }: TransactionView): string {
  const amount = humanAmount === undefined ? type : `${humanAmount} ${symbol}`
  return to === undefined ? amount : `${amount} to ${to}`
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}
