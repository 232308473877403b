import { constants, existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { isInside, type Roots } from '../executors/roots.ts'

/** A file's folder, held open, and the name in it. Work through `entry`: it cannot be moved away meanwhile. */
export type Place = {
  /** Where the file really is, for messages. */
  path: string
  /** The path to use: through the open folder where the system has /proc, else the plain path. */
  entry: string
  folder: FileHandle
}

export type PlaceResult = { ok: true; place: Place } | { ok: false; message: string }

const THROUGH_DESCRIPTORS = existsSync('/proc/self/fd')

/**
 * Finds the place that a tool names, follows every link on the way, and refuses what lies outside the configured
 * folders. For `write`, missing folders are made. The caller closes `place.folder`.
 *
 * @param base folder that relative paths start from.
 */
export async function findPlace(
  roots: Roots,
  base: string,
  name: string,
  access: 'read' | 'write',
): Promise<PlaceResult> {
  if (name.includes('\0')) return refuse('A path cannot contain a NUL character.')
  if (name === '~' || name.startsWith('~/')) return refuse(`~ is not known here; give a path in ${base}.`)
  try {
    const wanted = resolve(base, name)
    const target = access === 'read' ? await realPathOf(wanted) : await realParent(roots, wanted)
    if (target === undefined) return refuse(`${name}: no such file or folder.`)
    const reason = refusal(roots, target, access)
    if (reason !== undefined) return refuse(`${name}: ${reason}`)
    return await anchor(roots, target, access)
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code === undefined || syscall === undefined) throw error
    return refuse(`${name}: ${code}`)
  }
}

/** The path of what is open, so that a second look at it is a look at the same thing. */
export function pathOfOpen(file: FileHandle, path: string): string {
  return THROUGH_DESCRIPTORS ? `/proc/self/fd/${file.fd}` : path
}

/** Whether a real path lies where tools may read. */
export function mayRead(roots: Roots, path: string): boolean {
  return refusal(roots, path, 'read') === undefined
}

/** Why this real path may not be used, or `undefined` when it may. */
function refusal(roots: Roots, path: string, access: 'read' | 'write'): string | undefined {
  if (isInside(roots.workspace, path)) return undefined
  const secret = roots.secret.some((folder) => isInside(folder, path))
  const folders = access === 'write' ? roots.writable : [...roots.writable, ...roots.readable]
  if (!secret && folders.some((folder) => isInside(folder, path))) return undefined
  return `outside the folders that may be ${access === 'write' ? 'written' : 'read'} (${[roots.workspace, ...folders].join(', ')}).`
}

/** Opens the folder and looks again where it is: it may have been exchanged since it was checked. */
async function anchor(roots: Roots, target: string, access: 'read' | 'write'): Promise<PlaceResult> {
  const parent = dirname(target)
  const folder = await open(parent, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  if (!THROUGH_DESCRIPTORS) return { ok: true, place: { path: target, entry: target, folder } }
  const link = `/proc/self/fd/${folder.fd}`
  const path = join(await readlink(link), basename(target))
  const reason = refusal(roots, path, access)
  if (reason === undefined) return { ok: true, place: { path, entry: join(link, basename(target)), folder } }
  await folder.close()
  return refuse(`${target}: ${reason}`)
}

async function realPathOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch (error) {
    return missing(error)
  }
}

/** The real path of the nearest folder that exists, checked before the rest is made, and the name behind it. */
async function realParent(roots: Roots, path: string): Promise<string | undefined> {
  const parent = dirname(path)
  const found = await realPathOf(parent)
  if (found !== undefined) return join(found, basename(path))
  if (parent === path) return undefined
  const above = await realParent(roots, parent)
  if (above === undefined || refusal(roots, above, 'write') !== undefined) return above
  await mkdir(above, { recursive: true })
  return join(await realpath(above), basename(path))
}

function missing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw error
}

function refuse(message: string): PlaceResult {
  return { ok: false, message }
}
