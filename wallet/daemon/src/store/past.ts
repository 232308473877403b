import { limitKeys, looksAlike, type NetworkName, type Question } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** A moment: when a transaction was judged. What it took itself, and what came after it, does not count. */
type Moment = { transactionId: string; agentId: string; at: number }

export type Past = {
  /** What a question about totals would have been answered with. What was given back since does not count. */
  total: (moment: Moment, question: Exclude<Question, { kind: 'counterparty' }>) => bigint
  /** Whether the agent had paid an address by then, and which paid addresses look like it. */
  counterparty: (moment: Moment, address: string) => { known: boolean; lookAlikes: string[] }
}

type Entry = Moment & { keys: readonly string[]; amount: bigint; usdMicros: bigint }

/**
 * The ledger and the list of those who were paid, read once, as they stood at any moment since `from`.
 *
 * @param ago the stamp so many measured seconds before another one.
 */
export async function createPast(
  db: Kysely<Tables>,
  from: number,
  ago: (seconds: number, at: number) => number,
): Promise<Past> {
  const rows = await db
    .selectFrom('ledger')
    .select(['transaction_id', 'agent_id', 'asset', 'amount', 'usd_micros', 'at'])
    .where('state', '<>', 'RELEASED')
    .where('at', '>=', from)
    .orderBy('at')
    .execute()
  const entries = rows.map(
    (row): Entry => ({
      transactionId: row.transaction_id,
      agentId: row.agent_id,
      at: row.at,
      keys: keysOf(row.asset),
      amount: BigInt(row.amount),
      usdMicros: BigInt(row.usd_micros ?? 0),
    }),
  )
  const paid = await db.selectFrom('counterparties').selectAll().execute()
  const byAgent = Map.groupBy(entries, ({ agentId }) => agentId)
  return {
    total: (moment, question) => {
      const since = ago(question.seconds, moment.at)
      const counted = (byAgent.get(moment.agentId) ?? []).filter(
        (entry) => entry.at >= since && isBefore(entry, moment),
      )
      switch (question.kind) {
        case 'spent':
          return sum(counted.filter(({ keys }) => keys.includes(question.limitKey)).map(({ amount }) => amount))
        case 'spentUsd':
          return sum(counted.map(({ usdMicros }) => usdMicros))
        case 'count':
          return BigInt(new Set(counted.map(({ transactionId }) => transactionId)).size)
      }
    },
    counterparty: (moment, address) => {
      const known = paid
        .filter((row) => row.agent_id === moment.agentId && row.first_paid_at < moment.at)
        .map((row) => row.address)
      return { known: known.includes(address), lookAlikes: known.filter((other) => looksAlike(address, other)) }
    },
  }
}

/** Ids grow with time, which tells transactions of one second apart. */
function isBefore(entry: Moment, moment: Moment): boolean {
  if (entry.transactionId === moment.transactionId) return false
  return entry.at < moment.at || (entry.at === moment.at && entry.transactionId < moment.transactionId)
}

function keysOf(asset: string): string[] {
  const [network, address] = asset.split('/') as [NetworkName, string]
  return address === 'native' ? limitKeys({ network }) : [asset]
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
