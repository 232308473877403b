import { randomBytes } from 'node:crypto'
import { type Clock, newId } from '@openpista/common'
import {
  type ApprovalContent,
  approvalDigest,
  approvalSolanaMessage,
  approvalTypedData,
  type ChainFamily,
  type ChallengeView,
  formatUnits,
  type NetworkName,
  networkOf,
  type OwnerAction,
  type OwnerQuestion,
  shortCode,
  type TransactionView,
} from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { ChainAdapter } from '../../chains/chain-adapter.ts'
import { approvalContent } from '../../engine/approval.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Tables } from '../../store/tables.ts'
import type { OwnerScheme } from '../auth/owner-signature.ts'
import { fail } from '../fail.ts'

export type Challenges = {
  /**
   * A message for the owner to sign: this action, this transaction, these effects, once, within five minutes.
   *
   * @throws AppError TX_NOT_FOUND, TX_ALREADY_PROCESSED, APPROVAL_NOT_FOUND, APPROVAL_TIMEOUT, OWNER_NOT_CONNECTED.
   */
  create: (request: { action: OwnerAction; transactionId: string; host: string }) => Promise<ChallengeView>
}

const LIFETIME_SECONDS = 300

export type ChallengeParts = {
  db: Kysely<Tables>
  clock: Clock
  engine: Pick<Engine, 'view'>
  adapters: ReadonlyMap<NetworkName, Pick<ChainAdapter, 'balance'>>
}

export function createChallenges(parts: ChallengeParts): Challenges {
  const { db, clock } = parts
  return {
    create: async ({ action, transactionId, host }) => {
      const now = clock.seconds()
      const { row, view } = await findWaiting(parts, transactionId, now)
      const agent = await db.selectFrom('agents').selectAll().where('id', '=', row.agent_id).executeTakeFirstOrThrow()
      if (agent.owner_address === null || agent.owner_family === null) {
        throw fail('OWNER_NOT_CONNECTED', 'No owner is registered for this agent.')
      }
      const content = approvalContent(row, view.from)
      const id = newId()
      const question: OwnerQuestion = {
        action,
        agentName: agent.name,
        ownerAddress: agent.owner_address,
        domain: host,
        issuedAt: now,
        expiresAt: Math.min(now + LIFETIME_SECONDS, content.expiresAt),
        nonce: randomBytes(16).toString('hex'),
      }
      const { scheme, message } = wordings[agent.owner_family](content, question)
      const digest = approvalDigest(content)
      await db.deleteFrom('challenges').where('expires_at', '<', now).where('used_at', 'is', null).execute()
      await db
        .insertInto('challenges')
        .values({
          id,
          action,
          transaction_id: row.id,
          owner_address: agent.owner_address,
          scheme,
          message,
          digest,
          expires_at: question.expiresAt,
          used_at: null,
          created_at: now,
        })
        .execute()
      return {
        id,
        action,
        message,
        scheme,
        ownerAddress: agent.owner_address,
        expiresAt: question.expiresAt,
        approval: await describe(parts, { content, view, digest, agentName: agent.name }),
      }
    },
  }
}

type Wording = (content: ApprovalContent, question: OwnerQuestion) => { scheme: OwnerScheme; message: string }

const wordings: Record<ChainFamily, Wording> = {
  evm: (content, question) => ({
    scheme: 'eip712',
    message: JSON.stringify(approvalTypedData(content, question)),
  }),
  solana: (content, question) => ({ scheme: 'solana', message: approvalSolanaMessage(content, question) }),
}

async function findWaiting(parts: ChallengeParts, id: string, now: number) {
  const [row, view] = await Promise.all([
    parts.db.selectFrom('transactions').selectAll().where('id', '=', id).executeTakeFirst(),
    parts.engine.view(id),
  ])
  if (row === undefined || view === undefined) throw fail('TX_NOT_FOUND', `There is no transaction ${id}.`)
  if (row.status === 'EXPIRED') throw fail('APPROVAL_TIMEOUT', 'The time for the approval is over.')
  if (row.status !== 'QUEUED') {
    const details = { status: row.status, ...(view.hash === undefined ? {} : { hash: view.hash }) }
    throw fail('TX_ALREADY_PROCESSED', `The transaction is ${row.status}; there is nothing to approve.`, { details })
  }
  if (row.approval_expires_at === null) throw fail('APPROVAL_NOT_FOUND', 'The transaction does not wait for the owner.')
  if (now >= row.approval_expires_at) throw fail('APPROVAL_TIMEOUT', 'The time for the approval is over.')
  return { row, view }
}

async function describe(
  parts: ChallengeParts,
  facts: { content: ApprovalContent; view: TransactionView; digest: string; agentName: string },
): Promise<ChallengeView['approval']> {
  const { content, view } = facts
  const { native } = networkOf(content.network)
  const balance = await nativeBalance(parts, content)
  return {
    transactionId: content.transactionId,
    agent: { id: content.agentId, name: facts.agentName },
    network: content.network,
    from: content.from,
    effects: view.effects,
    maxFee: content.maxFee.toString(),
    humanMaxFee: formatUnits(content.maxFee, native.decimals),
    feeSymbol: native.symbol,
    ...(balance === undefined ? {} : { balance }),
    reasons: view.reasons,
    expiresAt: content.expiresAt,
    shortCode: shortCode(facts.digest),
    status: view.status,
  }
}

/** The native balance now, and after the transaction with its highest fee; nothing where the node does not answer. */
async function nativeBalance(parts: ChallengeParts, content: ApprovalContent) {
  const { native } = networkOf(content.network)
  const result = await parts.adapters.get(content.network)?.balance(content.from)
  if (result === undefined || !result.ok) return undefined
  let after = result.amount - content.maxFee
  for (const effect of content.effects) {
    if (effect.kind === 'spend' && effect.asset.address === undefined) after -= effect.amount
  }
  const [before, rest] = [result.amount, after].map((amount) => formatUnits(amount, native.decimals))
  return { before: before!, after: rest!, symbol: native.symbol }
}
