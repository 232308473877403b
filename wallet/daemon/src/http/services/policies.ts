import { immediate } from '@openpista/common'
import type { Json, PolicyChange, PolicyView, ReplayPolicies, ReplayView } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { SteadyClock } from '../../engine/steady-clock.ts'
import { appendEvent } from '../../store/events.ts'
import { nextPolicyVersion, type PolicyRow, policiesAt, removePolicy, savePolicy } from '../../store/policies.ts'
import type { Tables } from '../../store/tables.ts'
import type { OwnerIdentity } from '../auth/identity.ts'
import { assertMayChange, type PlannedChange, planChange } from './policy-change.ts'
import { replayPolicies } from './policy-replay.ts'

/** Tightening is the operator's alone; what loosens a locked-in owner's agent needs that owner's signature too. */
export type Policies = {
  /**
   * Answers the row as it is then, or as it was last where it is removed.
   *
   * @param proof the owner's signature over a challenge for exactly this change of the set as it is now.
   * @throws AppError AGENT_NOT_FOUND, POLICY_NOT_FOUND, VALIDATION_FAILED, OWNER_APPROVAL_REQUIRED, INVALID_SIGNATURE.
   */
  change: (change: PolicyChange, proof: OwnerIdentity | undefined) => Promise<PolicyView>
  /** The global ones, and the agent's where one is named; all without an agent. As of a version of the set, or now. */
  list: (query: { agentId?: string | undefined; version?: number | undefined }) => Promise<PolicyView[]>
  /** What a draft would have said to the transactions of the last days. */
  replay: (draft: ReplayPolicies) => Promise<ReplayView>
}

export function createPolicies(parts: { db: Kysely<Tables>; clock: SteadyClock }): Policies {
  const { db, clock } = parts
  return {
    change: async (change, proof) => {
      const now = clock.seconds()
      return await immediate(db, async (transaction) => {
        const planned = await planChange(transaction, change, now)
        assertMayChange(planned, proof)
        return await carryOut(transaction, now, planned, planned.loosened.length > 0 ? proof : undefined)
      })
    },
    list: async ({ agentId, version }) => {
      const rows = await (version === undefined
        ? db.selectFrom('policies').selectAll().orderBy('id').execute()
        : policiesAt(db, version))
      const wanted = (row: PolicyRow) => agentId === undefined || row.agent_id === null || row.agent_id === agentId
      return rows.filter(wanted).map(policyView)
    },
    replay: (draft) => replayPolicies(parts, draft),
  }
}

async function carryOut(
  transaction: Kysely<Tables>,
  now: number,
  { change, before, after, strictness }: PlannedChange,
  proof: OwnerIdentity | undefined,
): Promise<PolicyView> {
  const version = await nextPolicyVersion(transaction)
  const row = { ...(after ?? before!), version }
  if (after === undefined) await removePolicy(transaction, row.id, version)
  else await savePolicy(transaction, row)
  const view = policyView(row)
  await appendEvent(transaction, now, {
    type: EVENTS[change.kind],
    actor: 'admin',
    ...(row.agent_id === null ? {} : { agentId: row.agent_id }),
    data: { policy: view as unknown as Json, strictness, ...(proof === undefined ? {} : { owner: signedBy(proof) }) },
  })
  return view
}

const EVENTS = { create: 'POLICY_CREATED', update: 'POLICY_UPDATED', delete: 'POLICY_DELETED' } as const

function signedBy({ ownerAddress, challengeId, digest, signature }: OwnerIdentity): Json {
  return { address: ownerAddress, challengeId, digest, signature }
}

function policyView(row: PolicyRow): PolicyView {
  return {
    id: row.id,
    ...(row.agent_id === null ? {} : { agentId: row.agent_id }),
    ...(row.network === null ? {} : { network: row.network }),
    type: row.type as PolicyView['type'],
    rules: JSON.parse(row.rules),
    priority: row.priority,
    enabled: row.enabled === 1,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
