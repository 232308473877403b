import { join } from 'node:path'
import { appendAudit } from '../store/audit.ts'
import type { Store, Transaction } from '../store/store.ts'
import { findSkills, readFiles, type SkillFault, type SkillPlace } from './folder.ts'
import type { Parsed } from './front-matter.ts'
import { codeOf, reviewPages } from './review.ts'
import { readSkill, type Skill, type SkillFile } from './skill.ts'
import { skillIndex } from './skill-index.ts'

/** The skills of a workspace, and which states of them the owner approved. */
export type Skills = {
  /** For the system prompt. */
  index: () => Promise<string>
  overview: () => Promise<SkillOverview>
  /** A skill that may be used now: its files are, byte for byte, what the owner approved. */
  open: (name: string) => Promise<Parsed<Skill>>
  /** What the owner has to see before a new or changed skill may be used. */
  review: (name: string) => Promise<Parsed<{ pages: string[]; hash: string }>>
  /** The owner was shown the last page of the review of that state. */
  noteSeen: (name: string, hash: string) => Promise<void>
  /** `code` stands at the end of the review; it is that of one state of the skill. Answers in words. */
  approve: (name: string, code: string) => Promise<Parsed<string>>
  /** Answers whether it was approved. */
  revoke: (name: string) => Promise<boolean>
}

export type SkillOverview = {
  active: Skill[]
  inactive: { name: string; state: 'new' | 'changed' }[]
  faults: SkillFault[]
}

export type SkillsParts = {
  store: Store
  workspace: string
  /** Whether scripts run in a sandbox that holds them to their permissions. */
  confined: boolean
  now: () => number
}

export function createSkills({ store, workspace, confined, now }: SkillsParts): Skills {
  const root = join(workspace, 'skills')
  const pins = async () => {
    const rows = await store.db.selectFrom('skills').selectAll().execute()
    return new Map(rows.map((row) => [row.name, row]))
  }
  const find = async (name: string): Promise<Parsed<Skill>> => {
    const { places, faults } = await findSkills(root)
    const place = places.find((one) => one.name === name)
    if (place !== undefined) return await load(root, place)
    const fault = faults.find(({ where }) => where.split('/').at(-1) === name)
    return { ok: false, why: fault?.why ?? `Skill '${name}' not found in ${root}` }
  }
  return {
    index: async () => {
      const approved = await pins()
      const { places } = await findSkills(root)
      const known = places.filter(({ name }) => approved.get(name)?.approved_hash != null)
      const read = await Promise.all(known.map((place) => load(root, place)))
      const active = read.flatMap((one) => (one.ok ? [one.value] : []))
      return skillIndex(active.filter(({ name, hash }) => approved.get(name)?.approved_hash === hash))
    },
    overview: async () => {
      const approved = await pins()
      const { places, faults } = await findSkills(root)
      const overview: SkillOverview = { active: [], inactive: [], faults: [...faults] }
      for (const place of places) {
        const read = await load(root, place)
        const { name } = place
        const pinned = approved.get(name)?.approved_hash ?? null
        if (!read.ok) overview.faults.push({ where: name, why: read.why })
        else if (pinned === read.value.hash) overview.active.push(read.value)
        else overview.inactive.push({ name, state: pinned === null ? 'new' : 'changed' })
      }
      return overview
    },
    open: async (name) => {
      const found = await find(name)
      if (!found.ok) return found
      const pinned = (await pins()).get(name)?.approved_hash ?? null
      if (pinned === found.value.hash) return found
      const state = pinned === null ? 'new' : 'changed'
      const why = `The skill '${name}' is ${state} and waits for the owner: /skill show ${name}`
      return { ok: false, why }
    },
    review: async (name) => {
      const found = await find(name)
      if (!found.ok) return found
      const before = await approvedFiles(store, name)
      return { ok: true, value: { pages: reviewPages(found.value, before, confined), hash: found.value.hash } }
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
    approve: async (name, code) => {
      const found = await find(name)
      if (!found.ok) return found
      const skill = found.value
      const seen = (await pins()).get(name)?.seen_hash
      if (seen !== skill.hash || codeOf(skill.hash) !== code) return { ok: false, why: NOT_SEEN(name) }
      await store.write(async (transaction) => {
        await keep(transaction, skill, now())
        const { hash, permissions, mode, image = null } = skill
        const data = { name, hash, permissions, mode, image }
        await appendAudit(transaction, now(), { type: 'skill.approved', sessionId: null, data })
      })
      return { ok: true, value: `The skill '${name}' may be used now, as long as nothing in it changes.` }
    },
    revoke: async (name) =>
      await store.write(async (transaction) => {
        const gone = await transaction.deleteFrom('skills').where('name', '=', name).executeTakeFirst()
        if (gone.numDeletedRows === 0n) return false
        await appendAudit(transaction, now(), { type: 'skill.revoked', sessionId: null, data: { name } })
        return true
      }),
  }
}

const NOT_SEEN = (name: string) =>
  `This is not the state that you were shown last. Look at it first: /skill show ${name}`

async function load(root: string, place: SkillPlace): Promise<Parsed<Skill>> {
  const files = await readFiles(root, place)
  return files.ok ? readSkill(place.name, files.value) : files
}

async function approvedFiles(store: Store, name: string): Promise<SkillFile[] | undefined> {
  const rows = await store.db.selectFrom('skill_files').select(['path', 'content']).where('name', '=', name).execute()
  return rows.length === 0 ? undefined : rows.map(({ path, content }) => ({ path, content: Buffer.from(content) }))
}

/** The approved files are kept to show what changes later. */
async function keep(transaction: Transaction, { name, hash, files }: Skill, at: number): Promise<void> {
  await transaction.deleteFrom('skill_files').where('name', '=', name).execute()
  const state = { approved_hash: hash, updated_at: at }
  await transaction.updateTable('skills').set(state).where('name', '=', name).execute()
  const rows = files.map(({ path, content }) => ({ name, path, content: new Uint8Array(content) }))
  for (const row of rows) await transaction.insertInto('skill_files').values(row).execute()
}
