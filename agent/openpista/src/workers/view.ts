import type { Kysely } from 'kysely'
import type { Provenance } from '../domain/provenance.ts'
import type { Tables } from '../store/tables.ts'
import { usedBelow } from '../store/usage.ts'
import type { WorkerRow } from '../store/workers.ts'
import type { Budget, WorkerReport, WorkerView } from './worker.ts'

export async function readView(db: Kysely<Tables>, row: WorkerRow): Promise<WorkerView> {
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    budget: JSON.parse(row.budget) as Budget,
    used: await usedBelow(db, row.session_id),
    startedAt: row.created_at,
    endedAt: row.ended_at ?? undefined,
  }
}

/** Of a worker that has ended. */
export async function readReport(db: Kysely<Tables>, row: WorkerRow): Promise<WorkerReport> {
  const sources = JSON.parse(row.sources ?? '[]') as Provenance[]
  return { ...(await readView(db, row)), text: row.report ?? '', sources }
}
