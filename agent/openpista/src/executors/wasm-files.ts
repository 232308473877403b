import { type BigIntStats, closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { WasiFault } from './wasm-errno.ts'
import type { Sink } from './wasm-wasi.ts'

const MAX_OPEN = 64
const PREOPENED = 3
const NAME = '/workspace'
const THROUGH_DESCRIPTORS = existsSync('/proc/self/fd')

const TYPE = { unknown: 0, character: 2, folder: 3, file: 4, link: 7 } as const
/** fd_read, fd_seek, fd_tell, fd_filestat_get. */
const FILE_RIGHTS = (1n << 1n) | (1n << 2n) | (1n << 5n) | (1n << 21n)
/** And path_open, fd_readdir, path_filestat_get: what is opened through a folder gets no more than these. */
const FOLDER_RIGHTS = FILE_RIGHTS | (1n << 13n) | (1n << 14n) | (1n << 18n)
const WRITE_RIGHT = 1n << 6n

type Folder = { kind: 'folder'; fd: number; path: string; listed: readonly Listed[] }
type Open = { kind: 'input' } | { kind: 'output'; sink: Sink } | { kind: 'file'; fd: number; position: number } | Folder

type Listed = { name: string; type: number }
type Stat = { type: number; size: bigint; inode: bigint; modified: bigint }

/**
 * What a module has open: the three streams, and what it opens below the workspace. Folders are walked one name at a
 * time from a folder that is held open; links are not followed, and `..` does not lead above where a path begins.
 */
export function createFiles(workspace: string | null, streams: { 1: Sink; 2: Sink }) {
  const table = new Map<number, Open>([
    [0, { kind: 'input' }],
    [1, { kind: 'output', sink: streams[1] }],
    [2, { kind: 'output', sink: streams[2] }],
  ])
  if (workspace !== null) table.set(PREOPENED, openFolder(workspace, workspace))

  const at = (fd: number): Open => {
    const open = table.get(fd)
    if (open === undefined) throw new WasiFault('BADF')
    return open
  }
  const file = (fd: number) => {
    const open = at(fd)
    if (open.kind === 'folder') throw new WasiFault('ISDIR')
    if (open.kind !== 'file') throw new WasiFault('SPIPE')
    return open
  }
  const folder = (fd: number) => {
    const open = at(fd)
    if (open.kind !== 'folder') throw new WasiFault('NOTDIR')
    return open
  }
  return {
    kind: (fd: number) => kindOf(at(fd)),
    write: (fd: number, chunk: Uint8Array) => {
      const open = at(fd)
      if (open.kind !== 'output') throw new WasiFault(open.kind === 'input' ? 'BADF' : 'ROFS')
      open.sink.write(chunk)
    },
    read: (fd: number, parts: readonly Uint8Array[]) => {
      if (at(fd).kind === 'input') return 0
      const open = file(fd)
      const count = readParts(open.fd, parts, open.position)
      open.position += count
      return count
    },
    readAt: (fd: number, parts: readonly Uint8Array[], offset: bigint) =>
      readParts(file(fd).fd, parts, positionOf(offset)),
    seek: (fd: number, offset: bigint, whence: number) => {
      const open = file(fd)
      const base = whence === 0 ? 0n : whence === 1 ? BigInt(open.position) : fstatSync(open.fd, { bigint: true }).size
      open.position = positionOf(base + offset)
      return BigInt(open.position)
    },
    close: (fd: number) => {
      const open = at(fd)
      table.delete(fd)
      if ('fd' in open) closeSync(open.fd)
    },
    stat: (fd: number): Stat => {
      const open = at(fd)
      if ('fd' in open) return statOf(fstatSync(open.fd, { bigint: true }))
      return { type: TYPE.character, size: 0n, inode: 0n, modified: 0n }
    },
    preopened: (fd: number) => {
      if (fd !== PREOPENED || !table.has(fd)) throw new WasiFault('BADF')
      return NAME
    },
    list: (fd: number, into: Uint8Array, cookie: bigint) => {
      const open = folder(fd)
      if (cookie === 0n) open.listed = listOf(open)
      return putListed(open.listed, into, Number(cookie))
    },
    statAt: (fd: number, path: string): Stat =>
      walk(folder(fd), path, (entry) => {
        const found = openSync(entry, READ)
        try {
          return statOf(fstatSync(found, { bigint: true }))
        } finally {
          closeSync(found)
        }
      }),
    open: (fd: number, path: string, wantsFolder: boolean) => {
      if (table.size >= MAX_OPEN) throw new WasiFault('MFILE')
      const opened = walk(folder(fd), path, (entry, plain) => openEntry(entry, plain, wantsFolder))
      const free = Array.from({ length: MAX_OPEN }, (_one, index) => index).find((index) => !table.has(index))
      table.set(free!, opened)
      return free!
    },
  }
}

export type Files = ReturnType<typeof createFiles>

/** Not through a link, and not waiting for the other end of a pipe. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

function openFolder(entry: string, path: string): Folder {
  const fd = openSync(entry, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  return { kind: 'folder', fd, path, listed: [] }
}

function openEntry(entry: string, path: string, wantsFolder: boolean): Open {
  if (wantsFolder) return openFolder(entry, path)
  const fd = openSync(entry, READ)
  const stat = fstatSync(fd)
  if (stat.isFile()) return { kind: 'file', fd, position: 0 }
  if (stat.isDirectory()) return { kind: 'folder', fd, path, listed: [] }
  closeSync(fd)
  throw new WasiFault('ACCES')
}

/** Calls `use` with the path of what is named below `from`: through the folder that holds it, and plain. */
function walk<Result>(from: Folder, path: string, use: (entry: string, plain: string) => Result): Result {
  if (path.startsWith('/')) throw new WasiFault('NOTCAPABLE')
  if (path.includes('\0') || path === '') throw new WasiFault('INVAL')
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  const passed: Folder[] = [from]
  try {
    for (const [index, name] of names.entries()) {
      const here = passed.at(-1)!
      if (name === '..') {
        if (passed.length === 1) throw new WasiFault('NOTCAPABLE')
        closeSync(passed.pop()!.fd)
      } else if (index === names.length - 1) {
        return use(inside(here, name), join(here.path, name))
      } else {
        passed.push(openFolder(inside(here, name), join(here.path, name)))
      }
    }
    const last = passed.at(-1)!
    return use(inside(last, '.'), last.path)
  } finally {
    for (const { fd } of passed.slice(1)) closeSync(fd)
  }
}

/** Where the system has /proc, a folder that was exchanged meanwhile stays the one that was opened. */
function inside({ fd, path }: Folder, name: string): string {
  return `${THROUGH_DESCRIPTORS ? `/proc/self/fd/${fd}` : path}/${name}`
}

function kindOf(open: Open): { type: number; rights: bigint } {
  if (open.kind === 'folder') return { type: TYPE.folder, rights: FOLDER_RIGHTS }
  if (open.kind === 'file') return { type: TYPE.file, rights: FILE_RIGHTS }
  return { type: TYPE.character, rights: open.kind === 'output' ? WRITE_RIGHT : 1n << 1n }
}

function statOf(stat: BigIntStats): Stat {
  const type = stat.isFile() ? TYPE.file : stat.isDirectory() ? TYPE.folder : TYPE.unknown
  return { type, size: stat.size, inode: stat.ino, modified: stat.mtimeNs }
}

function positionOf(offset: bigint): number {
  if (offset < 0n || offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new WasiFault('INVAL')
  return Number(offset)
}

function readParts(fd: number, parts: readonly Uint8Array[], position: number): number {
  let count = 0
  for (const part of parts) {
    const read = part.length === 0 ? 0 : readSync(fd, part, 0, part.length, position + count)
    count += read
    if (read < part.length) break
  }
  return count
}

function listOf(folder: Folder): Listed[] {
  const found = readdirSync(inside(folder, '.'), { withFileTypes: true }).map((entry) => {
    const type = entry.isFile() ? TYPE.file : entry.isDirectory() ? TYPE.folder : TYPE.unknown
    return { name: entry.name, type: entry.isSymbolicLink() ? TYPE.link : type }
  })
  const own = ['.', '..'].map((name) => ({ name, type: TYPE.folder }))
  return [...own, ...found.sort((a, b) => (a.name < b.name ? -1 : 1))]
}

/** Entries from `cookie` on; the last may be cut, which tells the reader to come back with more room. */
function putListed(listed: readonly Listed[], into: Uint8Array, cookie: number): number {
  let used = 0
  for (let index = cookie; index < listed.length && used < into.length; index++) {
    const { name, type } = listed[index]!
    const text = Buffer.from(name)
    const entry = Buffer.alloc(24 + text.length)
    entry.writeBigUInt64LE(BigInt(index + 1), 0)
    entry.writeUInt32LE(text.length, 16)
    entry.writeUInt8(type, 20)
    text.copy(entry, 24)
    const part = entry.subarray(0, into.length - used)
    into.set(part, used)
    used += part.length
  }
  return used
}
