import { join } from 'node:path'
import type { Store } from '../store/store.ts'
import { findSkills, readFiles, type SkillFault, type SkillPlace } from './folder.ts'
import type { Parsed } from './front-matter.ts'
import { createPins, type Pin } from './pins.ts'
import { codeOf, reviewPages } from './review.ts'
import { readSkill, type Skill } from './skill.ts'
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
  const pins = createPins(store, now)
  const find = async (name: string): Promise<Parsed<Skill>> => {
    const { places, faults } = await findSkills(root)
    const place = places.find((one) => one.name === name)
    if (place !== undefined) return await load(root, place)
    const fault = faults.find(({ where }) => where.split('/').at(-1) === name)
    return { ok: false, why: fault?.why ?? `Skill '${name}' not found in ${root}` }
  }
  return {
    index: async () => {
      const approved = await pins.all()
      const { places } = await findSkills(root)
      const known = places.filter(({ name }) => (approved.get(name)?.approved ?? null) !== null)
      const read = await Promise.all(known.map((place) => load(root, place)))
      const active = read.flatMap((one) => (one.ok ? [one.value] : []))
      return skillIndex(active.filter(({ name, hash }) => approved.get(name)?.approved === hash))
    },
    overview: async () => await overviewOf(root, await pins.all()),
    open: async (name) => {
      const found = await find(name)
      if (!found.ok) return found
      const state = stateOf(found.value, await pins.all())
      if (state === 'active') return found
      return { ok: false, why: `The skill '${name}' is ${state} and waits for the owner: /skill show ${name}` }
    },
    review: async (name) => {
      const found = await find(name)
      if (!found.ok) return found
      const pages = reviewPages(found.value, await pins.approvedFiles(name), confined)
      return { ok: true, value: { pages, hash: found.value.hash } }
    },
    noteSeen: pins.noteSeen,
    approve: async (name, code) => {
      const found = await find(name)
      if (!found.ok) return found
      const { hash } = found.value
      const seen = (await pins.all()).get(name)?.seen
      if (seen !== hash || codeOf(hash) !== code) return { ok: false, why: NOT_SEEN(name) }
      await pins.approve(found.value)
      return { ok: true, value: `The skill '${name}' may be used now, as long as nothing in it changes.` }
    },
    revoke: pins.revoke,
  }
}

async function overviewOf(root: string, approved: ReadonlyMap<string, Pin>): Promise<SkillOverview> {
  const { places, faults } = await findSkills(root)
  const overview: SkillOverview = { active: [], inactive: [], faults: [...faults] }
  for (const place of places) {
    const read = await load(root, place)
    const { name } = place
    const state = read.ok ? stateOf(read.value, approved) : undefined
    if (!read.ok) overview.faults.push({ where: name, why: read.why })
    else if (state === 'active') overview.active.push(read.value)
    else if (state !== undefined) overview.inactive.push({ name, state })
  }
  return overview
}

function stateOf({ name, hash }: Skill, approved: ReadonlyMap<string, Pin>): 'active' | 'new' | 'changed' {
  const pinned = approved.get(name)?.approved ?? null
  if (pinned === null) return 'new'
  return pinned === hash ? 'active' : 'changed'
}

const NOT_SEEN = (name: string) =>
  `This is not the state that you were shown last. Look at it first: /skill show ${name}`

async function load(root: string, place: SkillPlace): Promise<Parsed<Skill>> {
  const files = await readFiles(root, place)
  return files.ok ? readSkill(place.name, files.value) : files
}
