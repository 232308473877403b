import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Place } from './place.ts'

const MAX_BYTES = 10 * 1024 * 1024

export type TextFile = { ok: true; text: string } | { ok: false; problem: string }

/** Opens for reading without following a link and without waiting for the other end of a pipe or a device. */
export async function openForReading(entry: string): Promise<FileHandle> {
  return await open(entry, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
}

/** The whole text of an open file, or what stands in the way. */
export async function readText(file: FileHandle, maxBytes: number = MAX_BYTES): Promise<TextFile> {
  const stats = await file.stat()
  if (stats.isDirectory()) return { ok: false, problem: 'a folder; fs.list shows what is in it.' }
  if (!stats.isFile()) return { ok: false, problem: 'neither a file nor a folder.' }
  if (stats.size > maxBytes) return { ok: false, problem: `${stats.size} bytes; at most ${maxBytes} can be read.` }
  const bytes = Buffer.alloc(stats.size)
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
  const text = decode(bytes.subarray(0, bytesRead))
  return text === undefined
    ? { ok: false, problem: `a binary file of ${stats.size} bytes, not text.` }
    : { ok: true, text }
}

/** Writes beside the file and renames: readers see the old content or the new. Answers what stands in the way. */
export async function replaceText({ entry, folder }: Place, content: string): Promise<string | undefined> {
  const old = await statOf(entry)
  if (old?.isSymbolicLink()) return 'a link; write to the file that it leads to.'
  if (old !== undefined && !old.isFile()) return 'there is something that is no file.'
  const temporary = join(dirname(entry), `.${basename(entry).slice(0, 100)}.${randomUUID()}.tmp`)
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const file = await open(temporary, flags, 0o644)
  try {
    if (old !== undefined) await file.chmod(old.mode & 0o777)
    await file.writeFile(content)
    await file.sync()
    await rename(temporary, entry)
  } catch (error) {
    await unlink(temporary)
    throw error
  } finally {
    await file.close()
  }
  await folder.sync()
  return undefined
}

/** A byte order mark stays: what is read and written back is the same file. */
function decode(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
