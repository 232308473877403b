import { constants, type Dirent } from 'node:fs'
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Roots } from '../executors/roots.ts'
import { mayRead, pathOfOpen } from './place.ts'

/** Something found below a folder. */
export type Found = {
  /** From where the walk began, with `/` between. */
  name: string
  /** The path to open it by, while the walk stands at it; see `Place.entry`. */
  entry: string
  kind: 'file' | 'folder' | 'link' | 'other'
}

export type WalkOptions = {
  roots: Roots
  /** 1: the folder itself only. */
  depth: number
  /** Folders that are named and not entered. */
  closed: ReadonlySet<string>
}

/**
 * Everything below an open folder, by name, each folder before what is in it. Links are named and not followed;
 * what vanishes or may not be entered on the way is passed over.
 *
 * @param path where the folder really is.
 */
export async function* walk(folder: FileHandle, path: string, options: WalkOptions): AsyncGenerator<Found> {
  yield* enter(folder, { path, name: '', depth: options.depth }, options)
}

type Position = { path: string; name: string; depth: number }

async function* enter(folder: FileHandle, at: Position, options: WalkOptions): AsyncGenerator<Found> {
  const here = pathOfOpen(folder, at.path)
  const entries = await readdir(here, { withFileTypes: true })
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const dirent of entries) {
    const kind = kindOf(dirent)
    const path = join(at.path, dirent.name)
    const next = { path, name: at.name === '' ? dirent.name : `${at.name}/${dirent.name}`, depth: at.depth - 1 }
    const entry = join(here, dirent.name)
    yield { name: next.name, entry, kind }
    if (kind !== 'folder' || next.depth === 0 || options.closed.has(dirent.name)) continue
    const inner = mayRead(options.roots, path) ? await openFolder(entry) : undefined
    if (inner === undefined) continue
    try {
      yield* enter(inner, next, options)
    } finally {
      await inner.close()
    }
  }
}

/** A folder that is gone, was exchanged for a link, or is closed to this user is not entered. */
async function openFolder(entry: string): Promise<FileHandle | undefined> {
  try {
    return await open(entry, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined
    throw error
  }
}

function kindOf(dirent: Dirent): Found['kind'] {
  if (dirent.isFile()) return 'file'
  if (dirent.isDirectory()) return 'folder'
  return dirent.isSymbolicLink() ? 'link' : 'other'
}
