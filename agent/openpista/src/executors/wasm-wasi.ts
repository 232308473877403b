import { randomFillSync } from 'node:crypto'
import type { WasmFunctions } from './wasm-engine.ts'
import { ERRNO, errnoOf, WasiFault } from './wasm-errno.ts'
import { createFiles, type Files } from './wasm-files.ts'

/** The module called `proc_exit`. */
export class ModuleExit extends Error {
  readonly code: number
  constructor(code: number) {
    super(`the module ended itself with code ${code}`)
    this.code = code
  }
}

export type Wasi = {
  /** By name; every function of `wasi_snapshot_preview1` that is not known here answers that it is not there. */
  imports: WasmFunctions
  useMemory: (memory: WebAssembly.Memory) => void
  /** What was written to standard output (1) or error (2), to its limit. */
  printed: (stream: 1 | 2) => string
}

const PRINTED_BYTES = 256 * 1024
const MAX_WAIT_MS = 300_000

/** WASI preview 1 as a skill needs it: clock, chance, two streams to print to, and the workspace to read. */
export function createWasi(workspace: string | null): Wasi {
  let memory: WebAssembly.Memory | undefined
  const view = () => {
    if (memory === undefined) throw new WasiFault('FAULT')
    return new DataView(memory.buffer)
  }
  const bytes = (pointer: number, length: number) => {
    const { buffer } = view()
    const [from, size] = [pointer >>> 0, length >>> 0]
    if (from + size > buffer.byteLength) throw new WasiFault('FAULT')
    return new Uint8Array(buffer, from, size)
  }
  const streams = { 1: createSink(), 2: createSink() }
  const files = createFiles(workspace, streams)
  const guest = { view, bytes }
  const functions = { ...machineCalls(guest), ...fileCalls(guest, files), ...Object.fromEntries(readOnlyCalls()) }
  return {
    imports: answering(functions),
    useMemory: (used) => {
      memory = used
    },
    printed: (stream) => streams[stream].text(),
  }
}

/** A stream that keeps the beginning of what is printed. */
export type Sink = { write: (chunk: Uint8Array) => void; text: () => string }

function createSink(): Sink {
  const chunks: Uint8Array[] = []
  let size = 0
  return {
    write: (chunk) => {
      const part = chunk.slice(0, PRINTED_BYTES - size)
      if (part.length === 0) return
      chunks.push(part)
      size += part.length
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  }
}

type Guest = { view: () => DataView; bytes: (pointer: number, length: number) => Uint8Array }
type Call = (...args: never[]) => void

/** Every function answers with an error number: 0 where it returns, else that of what it throws. */
function answering(functions: Readonly<Record<string, Call>>): WasmFunctions {
  const wrapped = Object.entries(functions).map(([name, call]) => [
    name,
    (...args: never[]) => {
      try {
        call(...args)
        return ERRNO.SUCCESS
      } catch (error) {
        if (error instanceof ModuleExit) throw error
        return errnoOf(error)
      }
    },
  ])
  const known = Object.fromEntries(wrapped) as WasmFunctions
  return new Proxy(known, {
    get: (target, name) => (typeof name === 'string' && Object.hasOwn(target, name) ? target[name] : notThere),
  })
}

const notThere = () => ERRNO.NOSYS

function machineCalls({ view, bytes }: Guest) {
  const none = (count: number, size: number) => {
    view().setUint32(count, 0, true)
    view().setUint32(size, 0, true)
  }
  return {
    // A skill has neither arguments nor an environment.
    args_sizes_get: none,
    environ_sizes_get: none,
    args_get: () => {},
    environ_get: () => {},
    clock_res_get: (_clock: number, out: number) => view().setBigUint64(out, 1000n, true),
    clock_time_get: (clock: number, _precision: bigint, out: number) => view().setBigUint64(out, timeOf(clock), true),
    random_get: (pointer: number, length: number) => {
      randomFillSync(bytes(pointer, length))
    },
    sched_yield: () => {},
    proc_exit: (code: number) => {
      throw new ModuleExit(code)
    },
    poll_oneoff: (subscriptions: number, events: number, count: number, out: number) => {
      if (count === 0 || count > 16) throw new WasiFault('INVAL')
      const wanted = Array.from({ length: count }, (_one, index) =>
        readSubscription(view(), subscriptions + 48 * index),
      )
      const first = wanted.reduce((best, one) => (one.waitMs < best.waitMs ? one : best))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, first.waitMs)
      view().setBigUint64(events, first.userdata, true)
      view().setUint16(events + 8, ERRNO.SUCCESS, true)
      view().setUint8(events + 10, 0)
      view().setUint32(out, 1, true)
    },
  }
}

function timeOf(clock: number): bigint {
  return clock === 0 ? BigInt(Date.now()) * 1_000_000n : process.hrtime.bigint()
}

/** Only clocks can be waited for. */
function readSubscription(view: DataView, at: number): { userdata: bigint; waitMs: number } {
  if (view.getUint8(at + 8) !== 0) throw new WasiFault('NOTSUP')
  const timeout = view.getBigUint64(at + 24, true)
  const absolute = (view.getUint16(at + 40, true) & 1) !== 0
  const left = absolute ? timeout - timeOf(view.getUint32(at + 16, true)) : timeout
  const waitMs = Math.min(MAX_WAIT_MS, Math.max(0, Number(left / 1_000_000n)))
  return { userdata: view.getBigUint64(at, true), waitMs }
}

function fileCalls({ view, bytes }: Guest, files: Files) {
  const name = (pointer: number, length: number) => {
    if (length >>> 0 > 4096) throw new WasiFault('NAMETOOLONG')
    // A copy: the memory may be shared, and a decoder wants its own.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes(pointer, length).slice())
  }
  const buffers = (vectors: number, count: number) => {
    if (count >>> 0 > 1024) throw new WasiFault('INVAL')
    return Array.from({ length: count }, (_one, index) => {
      const at = vectors + 8 * index
      return bytes(view().getUint32(at, true), view().getUint32(at + 4, true))
    })
  }
  const putStat = (out: number, stat: ReturnType<Files['stat']>) => {
    const { type, ...numbers } = stat
    bytes(out, 64).fill(0)
    view().setBigUint64(out + 8, numbers.inode, true)
    view().setUint8(out + 16, type)
    view().setBigUint64(out + 24, 1n, true)
    view().setBigUint64(out + 32, numbers.size, true)
    for (const at of [40, 48, 56]) view().setBigUint64(out + at, numbers.modified, true)
  }
  return {
    fd_write: (fd: number, vectors: number, count: number, out: number) => {
      const parts = buffers(vectors, count)
      for (const part of parts) files.write(fd, part)
      view().setUint32(out, lengthOf(parts), true)
    },
    fd_read: (fd: number, vectors: number, count: number, out: number) =>
      view().setUint32(out, files.read(fd, buffers(vectors, count)), true),
    fd_pread: (fd: number, vectors: number, count: number, offset: bigint, out: number) =>
      view().setUint32(out, files.readAt(fd, buffers(vectors, count), offset), true),
    fd_seek: (fd: number, offset: bigint, whence: number, out: number) =>
      view().setBigUint64(out, files.seek(fd, offset, whence), true),
    fd_tell: (fd: number, out: number) => view().setBigUint64(out, files.seek(fd, 0n, 1), true),
    fd_close: (fd: number) => files.close(fd),
    fd_advise: (fd: number) => void files.kind(fd),
    fd_sync: (fd: number) => void files.kind(fd),
    fd_datasync: (fd: number) => void files.kind(fd),
    fd_fdstat_set_flags: (fd: number) => void files.kind(fd),
    fd_fdstat_get: (fd: number, out: number) => {
      const { type, rights } = files.kind(fd)
      bytes(out, 24).fill(0)
      view().setUint8(out, type)
      view().setBigUint64(out + 8, rights, true)
      view().setBigUint64(out + 16, rights, true)
    },
    fd_filestat_get: (fd: number, out: number) => putStat(out, files.stat(fd)),
    fd_prestat_get: (fd: number, out: number) => {
      const { length } = Buffer.from(files.preopened(fd))
      view().setUint32(out, 0, true)
      view().setUint32(out + 4, length, true)
    },
    fd_prestat_dir_name: (fd: number, pointer: number, length: number) => {
      const found = Buffer.from(files.preopened(fd))
      if (length >>> 0 < found.length) throw new WasiFault('NAMETOOLONG')
      bytes(pointer, found.length).set(found)
    },
    fd_readdir: (fd: number, pointer: number, length: number, cookie: bigint, out: number) =>
      view().setUint32(out, files.list(fd, bytes(pointer, length), cookie), true),
    path_filestat_get: (fd: number, _flags: number, pointer: number, length: number, out: number) =>
      putStat(out, files.statAt(fd, name(pointer, length))),
    path_open: (
      fd: number,
      _flags: number,
      pointer: number,
      length: number,
      openFlags: number,
      rights: bigint,
      _inherited: bigint,
      _fdFlags: number,
      out: number,
    ) => {
      if ((openFlags & (CREATE | TRUNCATE)) !== 0 || (rights & RIGHT_TO_WRITE) !== 0n) throw new WasiFault('ROFS')
      view().setUint32(out, files.open(fd, name(pointer, length), (openFlags & DIRECTORY) !== 0), true)
    },
  }
}

const [CREATE, DIRECTORY, TRUNCATE] = [1, 2, 8]
const RIGHT_TO_WRITE = 1n << 6n

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0)
}

function readOnlyCalls(): [string, Call][] {
  const refuse = () => {
    throw new WasiFault('ROFS')
  }
  const names = [
    'create_directory',
    'filestat_set_times',
    'link',
    'remove_directory',
    'rename',
    'symlink',
    'unlink_file',
  ]
  const onFiles = ['allocate', 'filestat_set_size', 'filestat_set_times', 'pwrite']
  return [...names.map((name) => `path_${name}`), ...onFiles.map((name) => `fd_${name}`)].map((name) => [name, refuse])
}
