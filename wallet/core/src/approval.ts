import { z } from 'zod'
import { formatUnits, humanUnits } from './amount.ts'
import { canonicalHash, type Json } from './canonical.ts'
import { assetKey, type Effect, EffectView } from './effect.ts'
import { type NetworkName, networkOf } from './network.ts'
import { isUnlimited } from './policy/grants.ts'
import { ReasonView } from './verdict.ts'

/**
 * What an owner's signature says yes to. The digest covers every field here and nothing else: a new
 * blockhash, nonce or a fee below the ceiling keeps an approval alive, any other change voids it.
 */
export type ApprovalContent = {
  transactionId: string
  agentId: string
  network: NetworkName
  from: string
  effects: readonly Effect[]
  /** Fee ceiling in base units of the native coin. */
  maxFee: bigint
  policyVersion: number
  /** Unix seconds. */
  expiresAt: number
  /** Single use, chosen by the daemon. */
  nonce: string
}

/** SHA-256 over the canonical JSON of the content, 64 hex digits. */
export function approvalDigest(content: ApprovalContent): string {
  return canonicalHash({
    transactionId: content.transactionId,
    agentId: content.agentId,
    network: networkOf(content.network).caip2,
    from: content.from,
    effects: content.effects.map(effectJson),
    maxFee: content.maxFee.toString(),
    policyVersion: content.policyVersion,
    expiresAt: content.expiresAt,
    nonce: content.nonce,
  })
}

/**
 * Plain words for one effect, both amounts: "Send 0.6 ETH (600000000000000000 base units) to 0x…". A token is told
 * by its address too, since it chose its symbol itself.
 */
export function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'spend':
      return `Send ${bothAmounts(effect)} to ${effect.to}${depositText(effect)}`
    case 'grant':
      return `Let ${effect.spender} take ${isUnlimited(effect.asset, effect.amount) ? 'without limit: ' : ''}${bothAmounts(effect)}`
    case 'call':
      return `Call ${effect.selector} of ${effect.target}`
    case 'deploy':
      return 'Deploy a contract'
    case 'sign':
      return `Sign a message (${effect.scheme})`
    case 'opaque':
      return `Something that cannot be read: ${effect.why}`
  }
}

export const APPROVAL_TYPES = {
  Approval: [
    { name: 'action', type: 'string' },
    { name: 'agent', type: 'string' },
    { name: 'network', type: 'string' },
    { name: 'from', type: 'string' },
    { name: 'effects', type: 'string[]' },
    { name: 'feeCeiling', type: 'string' },
    { name: 'expiresAt', type: 'uint256' },
    { name: 'transactionId', type: 'string' },
    { name: 'nonce', type: 'string' },
    { name: 'digest', type: 'bytes32' },
  ],
} as const

/** What an owner may answer to a transaction that waits; also the name of the route that takes the answer. */
export const OwnerAction = z.enum(['approve', 'reject'])
export type OwnerAction = z.infer<typeof OwnerAction>

/** One question to the owner. Its nonce makes every message different, so that a signature answers one question. */
export type OwnerQuestion = {
  action: OwnerAction
  agentName: string
  ownerAddress: string
  /** Host and port of the daemon. */
  domain: string
  /** Unix seconds. */
  issuedAt: number
  expiresAt: number
  /** Single use, at least eight letters and digits. */
  nonce: string
}

/** EIP-712 typed data for an EVM owner, ready for `eth_signTypedData_v4`. No chain id: it binds to the digest. */
export function approvalTypedData(content: ApprovalContent, question: OwnerQuestion) {
  const network = networkOf(content.network)
  const fee = `${formatUnits(content.maxFee, network.native.decimals)} ${network.native.symbol}`
  return {
    domain: { name: 'WAIaaS', version: '1' },
    types: {
      EIP712Domain: [
        { name: 'name', type: 'string' },
        { name: 'version', type: 'string' },
      ],
      ...APPROVAL_TYPES,
    },
    primaryType: 'Approval' as const,
    message: {
      action: actionWords[question.action],
      agent: oneLine(question.agentName),
      network: `${network.name} (${network.caip2})`,
      from: content.from,
      effects: content.effects.map((effect) => oneLine(describeEffect(effect))),
      feeCeiling: fee,
      expiresAt: question.expiresAt.toString(),
      transactionId: content.transactionId,
      nonce: question.nonce,
      digest: `0x${approvalDigest(content)}`,
    },
  }
}

/** Text for a Solana owner: the sign-in form, so that the bytes can never be a transaction message. */
export function approvalSolanaMessage(content: ApprovalContent, question: OwnerQuestion): string {
  const network = networkOf(content.network)
  const fee = `${formatUnits(content.maxFee, network.native.decimals)} ${network.native.symbol}`
  const what = content.effects.map(describeEffect).join('; ')
  const action = actionWords[question.action]
  return [
    `${question.domain} wants you to sign in with your Solana account:`,
    question.ownerAddress,
    '',
    oneLine(
      `${action} of agent ${question.agentName} from ${content.from} on ${network.name}: ${what}. Fee at most ${fee}.`,
    ),
    '',
    `URI: http://${question.domain}`,
    'Version: 1',
    `Nonce: ${question.nonce}`,
    `Issued At: ${new Date(question.issuedAt * 1000).toISOString()}`,
    `Expiration Time: ${new Date(question.expiresAt * 1000).toISOString()}`,
    `Request ID: ${content.transactionId}`,
    'Resources:',
    `- urn:waiaas:${question.action}:${approvalDigest(content)}`,
  ].join('\n')
}

/** POST /v1/owner/challenges: what to sign, and everything a person must see before signing. */
export const ChallengeView = z
  .object({
    id: z.uuid(),
    action: OwnerAction,
    /** Exactly what goes back, base64url, in X-Owner-Message: the typed data as JSON, or the text to sign. */
    message: z.string(),
    scheme: z.enum(['eip712', 'solana']),
    ownerAddress: z.string(),
    expiresAt: z.number().int(),
    approval: z.object({
      transactionId: z.uuid(),
      agent: z.object({ id: z.uuid(), name: z.string() }),
      network: z.string(),
      from: z.string(),
      effects: z.array(EffectView),
      maxFee: z.string(),
      humanMaxFee: z.string(),
      feeSymbol: z.string(),
      usd: z.string().optional(),
      balance: z.object({ before: z.string(), after: z.string(), symbol: z.string() }).optional(),
      reasons: z.array(ReasonView),
      expiresAt: z.number().int(),
      shortCode: z.string(),
      status: z.string(),
    }),
  })
  .meta({ id: 'Challenge' })
export type ChallengeView = z.infer<typeof ChallengeView>

const actionWords = { approve: 'Approve payment', reject: 'Reject payment' } as const satisfies Record<
  OwnerAction,
  string
>

/** Without control and direction characters: names and symbols come from strangers and must not forge a line. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ')
}

/** Six characters that a person compares between the chat's card and the signing page. */
export function shortCode(digestHex: string): string {
  return `${digestHex.slice(0, 3)}-${digestHex.slice(3, 6)}`.toUpperCase()
}

function depositText({ depositFor }: Extract<Effect, { kind: 'spend' }>): string {
  return depositFor === undefined ? '' : `, as the deposit of the new account ${depositFor}`
}

function bothAmounts(effect: Extract<Effect, { kind: 'spend' | 'grant' }>): string {
  const { amount, asset } = effect
  const { symbol, decimals, address, multiplier } = asset
  const token = address === undefined ? '' : ` of token ${address}`
  const plain =
    multiplier === undefined ? '' : `, ${formatUnits(amount, decimals)} before its multiplier ${multiplier},`
  return `${humanUnits(amount, asset)} ${symbol} (${amount} base units)${plain}${token}`
}

function effectJson(effect: Effect): Json {
  switch (effect.kind) {
    case 'spend':
      return {
        kind: 'spend',
        asset: assetKey(effect.asset),
        decimals: effect.asset.decimals,
        amount: effect.amount.toString(),
        to: effect.to,
      }
    case 'grant':
      return {
        kind: 'grant',
        asset: assetKey(effect.asset),
        decimals: effect.asset.decimals,
        amount: effect.amount.toString(),
        spender: effect.spender,
      }
    default:
      return { ...effect }
  }
}
