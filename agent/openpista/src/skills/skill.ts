import { createHash } from 'node:crypto'
import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import { type Entry, mapOf, type Parsed, readFrontMatter, textOf } from './front-matter.ts'

/** One file of a skill's folder; `path` with `/`, from the folder on. */
export type SkillFile = { path: string; content: Buffer }

/** What a skill's program may touch. */
export type Permissions = { network: boolean; workspace: 'none' | 'read' | 'write' }

/** A skill as its files say it. It says nothing about whether the owner wants it. */
export type Skill = {
  name: string
  description: string
  mode: 'subprocess' | 'wasm'
  /** Container image, or the name that the configuration gives to one. */
  image: string | undefined
  permissions: Permissions
  /** What SKILL.md tells the model, without the front matter. */
  body: string
  /** The file that `skill.run` starts; a skill without one only tells. */
  entry: string | undefined
  files: readonly SkillFile[]
  /** SHA-256 over every path and every byte. */
  hash: string
}

export const SKILL_FILE = 'SKILL.md'
export const SKILL_NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/
const MAX_NAME = 64
const MAX_DESCRIPTION = 1024

/** In the order in which they are looked for. */
const SCRIPTS = ['run.sh', 'main.py', 'main.sh', 'main.js', 'main.ts']
const MODULE = 'main.wasm'

const PermissionMap = z.strictObject({
  network: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true'),
  workspace: z.enum(['none', 'read', 'write']).default('read'),
})

/** Whether a folder may be called so, and with it the skill in it. */
export function isSkillName(name: string): boolean {
  return name.length <= MAX_NAME && SKILL_NAME.test(name)
}

/**
 * The skill in these files. `name` is that of the folder; one in the front matter has to be the same.
 * Keys that other programs have a use for are passed over.
 */
export function readSkill(name: string, files: readonly SkillFile[]): Parsed<Skill> {
  const main = files.find(({ path }) => path === SKILL_FILE)
  if (main === undefined) return { ok: false, why: `it has no ${SKILL_FILE}` }
  const front = readFrontMatter(main.content.toString('utf8'))
  if (!front.ok) return front
  const { keys, body } = front.value
  const texts = readTexts(keys)
  if (!texts.ok) return texts
  const { name: ownName = name, description = '', mode, image } = texts.value
  if (ownName !== name) return { ok: false, why: `it is named '${oneLine(ownName)}' but its folder '${name}'` }
  if (description === '') return { ok: false, why: 'it has no description' }
  if (description.length > MAX_DESCRIPTION)
    return { ok: false, why: `its description is above ${MAX_DESCRIPTION} characters` }
  if (mode !== undefined && mode !== 'subprocess' && mode !== 'wasm')
    return { ok: false, why: `its mode '${oneLine(mode)}' is neither subprocess nor wasm` }
  const permissions = readPermissions(keys.get('permissions'))
  if (!permissions.ok) return permissions
  const started = entryOf(mode, files)
  if (started.mode === 'wasm' && image !== undefined) return { ok: false, why: 'a module of mode wasm has no image' }
  const read = { name, description, image, permissions: permissions.value, body, ...started }
  return { ok: true, value: { ...read, files, hash: hashOf(files) } }
}

/** What tells one state of a folder from another: the order of the files does not matter, each byte does. */
export function hashOf(files: readonly SkillFile[]): string {
  const whole = createHash('sha256')
  for (const { path, content } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    whole.update(`${path}\0${content.length}\0${createHash('sha256').update(content).digest('hex')}\n`)
  }
  return whole.digest('hex')
}

function readTexts(keys: ReadonlyMap<string, Entry>): Parsed<Record<string, string | undefined>> {
  const read: Record<string, string> = {}
  for (const key of ['name', 'description', 'mode', 'image']) {
    const entry = keys.get(key)
    if (entry === undefined) continue
    const text = textOf(entry)
    if (!text.ok) return { ok: false, why: `${key}: ${text.why}` }
    if (text.value !== '') read[key] = text.value
  }
  return { ok: true, value: read }
}

/** A permission that is not known here is refused: nobody could hold it back. */
function readPermissions(entry: Entry | undefined): Parsed<Permissions> {
  const map = entry === undefined ? ({ ok: true, value: {} } as const) : mapOf(entry)
  if (!map.ok) return { ok: false, why: `permissions: ${map.why}` }
  const read = PermissionMap.safeParse(map.value)
  if (read.success) return { ok: true, value: read.data }
  const [issue] = read.error.issues
  return { ok: false, why: oneLine(`permissions: ${[...issue!.path, issue!.message].join(': ')}`) }
}

function entryOf(mode: 'subprocess' | 'wasm' | undefined, files: readonly SkillFile[]): Pick<Skill, 'mode' | 'entry'> {
  const has = (name: string) => files.some(({ path }) => path === name)
  const script = SCRIPTS.find(has)
  const isModule = mode === 'wasm' || (mode === undefined && script === undefined && has(MODULE))
  if (!isModule) return { mode: 'subprocess', entry: script }
  return { mode: 'wasm', entry: has(MODULE) ? MODULE : undefined }
}
