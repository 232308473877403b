import type { NetworkName } from '@waiaas/core'
import { type Insertable, type Kysely, type Selectable, sql, type Updateable } from 'kysely'
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

type Patch = Pick<
  Updateable<Tables['attempts']>,
  'state' | 'origin' | 'block_number' | 'block_hash' | 'proof' | 'next_look' | 'looks'
>

/** Changes what is known of a signature. */
export async function patchAttempt(db: Kysely<Tables>, id: string, known: Patch): Promise<void> {
  await patch(db, { id, ...known })
}

const patch = statement((db, { id, ...known }: { id: string } & Patch) =>
  db.updateTable('attempts').set(known).where('id', '=', id),
)

/** Signatures whose end is not proven, oldest first; on demand those of transactions made elsewhere, too. */
export async function openAttempts(
  db: Kysely<Tables>,
  network: NetworkName,
  which: 'own' | 'own and outside',
): Promise<AttemptRow[]> {
  return await (which === 'own' ? own : ownAndOutside)(db, { network })
}

/** With the states in the text: only then does SQLite see that the index of open ones has them all. */
function openIn(db: Kysely<Tables>, network: NetworkName) {
  const open = sql<boolean>`state IN ('LIVE', 'INCLUDED')`
  return db.selectFrom('attempts').selectAll().where('network', '=', network).where(open).orderBy('id')
}

const own = statement((db, { network }: { network: NetworkName }) =>
  openIn(db, network).where(sql<boolean>`purpose <> 'OUTSIDE'`),
)
const ownAndOutside = statement((db, { network }: { network: NetworkName }) => openIn(db, network))

/** The newest signatures that are in a block for good, newest first. */
export async function newestFinal(db: Kysely<Tables>, network: NetworkName, most: number): Promise<AttemptRow[]> {
  return await db
    .selectFrom('attempts')
    .selectAll()
    .where('network', '=', network)
    .where(sql<boolean>`state = 'FINAL'`)
    .where('block_number', 'is not', null)
    .orderBy('id', 'desc')
    .limit(most)
    .execute()
}

/** Forgets in which blocks final signatures are: the chain that had them is gone. */
export async function forgetBlocks(db: Kysely<Tables>, network: NetworkName): Promise<void> {
  await db
    .updateTable('attempts')
    .set({ block_number: null, block_hash: null })
    .where('network', '=', network)
    .where(sql<boolean>`state = 'FINAL'`)
    .execute()
}

/** Signatures that are watched after their end, and whose time has come. */
export async function dueLooks(db: Kysely<Tables>, now: number): Promise<AttemptRow[]> {
  return await db
    .selectFrom('attempts')
    .selectAll()
    .where('next_look', 'is not', null)
    .where('next_look', '<=', now)
    .orderBy('next_look')
    .limit(sql.lit(256))
    .execute()
}

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
  return await ofTransaction(db, { transactionId })
}

const ofTransaction = statement((db, { transactionId }: { transactionId: string }) =>
  db.selectFrom('attempts').selectAll().where('transaction_id', '=', transactionId).orderBy('id'),
)
