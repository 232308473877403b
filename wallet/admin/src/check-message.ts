import type { ChallengeView } from '@waiaas/core'

/**
 * Whether the message that the wallet is about to sign says what this page shows: the same answer, transaction,
 * sender, amounts, recipients and digest.
 *
 * @returns what differs, in words, or `undefined`.
 */
export function findContradiction(challenge: ChallengeView): string | undefined {
  const stated = readers[challenge.scheme](challenge.message)
  if (stated === undefined) return 'the message has another form'
  const { approval, action } = challenge
  const code = approval.shortCode.replace('-', '').toLowerCase()
  if (stated.action !== action) return 'the message is another answer'
  if (stated.transactionId !== approval.transactionId) return 'the message is about another transaction'
  if (stated.digest.slice(0, code.length) !== code) return 'the message has another code'
  if (!stated.text.includes(approval.from)) return 'the message names another sender'
  for (const effect of approval.effects) {
    if (effect.kind !== 'spend' && effect.kind !== 'grant') continue
    const payee = effect.kind === 'spend' ? effect.to : effect.spender
    if (!stated.text.includes(payee)) return 'the message names another recipient'
    if (!stated.text.includes(`(${effect.amount} base units)`)) return 'the message names another amount'
  }
  return undefined
}

type Stated = { action: string; transactionId: string; digest: string; text: string }

const readers: Record<ChallengeView['scheme'], (message: string) => Stated | undefined> = {
  eip712: readTypedData,
  solana: readSignIn,
}

const ACTIONS: Readonly<Record<string, string>> = { 'Approve payment': 'approve', 'Reject payment': 'reject' }

function readTypedData(text: string): Stated | undefined {
  let value: { domain?: { name?: unknown }; primaryType?: unknown; message?: Record<string, unknown> } | null
  try {
    value = JSON.parse(text)
  } catch {
    // No JSON is no typed data.
    return undefined
  }
  if (value?.domain?.name !== 'WAIaaS' || value.primaryType !== 'Approval' || value.message === undefined)
    return undefined
  const { action, transactionId, digest, effects, from } = value.message
  const isWhole = [action, transactionId, digest, from].every((field) => typeof field === 'string')
  if (!isWhole || !Array.isArray(effects)) return undefined
  return {
    action: ACTIONS[action as string] ?? '',
    transactionId: transactionId as string,
    digest: (digest as string).replace(/^0x/, ''),
    text: [from, ...effects].join('\n'),
  }
}

function readSignIn(text: string): Stated | undefined {
  const urn = /^- urn:waiaas:(approve|reject):([0-9a-f]{64})$/m.exec(text)
  const request = /^Request ID: (\S+)$/m.exec(text)
  if (urn === null || request === null) return undefined
  return { action: urn[1] ?? '', transactionId: request[1] ?? '', digest: urn[2] ?? '', text }
}
