import { AppError, type Clock, immediate, type Logger } from '@openpista/common'
import type { Kysely } from 'kysely'
import type { CheckpointSigner } from './signer/signer.ts'
import { appendEvent } from './store/events.ts'
import type { Tables } from './store/tables.ts'
import { CHECKPOINT_EVENT, CHECKPOINT_EVERY } from './store/verify-audit.ts'

export type Checkpoints = {
  /** Signs the last entry, so that nothing of this run can be cut off unseen. */
  close: () => Promise<void>
}

const TICK_MILLIS = 250

/**
 * Has every hundredth entry of the audit log signed, and tells the signer of the newest one, within a moment of their
 * writing. An entry that can be read here is on disk.
 *
 * @throws AppError AUDIT_ROLLED_BACK when the log is not the one whose entries were signed before.
 */
export async function startCheckpoints(parts: {
  db: Kysely<Tables>
  signer: CheckpointSigner
  clock: Clock
  log: Logger
}): Promise<Checkpoints> {
  const { db, signer, clock, log } = parts
  let signed = await checkedLast(db, signer)
  const sign = async (seq: number) => {
    const hash = (await entryHash(db, seq))!
    const checkpoint = await signer.signCheckpoint({ seq, hash, at: clock.seconds() })
    await immediate(db, (transaction) =>
      appendEvent(transaction, checkpoint.at, { type: CHECKPOINT_EVENT, actor: 'signer', data: { ...checkpoint } }),
    )
    signed = seq
  }
  const catchUp = async () => {
    const { seq: last } = await lastEntry(db)
    const next = () => (Math.floor(signed / CHECKPOINT_EVERY) + 1) * CHECKPOINT_EVERY
    while (next() <= last) await sign(next())
    await tellHead()
  }
  let told = 0
  const tellHead = async () => {
    const head = await db
      .selectFrom('events')
      .select(['seq', 'hash'])
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (head === undefined || head.seq === told) return
    await signer.noteHead(head)
    told = head.seq
  }

  let running: Promise<void> | undefined
  const tick = () => {
    running ??= catchUp()
      .catch((error: unknown) => log.error({ err: error }, 'A checkpoint of the audit log failed; it is made again.'))
      .finally(() => {
        running = undefined
      })
  }
  const timer = setInterval(tick, TICK_MILLIS)
  return {
    close: async () => {
      clearInterval(timer)
      await running
      await catchUp()
      const last = await lastEntry(db)
      if (last.type !== CHECKPOINT_EVENT) await sign(last.seq)
    },
  }
}

/** The number of the last entry that was signed; 0 before the first. */
async function checkedLast(db: Kysely<Tables>, signer: CheckpointSigner): Promise<number> {
  const last = await signer.lastCheckpoint()
  if (last === undefined) return 0
  for (const { seq, hash } of [last, ...(last.head === undefined ? [] : [last.head])]) {
    if (seq === 0 || (await entryHash(db, seq)) === hash) continue
    throw new AppError('AUDIT_ROLLED_BACK', `The signer has seen entry ${seq} of the audit log, and it is gone.`, {
      hint: 'The database was exchanged or cut. Restore database and keystore from one backup: waiaas restore <file>',
    })
  }
  return last.seq
}

async function entryHash(db: Kysely<Tables>, seq: number): Promise<string | undefined> {
  const row = await db.selectFrom('events').select('hash').where('seq', '=', seq).executeTakeFirst()
  return row?.hash
}

async function lastEntry(db: Kysely<Tables>): Promise<{ seq: number; type: string }> {
  const row = await db.selectFrom('events').select(['seq', 'type']).orderBy('seq', 'desc').limit(1).executeTakeFirst()
  return row ?? { seq: 0, type: CHECKPOINT_EVENT }
}
