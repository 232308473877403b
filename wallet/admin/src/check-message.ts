import type { ChallengeView, PolicyChallengeView } from '@waiaas/core'

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

/** The same for a policy that is to be loosened: the words of the change, the agents and the digest. */
export function findPolicyContradiction({ scheme, message, policyChange }: PolicyChallengeView): string | undefined {
  const stated = policyReaders[scheme](message)
  if (stated === undefined) return 'the message has another form'
  const code = policyChange.shortCode.replace('-', '').toLowerCase()
  if (stated.digest.slice(0, code.length) !== code) return 'the message has another code'
  if (policyChange.agents.some(({ id }) => !stated.text.includes(id))) return 'the message is about another agent'
  if (stated.lines(policyChange.lines)) return undefined
  return 'the message says another change'
}

type StatedChange = { digest: string; text: string; lines: (shown: readonly string[]) => boolean }

const policyReaders: Record<PolicyChallengeView['scheme'], (message: string) => StatedChange | undefined> = {
  eip712: (text) => {
    const { action, agents, change, digest } = readTyped(text, 'PolicyChange') ?? {}
    if (action !== 'Loosen policy' || typeof digest !== 'string') return undefined
    if (!Array.isArray(agents) || !Array.isArray(change)) return undefined
    const lines = (shown: readonly string[]) => JSON.stringify(change) === JSON.stringify(shown)
    return { digest: digest.replace(/^0x/, ''), text: agents.join('\n'), lines }
  },
  solana: (text) => {
    const urn = /^- urn:waiaas:policy_change:([0-9a-f]{64})$/m.exec(text)
    if (urn === null) return undefined
    // A statement has no room for every character: what it cannot hold stands there as a question mark.
    const plain = (line: string) => line.replace(/[^A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;= ]/gu, '?')
    return { digest: urn[1] ?? '', text, lines: (shown) => text.includes(`: ${shown.map(plain).join('; ')}.\n`) }
  },
}

type Stated = { action: string; transactionId: string; digest: string; text: string }

const readers: Record<ChallengeView['scheme'], (message: string) => Stated | undefined> = {
  eip712: readTypedData,
  solana: readSignIn,
}

const ACTIONS: Readonly<Record<string, string>> = { 'Approve payment': 'approve', 'Reject payment': 'reject' }

function readTypedData(text: string): Stated | undefined {
  const message = readTyped(text, 'Approval')
  if (message === undefined) return undefined
  const { action, transactionId, digest, effects, from } = message
  const isWhole = [action, transactionId, digest, from].every((field) => typeof field === 'string')
  if (!isWhole || !Array.isArray(effects)) return undefined
  return {
    action: ACTIONS[action as string] ?? '',
    transactionId: transactionId as string,
    digest: (digest as string).replace(/^0x/, ''),
    text: [from, ...effects].join('\n'),
  }
}

/** The fields of typed data of this wallet, of one kind. */
function readTyped(text: string, primaryType: string): Record<string, unknown> | undefined {
  let value: { domain?: { name?: unknown }; primaryType?: unknown; message?: Record<string, unknown> } | null
  try {
    value = JSON.parse(text)
  } catch {
    // No JSON is no typed data.
    return undefined
  }
  return value?.domain?.name === 'WAIaaS' && value.primaryType === primaryType ? value.message : undefined
}

function readSignIn(text: string): Stated | undefined {
  const urn = /^- urn:waiaas:(approve|reject):([0-9a-f]{64})$/m.exec(text)
  const request = /^Request ID: (\S+)$/m.exec(text)
  if (urn === null || request === null) return undefined
  return { action: urn[1] ?? '', transactionId: request[1] ?? '', digest: urn[2] ?? '', text }
}
