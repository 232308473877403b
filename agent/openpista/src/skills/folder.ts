import { constants, type Dirent, existsSync } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { oneLine } from '../domain/one-line.ts'
import type { Parsed } from './front-matter.ts'
import { isSkillName, SKILL_FILE, type SkillFile } from './skill.ts'

const MAX_DEPTH = 8
const MAX_FOLDERS = 1000
const MAX_FILES = 200
const MAX_BYTES = 4 * 1024 * 1024
const THROUGH_DESCRIPTORS = existsSync('/proc/self/fd')

/** Where a skill lies, from the folder of all skills on: a folder with a SKILL.md, or a single Markdown file at the top. */
export type SkillPlace = { name: string; kind: 'folder' | 'file'; way: readonly string[] }

/** What was left out, and why. `where` is from the folder of the skills on. */
export type SkillFault = { where: string; why: string }

export type Found = { places: SkillPlace[]; faults: SkillFault[] }

/**
 * Every skill below a folder, by name. A folder with a SKILL.md is one skill with everything in it. Links are never
 * followed. Two of the same name are both left out: neither may stand in for the other.
 */
export async function findSkills(root: string): Promise<Found> {
  const found: Found = { places: [], faults: [] }
  const kind = await kindOf(root)
  if (kind === 'folder') await withFolder(root, (folder) => search(folder, [], found, { folders: 0 }))
  else if (kind !== 'nothing') found.faults.push({ where: 'skills', why: 'it is no folder' })
  const names = new Map<string, number>()
  for (const { name } of found.places) names.set(name, (names.get(name) ?? 0) + 1)
  const doubles = [...names].filter(([, count]) => count > 1).map(([name]) => name)
  for (const name of doubles) found.faults.push({ where: name, why: 'two skills have this name; rename one' })
  const places = found.places.filter(({ name }) => !doubles.includes(name))
  return { places: places.sort((a, b) => (a.name < b.name ? -1 : 1)), faults: found.faults }
}

/** Everything that is in a skill, as it is now: what is judged and what runs later are these bytes. */
export async function readFiles(root: string, { kind, way }: SkillPlace): Promise<Parsed<SkillFile[]>> {
  const files: SkillFile[] = []
  try {
    await withFolder(root, async (folder) => {
      if (kind === 'file') await take(folder.at(way[0]!), SKILL_FILE, files)
      else await descend(folder, way, (inner) => takeFolder(inner, [], files))
    })
    return { ok: true, value: files }
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, why: error.message }
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code === undefined || syscall === undefined) throw error
    return { ok: false, why: code === 'ELOOP' ? 'it holds a link' : `it cannot be read: ${code}` }
  }
}

/** A folder that is held open: what is reached through `at` is in it, even when its name leads elsewhere by now. */
type Folder = { entries: () => Promise<Dirent[]>; at: (name: string) => string }

async function withFolder<Result>(path: string, work: (folder: Folder) => Promise<Result>): Promise<Result> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  const base = THROUGH_DESCRIPTORS ? `/proc/self/fd/${handle.fd}` : path
  try {
    return await work({
      entries: async () => {
        const entries = await readdir(`${base}/.`, { withFileTypes: true })
        return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
      },
      at: (name) => join(base, name),
    })
  } finally {
    await handle.close()
  }
}

/** One folder after the other, so that none on the way can be a link. */
async function descend<Result>(
  folder: Folder,
  [name, ...rest]: readonly string[],
  work: (folder: Folder) => Promise<Result>,
): Promise<Result> {
  if (name === undefined) return await work(folder)
  return await withFolder(folder.at(name), (inner) => descend(inner, rest, work))
}

/** What cannot be part of a skill, in words. */
class Unreadable extends Error {}

async function search(folder: Folder, way: readonly string[], found: Found, seen: { folders: number }): Promise<void> {
  seen.folders += 1
  const where = oneLine(way.join('/')) || 'skills'
  if (way.length > MAX_DEPTH) return void found.faults.push({ where, why: 'it lies too deep' })
  if (seen.folders === MAX_FOLDERS) found.faults.push({ where, why: `there are more than ${MAX_FOLDERS} folders` })
  if (seen.folders >= MAX_FOLDERS) return
  const entries = await folder.entries()
  if (way.length > 0 && entries.some(({ name }) => name === SKILL_FILE)) {
    const name = way.at(-1)!
    if (isSkillName(name)) found.places.push({ name, kind: 'folder', way })
    else found.faults.push({ where, why: BAD_NAME })
    return
  }
  for (const entry of entries) {
    const inner = [...way, entry.name]
    if (entry.isDirectory()) await withFolder(folder.at(entry.name), (next) => search(next, inner, found, seen))
    else if (entry.isSymbolicLink()) found.faults.push({ where: oneLine(inner.join('/')), why: 'it is a link' })
    else if (way.length === 0 && entry.name.endsWith('.md')) addSingle(entry.name, found)
  }
}

function addSingle(file: string, found: Found): void {
  const name = file.slice(0, -'.md'.length)
  if (isSkillName(name)) found.places.push({ name, kind: 'file', way: [file] })
  else found.faults.push({ where: oneLine(file), why: BAD_NAME })
}

const BAD_NAME = 'the name of a skill has small letters, digits and single dashes, 64 at most'

async function takeFolder(folder: Folder, way: readonly string[], files: SkillFile[]): Promise<void> {
  if (way.length > MAX_DEPTH) throw new Unreadable('its folders lie too deep')
  for (const entry of await folder.entries()) {
    const path = [...way, entry.name].join('/')
    if (/[\p{Cc}\p{Cf}\\\uFFFD]/u.test(entry.name))
      throw new Unreadable(`the name of ${oneLine(path)} has odd characters`)
    if (entry.isSymbolicLink()) throw new Unreadable(`${path} is a link`)
    if (entry.isDirectory())
      await withFolder(folder.at(entry.name), (inner) => takeFolder(inner, [...way, entry.name], files))
    else await take(folder.at(entry.name), path, files)
  }
}

async function take(from: string, path: string, files: SkillFile[]): Promise<void> {
  if (files.length === MAX_FILES) throw new Unreadable(`it has more than ${MAX_FILES} files`)
  const left = MAX_BYTES - files.reduce((sum, { content }) => sum + content.length, 0)
  const file = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new Unreadable(`${path} is no file`)
    if (stat.size > left) throw new Unreadable(`it is above ${MAX_BYTES / 1024 / 1024} MB`)
    const room = Buffer.alloc(stat.size)
    const { bytesRead } = await file.read(room, 0, room.length, 0)
    files.push({ path, content: room.subarray(0, bytesRead) })
  } finally {
    await file.close()
  }
}

async function kindOf(path: string): Promise<'folder' | 'other' | 'nothing'> {
  try {
    return (await lstat(path)).isDirectory() ? 'folder' : 'other'
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'nothing'
    throw error
  }
}
