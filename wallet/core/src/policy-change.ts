import { z } from 'zod'
import { formatUnits } from './amount.ts'
import { shortCode } from './approval.ts'
import { canonicalHash, type Json } from './canonical.ts'
import { type ChainFamily, type NetworkName, networkOf } from './network.ts'
import { CreatePolicy, UpdatePolicy } from './policy.ts'
import { formatSignIn, namesChain, signInText } from './sign-in.ts'

/** A change of the policy set, as the routes of policies take it. */
export const PolicyChange = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('create'), policy: CreatePolicy }),
  z.strictObject({ kind: z.literal('update'), id: z.uuid(), change: UpdatePolicy }),
  z.strictObject({ kind: z.literal('delete'), id: z.uuid() }),
])
export type PolicyChange = z.infer<typeof PolicyChange>

/** A row before or after a change, as far as a person has to know it. */
export type ChangedPolicy = {
  agentId: string | null
  network: NetworkName | null
  type: string
  rules: unknown
  priority: number
  enabled: boolean
}

/** What an owner says yes to who lets the policy be loosened. */
export type PolicyChangeContent = {
  change: PolicyChange
  /** The owner's agents that it loosens, or may loosen. */
  agents: readonly { id: string; name: string }[]
  /** Of the whole set; with any other change in between the signature says nothing any more. */
  policyVersion: number
  /** The change in words. */
  lines: readonly string[]
}

/** One question to the owner. */
export type PolicyChangeQuestion = {
  owner: { address: string; family: ChainFamily; network?: NetworkName }
  /** Host and port of the daemon. */
  domain: string
  /** Unix seconds. */
  issuedAt: number
  expiresAt: number
  /** Single use, at least eight letters and digits. */
  nonce: string
}

/** SHA-256 over the change, the version that it changes and the agents that it loosens, 64 hex digits. */
export function policyChangeDigest({ change, agents, policyVersion }: Omit<PolicyChangeContent, 'lines'>): string {
  const agentIds = agents.map(({ id }) => id).sort()
  return canonicalHash({ command: 'policy_change', change: plain(change), agentIds, policyVersion })
}

/** The words of a change: its place first, then every value that differs, on a line of its own. */
export function describePolicyChange(
  before: ChangedPolicy | undefined,
  after: ChangedPolicy | undefined,
  agentName: (id: string) => string,
): string[] {
  const row = after ?? before
  if (row === undefined) return []
  const verb = before === undefined ? 'Add' : after === undefined ? 'Remove' : 'Change'
  const whose = row.agentId === null ? 'all agents' : `agent ${agentName(row.agentId)} (${row.agentId})`
  const where = row.network === null ? 'all networks' : row.network
  const say = (side: ChangedPolicy | undefined) =>
    side === undefined ? [] : leaves(facts(side)).map((leaf) => ({ ...leaf, value: inCoins(leaf, row.network) }))
  return [`${verb} ${row.type} for ${whose} on ${where}`, ...differences(say(before), say(after))].map(oneLine)
}

export const POLICY_CHANGE_TYPES = {
  PolicyChange: [
    { name: 'action', type: 'string' },
    { name: 'agents', type: 'string[]' },
    { name: 'change', type: 'string[]' },
    { name: 'policyVersion', type: 'uint256' },
    { name: 'expiresAt', type: 'uint256' },
    { name: 'nonce', type: 'string' },
    { name: 'digest', type: 'bytes32' },
  ],
} as const

/** EIP-712 typed data for an EVM owner, ready for `eth_signTypedData_v4`. */
export function policyChangeTypedData(content: PolicyChangeContent, question: PolicyChangeQuestion) {
  return {
    domain: { name: 'WAIaaS', version: '1' },
    types: {
      EIP712Domain: [
        { name: 'name', type: 'string' },
        { name: 'version', type: 'string' },
      ],
      ...POLICY_CHANGE_TYPES,
    },
    primaryType: 'PolicyChange' as const,
    message: {
      action: 'Loosen policy',
      agents: content.agents.map(agentText),
      change: [...content.lines],
      policyVersion: content.policyVersion.toString(),
      expiresAt: question.expiresAt.toString(),
      nonce: question.nonce,
      digest: `0x${policyChangeDigest(content)}`,
    },
  }
}

/** The same as a sign-in message, whose bytes can never be a transaction. */
export function policyChangeMessage(content: PolicyChangeContent, question: PolicyChangeQuestion): string {
  const { owner, domain } = question
  const chainId = networkOf(owner.network ?? 'ethereum-mainnet').chainId
  const what = `Loosen the policy of ${content.agents.map(agentText).join(', ')}: ${content.lines.join('; ')}.`
  return formatSignIn({
    family: owner.family,
    domain,
    address: owner.address,
    statement: signInText(what),
    uri: `http://${domain}`,
    version: '1',
    ...(namesChain(owner.family) ? { chainId: String(chainId) } : {}),
    nonce: question.nonce,
    issuedAt: new Date(question.issuedAt * 1000).toISOString(),
    expirationTime: new Date(question.expiresAt * 1000).toISOString(),
    resources: [`urn:waiaas:policy_change:${policyChangeDigest(content)}`],
  })
}

/** POST /v1/owner/challenges for a change that loosens: what to sign, and everything to look at before. */
export const PolicyChallengeView = z
  .object({
    id: z.uuid(),
    action: z.literal('policy_change'),
    /** Exactly what goes back, base64url, in X-Owner-Message: the typed data as JSON, or the text to sign. */
    message: z.string(),
    scheme: z.enum(['eip712', 'solana']),
    ownerAddress: z.string(),
    expiresAt: z.number().int(),
    policyChange: z.object({
      /** What is loosened. */
      agents: z.array(z.object({ id: z.uuid(), name: z.string() })),
      /** The change in words, as the message says it. */
      lines: z.array(z.string()),
      policyVersion: z.number().int(),
      shortCode: z.string(),
    }),
  })
  .meta({ id: 'PolicyChallenge' })
export type PolicyChallengeView = z.infer<typeof PolicyChallengeView>

/** What the page and the terminal show beside the message. */
export function policyChangeView(content: PolicyChangeContent): PolicyChallengeView['policyChange'] {
  const { agents, lines, policyVersion } = content
  return {
    agents: agents.map(({ id, name }) => ({ id, name })),
    lines: [...lines],
    policyVersion,
    shortCode: shortCode(policyChangeDigest(content)),
  }
}

function agentText({ id, name }: { id: string; name: string }): string {
  return `${oneLine(name)} (${id})`
}

function facts({ rules, priority, enabled }: ChangedPolicy): Json {
  return { priority, enabled, rules: plain(rules) }
}

/** As it would be read back from JSON; fractions, which canonical JSON has no form for, as text. */
function plain(value: unknown): Json {
  const isFraction = (member: unknown) => typeof member === 'number' && !Number.isSafeInteger(member)
  const text = JSON.stringify(value ?? null, (_, member) => (isFraction(member) ? `number ${member}` : member))
  return JSON.parse(text) as Json
}

type Leaf = { path: string; value: string; listed: boolean }

/** Every value with the way to it. The members of a list of texts stand for themselves, in no order. */
function leaves(value: Json, path = '', listed = false): Leaf[] {
  const isText = typeof value !== 'object' || value === null
  if (isText) return [{ path, value: typeof value === 'string' ? value : JSON.stringify(value), listed }]
  if (Array.isArray(value)) {
    if (value.length === 0) return [{ path, value: 'an empty list', listed: false }]
    const texts = value.every((member) => typeof member === 'string')
    return value.flatMap((member, index) => leaves(member, texts ? path : `${path}[${index + 1}]`, texts))
  }
  const members = Object.entries(value)
  if (members.length === 0) return [{ path, value: 'nothing', listed: false }]
  return members.flatMap(([key, member]) => leaves(member!, path === '' || path === 'rules' ? key : `${path}.${key}`))
}

/** Limits of native coins count base units; nobody counts their zeros. */
function inCoins({ path, value }: Leaf, network: NetworkName | null): string {
  if (!/^(instant|notify|delay)_max$/.test(path) || !/^\d+$/.test(value)) return value
  const natives = (network === null ? COINS : [network]).map((name) => networkOf(name).native)
  const texts = natives.map(({ decimals, symbol }) => `${formatUnits(BigInt(value), decimals)} ${symbol}`)
  return `${value} base units (${texts.join(' or ')})`
}

/** One network of each family stands for all of them where a row names none. */
const COINS = ['ethereum-mainnet', 'solana-mainnet'] as const satisfies readonly NetworkName[]

function differences(before: readonly Leaf[], after: readonly Leaf[]): string[] {
  const same = (one: Leaf) => (other: Leaf) => one.path === other.path && one.value === other.value
  const gone = before.filter((leaf) => !after.some(same(leaf)))
  const come = after.filter((leaf) => !before.some(same(leaf)))
  const lines: string[] = []
  for (const leaf of gone) {
    const next = leaf.listed ? undefined : come.find(({ path, listed }) => path === leaf.path && !listed)
    if (next === undefined) lines.push(`${leaf.path}: no longer ${leaf.value}`)
    else lines.push(`${leaf.path}: ${next.value} instead of ${leaf.value}`)
  }
  for (const leaf of come) {
    const replaces = !leaf.listed && gone.some(({ path, listed }) => path === leaf.path && !listed)
    if (!replaces) lines.push(`${leaf.path}: ${leaf.listed && before.length > 0 ? 'also ' : ''}${leaf.value}`)
  }
  return lines
}

/** Without control and direction characters: values come from strangers and must not forge a line. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ')
}
