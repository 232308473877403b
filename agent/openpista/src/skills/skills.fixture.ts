import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openStore, type Store } from '../store/store.ts'
import { createSkills, type Skills } from './skills.ts'

export type SkillsFixture = AsyncDisposable & {
  workspace: string
  store: Store
  skills: Skills
  /** Writes a file of the folder `skills`. */
  put: (path: string, content: string | Uint8Array) => void
  /** What the owner does with `/skill show` and `/skill approve`. */
  approve: (name: string) => Promise<void>
}

/** A workspace without skills, and a database. */
export async function startSkills(): Promise<SkillsFixture> {
  const workspace = realpathSync(mkdtempSync(join(tmpdir(), 'skills-')))
  const store = await openStore(':memory:')
  const skills = createSkills({ store, workspace, confined: true, now: Date.now })
  return {
    workspace,
    store,
    skills,
    put: (path, content) => {
      const target = join(workspace, 'skills', path)
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, content)
    },
    approve: async (name) => {
      const review = await skills.review(name)
      if (!review.ok) throw new Error(review.why)
      await skills.noteSeen(name, review.value.hash)
      const code = /\/skill approve \S+ (\S+)$/.exec(review.value.pages.at(-1)!)![1]!
      const approved = await skills.approve(name, code)
      if (!approved.ok) throw new Error(approved.why)
    },
    [Symbol.asyncDispose]: async () => {
      await store.close()
      rmSync(workspace, { recursive: true })
    },
  }
}

/** A SKILL.md. */
export function skillText(description: string, more = ''): string {
  return `---\ndescription: ${description}\n${more}---\n\nDo it well.\n`
}
