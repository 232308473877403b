import { appendAudit } from '../store/audit.ts'
import type { Store, Transaction } from '../store/store.ts'
import type { Skill, SkillFile } from './skill.ts'

/** What the owner has decided about the skill of a name: the states that he approved and was shown last, by hash. */
export type Pin = { approved: string | null; seen: string }

/** The owner's decisions, kept in the database. */
export type Pins = {
  all: () => Promise<ReadonlyMap<string, Pin>>
  /** The files as they were approved, to show what changed since. */
  approvedFiles: (name: string) => Promise<SkillFile[] | undefined>
  noteSeen: (name: string, hash: string) => Promise<void>
  approve: (skill: Skill) => Promise<void>
  /** Answers whether there was something to take back. */
  revoke: (name: string) => Promise<boolean>
}

export function createPins(store: Store, now: () => number): Pins {
  return {
    all: async () => {
      const rows = await store.db.selectFrom('skills').selectAll().execute()
      return new Map(rows.map((row) => [row.name, { approved: row.approved_hash, seen: row.seen_hash }]))
    },
    approvedFiles: async (name) => {
      const rows = await store.db.selectFrom('skill_files').selectAll().where('name', '=', name).execute()
      return rows.length === 0 ? undefined : rows.map(({ path, content }) => ({ path, content: Buffer.from(content) }))
    },
    noteSeen: async (name, hash) => {
      const row = { name, approved_hash: null, seen_hash: hash, updated_at: now() }
      await store.write(async (transaction) => {
        await transaction
          .insertInto('skills')
          .values(row)
          .onConflict((conflict) => conflict.column('name').doUpdateSet({ seen_hash: hash }))
          .execute()
      })
    },
    approve: async (skill) => {
      const { name, hash, permissions, mode, image = null } = skill
      await store.write(async (transaction) => {
        await keep(transaction, skill, now())
        const data = { name, hash, permissions, mode, image }
        await appendAudit(transaction, now(), { type: 'skill.approved', sessionId: null, data })
      })
    },
    revoke: async (name) =>
      await store.write(async (transaction) => {
        await transaction.deleteFrom('skill_files').where('name', '=', name).execute()
        const gone = await transaction.deleteFrom('skills').where('name', '=', name).executeTakeFirst()
        if (gone.numDeletedRows === 0n) return false
        await appendAudit(transaction, now(), { type: 'skill.revoked', sessionId: null, data: { name } })
        return true
      }),
  }
}

async function keep(transaction: Transaction, { name, hash, files }: Skill, at: number): Promise<void> {
  await transaction.deleteFrom('skill_files').where('name', '=', name).execute()
  const state = { approved_hash: hash, updated_at: at }
  await transaction.updateTable('skills').set(state).where('name', '=', name).execute()
  const rows = files.map(({ path, content }) => ({ name, path, content: new Uint8Array(content) }))
  for (const row of rows) await transaction.insertInto('skill_files').values(row).execute()
}
