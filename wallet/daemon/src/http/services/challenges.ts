import { randomBytes } from 'node:crypto'
import { newId } from '@openpista/common'
import {
  type ApprovalContent,
  approvalDigest,
  approvalSolanaMessage,
  approvalTypedData,
  type ChainFamily,
  type ChallengeView,
  type CommandChallengeView,
  type CreateChallenge,
  commandDigest,
  commandMessage,
  type NetworkName,
  type OwnerAction,
  type OwnerCommandContent,
  type OwnerQuestion,
  type PolicyChallengeView,
  type PolicyChangeContent,
  type PolicyChangeQuestion,
  parseSignIn,
  policyChangeDigest,
  policyChangeMessage,
  policyChangeTypedData,
  policyChangeView,
} from '@waiaas/core'
import type { Insertable, Kysely } from 'kysely'
import type { ChainAdapter } from '../../chains/chain-adapter.ts'
import { approvalContent } from '../../engine/approval.ts'
import type { Engine } from '../../engine/engine.ts'
import type { SteadyClock } from '../../engine/steady-clock.ts'
import type { Tables } from '../../store/tables.ts'
import { fail } from '../fail.ts'
import { describeApproval, findWaiting } from './describe-approval.ts'
import { parseOwner } from './owner-account.ts'
import { changeContent, planChange, soleOwner } from './policy-change.ts'
import { withdrawTarget } from './withdraw.ts'

export type Challenges = {
  /**
   * A message for the owner to sign: this action, this transaction and its effects, this change of the policies or
   * this agent, once, within five minutes.
   *
   * @throws AppError OWNER_NOT_CONNECTED, AGENT_NOT_FOUND, INVALID_ADDRESS, and what `findWaiting` and `planChange`
   * throw.
   */
  create: (request: CreateChallenge, host: string) => Promise<AnyChallenge>
}

type AnyChallenge = ChallengeView | PolicyChallengeView | CommandChallengeView

const LIFETIME_SECONDS = 300
/** The message travels back in a header, in base64url. */
const MAX_MESSAGE_BYTES = 9000

export type ChallengeParts = {
  db: Kysely<Tables>
  clock: SteadyClock
  engine: Pick<Engine, 'view'>
  adapters: ReadonlyMap<NetworkName, Pick<ChainAdapter, 'balance'>>
}

export function createChallenges(parts: ChallengeParts): Challenges {
  return {
    create: async (request, host) => {
      switch (request.action) {
        case 'approve':
        case 'reject':
          return await askApproval(parts, request.action, request.resourceId, host)
        case 'policy_change':
          return await askPolicyChange(parts, request, host)
        default:
          return await askCommand(parts, request, host)
      }
    },
  }
}

async function askApproval(
  parts: ChallengeParts,
  action: OwnerAction,
  transactionId: string,
  host: string,
): Promise<ChallengeView> {
  const now = parts.clock.seconds()
  const { row, view, expiresAt: waitsUntil } = await findWaiting(parts, transactionId, now)
  const { agent, owner } = await ownedAgent(parts.db, row.agent_id)
  const content = approvalContent(row, view.from)
  const question: OwnerQuestion = {
    action,
    agentName: agent.name,
    ownerAddress: owner.address,
    domain: host,
    issuedAt: now,
    expiresAt: Math.min(now + LIFETIME_SECONDS, waitsUntil),
    nonce: newNonce(),
  }
  const { scheme, message } = wordings[owner.family](content, question)
  const digest = approvalDigest(content)
  const { expiresAt } = question
  const id = await keep(parts.db, now, {
    action,
    agent_id: agent.id,
    resource_id: row.id,
    owner_address: owner.address,
    scheme,
    message,
    digest,
    expires_at: expiresAt,
  })
  const approval = await describeApproval(parts, { content, view, digest, agentName: agent.name })
  return { id, action, message, scheme, ownerAddress: owner.address, expiresAt, approval }
}

async function askPolicyChange(
  parts: ChallengeParts,
  { resourceId: agentId, change }: Extract<CreateChallenge, { action: 'policy_change' }>,
  host: string,
): Promise<PolicyChallengeView> {
  const now = parts.clock.seconds()
  const { owner } = await ownedAgent(parts.db, agentId)
  const planned = await planChange(parts.db, change, now)
  if (!planned.loosened.some(({ id }) => id === agentId)) {
    throw fail('APPROVAL_NOT_FOUND', 'This loosens nothing for that agent: its owner has nothing to sign.')
  }
  soleOwner(planned)
  const content = await changeContent(parts.db, planned)
  const question: PolicyChangeQuestion = {
    owner: { address: owner.address, family: owner.family, ...(owner.network && { network: owner.network }) },
    domain: host,
    issuedAt: now,
    expiresAt: now + LIFETIME_SECONDS,
    nonce: newNonce(),
  }
  const { scheme, message } = changeWordings[owner.family](content, question)
  if (Buffer.byteLength(message) > MAX_MESSAGE_BYTES) {
    throw fail('VALIDATION_FAILED', 'The change is too long to be read and signed at once.', {
      hint: 'Make it in several steps.',
    })
  }
  const [action, { expiresAt }] = ['policy_change' as const, question]
  const id = await keep(parts.db, now, {
    action,
    agent_id: agentId,
    resource_id: change.kind === 'create' ? agentId : change.id,
    owner_address: owner.address,
    scheme,
    message,
    digest: policyChangeDigest(content),
    expires_at: expiresAt,
  })
  const policyChange = policyChangeView(content)
  return { id, action, message, scheme, ownerAddress: owner.address, expiresAt, policyChange }
}

async function askCommand(
  parts: ChallengeParts,
  request: Extract<CreateChallenge, { action: OwnerCommandContent['command'] }>,
  host: string,
): Promise<CommandChallengeView> {
  const now = parts.clock.seconds()
  const { agent, owner } = await ownedAgent(parts.db, request.resourceId)
  const open =
    request.action === 'kill_switch' ? await openStop(parts.db, agent.id, owner.address, host, now) : undefined
  if (open !== undefined) return open
  const content: OwnerCommandContent = {
    command: request.action,
    agent,
    owner: { address: owner.address, family: owner.family, ...(owner.network && { network: owner.network }) },
    ...(request.action === 'set_owner' ? { newOwner: parseOwner(request.newOwner).text } : {}),
    ...(request.action === 'withdraw_address' ? { withdrawTo: withdrawTarget(agent, request.address) } : {}),
    domain: host,
    issuedAt: now,
    expiresAt: now + LIFETIME_SECONDS,
    nonce: newNonce(),
  }
  const [action, message, { expiresAt }] = [request.action, commandMessage(content), content]
  const scheme = signInSchemes[owner.family]
  const id = await keep(parts.db, now, {
    action,
    agent_id: agent.id,
    resource_id: agent.id,
    owner_address: owner.address,
    scheme,
    message,
    digest: commandDigest(content),
    expires_at: expiresAt,
  })
  return { id, action, message, scheme, ownerAddress: owner.address, expiresAt }
}

/** Time to sign that an open challenge must still leave. */
const LEAST_SECONDS = 120

/**
 * A challenge for the emergency stop that is open already. Nobody may use up an owner's way to it, so asking for one
 * has no rate limit; asking often leaves no rows either.
 */
async function openStop(
  db: Kysely<Tables>,
  agentId: string,
  ownerAddress: string,
  host: string,
  now: number,
): Promise<CommandChallengeView | undefined> {
  const rows = await db
    .selectFrom('challenges')
    .selectAll()
    .where('resource_id', '=', agentId)
    .where('action', '=', 'kill_switch')
    .where('owner_address', '=', ownerAddress)
    .where('used_at', 'is', null)
    .where('expires_at', '>=', now + LEAST_SECONDS)
    .execute()
  const row = rows.find(({ message }) => parseSignIn(message)?.domain === host)
  if (row === undefined || row.scheme === 'eip712') return undefined
  const { id, message, scheme, expires_at: expiresAt } = row
  return { id, action: 'kill_switch', message, scheme, ownerAddress, expiresAt }
}

const signInSchemes = { evm: 'siwe', solana: 'solana' } as const satisfies Record<ChainFamily, string>

async function ownedAgent(db: Kysely<Tables>, id: string) {
  const agent = await db.selectFrom('agents').selectAll().where('id', '=', id).executeTakeFirst()
  if (agent === undefined) throw fail('AGENT_NOT_FOUND', `There is no agent ${id}.`)
  const { owner_address: address, owner_family: family, owner_network: network } = agent
  if (address === null || family === null) {
    throw fail('OWNER_NOT_CONNECTED', 'No owner is registered for this agent.')
  }
  return { agent, owner: { address, family, network } }
}

type NewChallenge = Omit<Insertable<Tables['challenges']>, 'id' | 'used_at' | 'created_at'>

async function keep(db: Kysely<Tables>, now: number, challenge: NewChallenge): Promise<string> {
  const id = newId()
  await db.deleteFrom('challenges').where('expires_at', '<', now).where('used_at', 'is', null).execute()
  await db
    .insertInto('challenges')
    .values({ ...challenge, id, used_at: null, created_at: now })
    .execute()
  return id
}

function newNonce(): string {
  return randomBytes(16).toString('hex')
}

type Wording = (
  content: ApprovalContent,
  question: OwnerQuestion,
) => { scheme: ChallengeView['scheme']; message: string }

const wordings: Record<ChainFamily, Wording> = {
  evm: (content, question) => ({
    scheme: 'eip712',
    message: JSON.stringify(approvalTypedData(content, question)),
  }),
  solana: (content, question) => ({ scheme: 'solana', message: approvalSolanaMessage(content, question) }),
}

type ChangeWording = (
  content: PolicyChangeContent,
  question: PolicyChangeQuestion,
) => { scheme: PolicyChallengeView['scheme']; message: string }

const changeWordings: Record<ChainFamily, ChangeWording> = {
  evm: (content, question) => ({ scheme: 'eip712', message: JSON.stringify(policyChangeTypedData(content, question)) }),
  solana: (content, question) => ({ scheme: 'solana', message: policyChangeMessage(content, question) }),
}
