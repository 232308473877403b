import type { NetworkName } from '@waiaas/core'
import { type Insertable, type Kysely, type Selectable, sql } from 'kysely'
import { statement } from './statement.ts'
import type { Tables } from './tables.ts'

export type AttemptRow = Selectable<Tables['attempts']>
export type AttemptState = AttemptRow['state']

export async function insertAttempt(db: Kysely<Tables>, row: Insertable<Tables['attempts']>): Promise<void> {
  await insert(db, row)
}

export async function setAttemptState(db: Kysely<Tables>, id: string, state: AttemptState): Promise<void> {
  await setState(db, { id, state })
}

const insert = statement((db, row: Insertable<Tables['attempts']>) => db.insertInto('attempts').values(row))
const setState = statement((db, { id, state }: { id: string; state: AttemptState }) =>
  db.updateTable('attempts').set({ state }).where('id', '=', id),
)

/** Signatures whose end is not proven, oldest first; on demand those in a block that could still vanish too. */
export async function openAttempts(
  db: Kysely<Tables>,
  network: NetworkName,
  which: 'live' | 'live and included',
): Promise<AttemptRow[]> {
  return await (which === 'live' ? live : liveAndIncluded)(db, { network })
}

/** With the states in the text: only then does SQLite see that the index of open ones has them all. */
function openIn(db: Kysely<Tables>, network: NetworkName) {
  const open = sql<boolean>`state IN ('LIVE', 'INCLUDED')`
  return db.selectFrom('attempts').selectAll().where('network', '=', network).where(open).orderBy('id')
}

const live = statement((db, { network }: { network: NetworkName }) =>
  openIn(db, network).where(sql<boolean>`state = 'LIVE'`),
)
const liveAndIncluded = statement((db, { network }: { network: NetworkName }) => openIn(db, network))

/**
 * Of these signatures, those that are to be handed to the chain as long as their end is open: no living one has
 * taken their place, and their transaction still waits for the chain. One that fills a gap waits on its own.
 */
export async function currentAttempts(db: Kysely<Tables>, ids: readonly string[]): Promise<AttemptRow[]> {
  if (ids.length === 0) return []
  return await db
    .selectFrom('attempts')
    .innerJoin('transactions', 'transactions.id', 'attempts.transaction_id')
    .selectAll('attempts')
    .where('attempts.id', 'in', [...ids])
    .where('attempts.state', '=', 'LIVE')
    .where('attempts.purpose', '<>', 'OUTSIDE')
    .where(({ or, eb }) =>
      or([eb('attempts.purpose', '=', 'FILL'), eb('transactions.status', 'in', ['SIGNED', 'SUBMITTED'])]),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('attempts as newer')
            .select('newer.id')
            .whereRef('newer.replaces', '=', 'attempts.id')
            .where('newer.state', '<>', 'DEAD'),
        ),
      ),
    )
    .execute()
}

/** The signature with this hash that may take effect, or has. */
export async function livingAttempt(db: Kysely<Tables>, hash: string): Promise<AttemptRow | undefined> {
  return await db
    .selectFrom('attempts')
    .selectAll()
    .where('hash', '=', hash)
    .where('state', '<>', 'DEAD')
    .executeTakeFirst()
}

export async function attemptsOf(db: Kysely<Tables>, transactionId: string): Promise<AttemptRow[]> {
  return await db.selectFrom('attempts').selectAll().where('transaction_id', '=', transactionId).orderBy('id').execute()
}
