import type { ApprovalContent } from '@waiaas/core'
import type { TransactionRow } from '../store/transactions.ts'
import { readEffects } from './stored-draft.ts'

/** What an owner's yes to this waiting row covers. The signing page shows it, and `approve` holds to it. */
export function approvalContent(row: TransactionRow, from: string): ApprovalContent {
  const { max_fee, policy_version, approval_expires_at, approval_nonce } = row
  if (max_fee === null || policy_version === null || approval_expires_at === null || approval_nonce === null) {
    throw new Error(`transaction ${row.id} does not wait for an approval`)
  }
  return {
    transactionId: row.id,
    agentId: row.agent_id,
    network: row.network,
    from,
    effects: readEffects(row),
    maxFee: BigInt(max_fee),
    policyVersion: policy_version,
    expiresAt: approval_expires_at,
    nonce: approval_nonce,
  }
}
