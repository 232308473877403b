import {
  type EffectView,
  humanUnits,
  isFinal,
  type Notice,
  networkOf,
  type Reason,
  type TransactionView,
} from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Tables } from '../store/tables.ts'
import { findTransaction, type TransactionRow, waitsOf } from '../store/transactions.ts'
import type { Request } from './accept.ts'
import { readNotice } from './notice.ts'
import type { Context } from './parts.ts'
import { effectView, isOutside, readDraft, readEffects } from './stored-draft.ts'

export type Views = {
  of: (row: TransactionRow) => Promise<TransactionView>
  /** `undefined` when there is no such transaction. */
  find: (id: string) => Promise<TransactionView | undefined>
}

type ViewParts = Pick<Context, 'db' | 'walletOf' | 'approvalUrl' | 'clock'>

/** Transactions as callers see them. */
export function createViews(parts: ViewParts): Views {
  const { db, walletOf } = parts
  const of = async (row: TransactionRow) => {
    const view = transactionView(parts, row, (await walletOf(row)).address)
    const signed = isOutside(row) && row.hash !== null ? await signedBytes(db, row) : undefined
    return signed === undefined ? view : { ...view, signedTransaction: signed }
  }
  return {
    of,
    find: async (id) => {
      const row = await findTransaction(db, id)
      return row === undefined ? undefined : await of(row)
    },
  }
}

function transactionView({ clock, approvalUrl }: ViewParts, row: TransactionRow, from: string): TransactionView {
  const effects: EffectView[] = readEffects(row).map(effectView)
  const reasons = JSON.parse(row.reasons) as Reason[]
  const request = JSON.parse(row.request) as Request
  const { delay, approval } = row.status === 'QUEUED' ? waitsOf(row) : {}
  return {
    id: row.id,
    agentId: row.agent_id,
    type: row.type,
    network: row.network,
    from,
    status: row.status,
    outcomeUnknown: row.outcome_unknown === 1,
    closing: row.closing !== null && !isFinal(row.status),
    reasons,
    effects,
    downgraded: row.downgraded === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ...present({
      to: 'to' in request ? request.to : undefined,
      memo: 'memo' in request ? request.memo : undefined,
      tier: row.tier,
      maxFee: row.max_fee,
      fee: row.fee,
      hash: row.hash,
      notice: noticeOf(row),
      executesAt: delay === undefined ? row.executes_at : clock.ends(delay),
      policyVersion: row.policy_version,
      error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? '' },
      approval: approval === undefined ? null : { expiresAt: clock.ends(approval), url: approvalUrl(row.id) },
    }),
    ...amountOf(row),
  }
}

/** Of a transaction that is over, only what is not proven about its end. */
function noticeOf(row: TransactionRow): Notice | undefined {
  const notice = readNotice(row)
  const isAboutTheEnd = notice?.code === 'WRITTEN_OFF' || notice?.code === 'FOUND_PAID'
  return isFinal(row.status) && !isAboutTheEnd ? undefined : notice
}

/** The signed bytes of a transaction made elsewhere, while its agent may spend. */
async function signedBytes(db: Kysely<Tables>, row: TransactionRow): Promise<string | undefined> {
  const found = await db
    .selectFrom('attempts')
    .innerJoin('agents', (join) => join.on('agents.id', '=', row.agent_id).on('agents.status', '=', 'ACTIVE'))
    .select('attempts.raw')
    .where('attempts.transaction_id', '=', row.id)
    .where('attempts.purpose', '=', 'OUTSIDE')
    .executeTakeFirst()
  return found === undefined ? undefined : networkOf(row.network).transactionText(found.raw)
}

function amountOf(row: TransactionRow): Pick<TransactionView, 'amount' | 'humanAmount' | 'symbol'> {
  if (row.draft === null) return {}
  const { amount, asset } = readDraft(row)
  return { amount: amount.toString(), humanAmount: humanUnits(amount, asset), symbol: asset.symbol }
}

/** Without the members that are null or undefined. */
function present<Value extends object>(value: Value): { [Key in keyof Value]?: NonNullable<Value[Key]> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null && member !== undefined)) as {
    [Key in keyof Value]?: NonNullable<Value[Key]>
  }
}
