import { type EffectView, formatUnits, type Reason, type TransactionRequest, type TransactionView } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Tables } from '../store/tables.ts'
import { findTransaction, type TransactionRow } from '../store/transactions.ts'
import { effectView, readDraft, readEffects } from './stored-draft.ts'

/** The transaction as callers see it, or `undefined` when there is none. */
export async function findView(
  db: Kysely<Tables>,
  id: string,
  approvalUrl: (id: string) => string,
): Promise<TransactionView | undefined> {
  const row = await findTransaction(db, id)
  if (row === undefined) return undefined
  const wallet = await db
    .selectFrom('wallets')
    .select('address')
    .where('id', '=', row.wallet_id)
    .executeTakeFirstOrThrow()
  return transactionView(row, wallet.address, approvalUrl)
}

export function transactionView(
  row: TransactionRow,
  from: string,
  approvalUrl: (id: string) => string,
): TransactionView {
  const effects: EffectView[] = readEffects(row).map(effectView)
  const reasons = JSON.parse(row.reasons) as Reason[]
  const request = JSON.parse(row.request) as TransactionRequest
  const expiresAt = row.status === 'QUEUED' ? row.approval_expires_at : null
  return {
    id: row.id,
    agentId: row.agent_id,
    type: row.type,
    network: row.network,
    from,
    status: row.status,
    outcomeUnknown: row.outcome_unknown === 1,
    reasons,
    effects,
    downgraded: row.downgraded === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ...present({
      to: request.to,
      memo: request.memo,
      tier: row.tier,
      maxFee: row.max_fee,
      fee: row.fee,
      hash: row.hash,
      executesAt: row.executes_at,
      policyVersion: row.policy_version,
      error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? '' },
      approval: expiresAt === null ? null : { expiresAt, url: approvalUrl(row.id) },
    }),
    ...amountOf(row),
  }
}

function amountOf(row: TransactionRow): Pick<TransactionView, 'amount' | 'humanAmount' | 'symbol'> {
  if (row.draft === null) return {}
  const { amount, asset } = readDraft(row)
  return { amount: amount.toString(), humanAmount: formatUnits(amount, asset.decimals), symbol: asset.symbol }
}

/** Without the members that are null or undefined. */
function present<Value extends object>(value: Value): { [Key in keyof Value]?: NonNullable<Value[Key]> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null && member !== undefined)) as {
    [Key in keyof Value]?: NonNullable<Value[Key]>
  }
}
