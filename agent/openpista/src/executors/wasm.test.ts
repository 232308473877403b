import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { assemble } from '../testing/wat.ts'
import { runWasm, type WasmRequest } from './wasm.ts'

const home = realpathSync(mkdtempSync(join(tmpdir(), 'wasm-test-')))
const workspace = join(home, 'workspace')
mkdirSync(join(workspace, 'notes', 'deep'), { recursive: true })
writeFileSync(join(workspace, 'note.txt'), 'a note of the owner')
writeFileSync(join(workspace, 'notes', 'deep', 'inner.txt'), 'deep')
writeFileSync(join(home, 'secret.txt'), 'secret of the machine')
symlinkSync('../secret.txt', join(workspace, 'link.txt'))
symlinkSync('/etc', join(workspace, 'etc'))
symlinkSync('note.txt', join(workspace, 'inner-link.txt'))
afterAll(() => rmSync(home, { recursive: true }))

const call = { id: 'call-1', name: 'tried', arguments: { word: 'häh' } }

const run = (module: Uint8Array, changes: Partial<WasmRequest> = {}, signal = new AbortController().signal) =>
  runWasm({ module, call, workspace, timeoutSeconds: 30, cpuSeconds: 10, ...changes }, signal)

/** What a module needs besides `run`: memory, and an input at byte 65536 at most. */
const module = (run: string, more = '', memory = '(memory (export "memory") 2)') =>
  assemble(`(module
    ${more.includes('(import') ? more : ''}
    ${memory}
    ${more.includes('(import') ? '' : more}
    (func (export "alloc") (param i32) (result i32) (i32.const 65536))
    (func (export "run") (param $call i32) (param $length i32) (result i64) ${run}))`)

/** A text in memory at `at`, and the packed place of it. */
const RESULT = (output: string, isError = false) => {
  const json = JSON.stringify({ call_id: 'call-1', tool_name: 'tried', output, is_error: isError })
  const data = `(data (i32.const 16) "${json.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}")`
  return { data, packed: `(i64.const ${(16n << 32n) | BigInt(Buffer.byteLength(json))})` }
}

describe('the ABI', () => {
  test('the example of the repository is what its source says, and answers', async () => {
    const folder = join(import.meta.dirname, '../../../../skills/hello-wasm')
    const built = readFileSync(join(folder, 'main.wasm'))
    expect(built).toEqual(Buffer.from(assemble(readFileSync(join(folder, 'main.wat'), 'utf8'))))
    expect(await run(built)).toEqual({ ok: true, output: 'Hello from WebAssembly!', isError: false })
    const odd = { id: 'a "quoted" \\ id', name: 'hello-wasm', arguments: {} }
    expect(await run(built, { call: odd })).toMatchObject({ ok: true })
  })

  test('the input is the tool call as JSON, byte for byte, and length counts bytes', async () => {
    // Answers with an output that is the input, as hexadecimal digits.
    const [before, after] = ['{"call_id":"","tool_name":"","output":"', '","is_error":false}']
    const echo = module(
      `(local $at i32) (local $out i32)
       (local.set $out (i32.const ${4 + before.length}))
       (loop $next
         (call $digit (local.get $out) (i32.shr_u (i32.load8_u (i32.add (local.get $call) (local.get $at))) (i32.const 4)))
         (call $digit (i32.add (local.get $out) (i32.const 1)) (i32.and (i32.load8_u (i32.add (local.get $call) (local.get $at))) (i32.const 15)))
         (local.set $out (i32.add (local.get $out) (i32.const 2)))
         (local.set $at (i32.add (local.get $at) (i32.const 1)))
         (br_if $next (i32.lt_u (local.get $at) (local.get $length))))
       (memory.copy (local.get $out) (i32.const 1000) (i32.const ${after.length}))
       (i64.or (i64.shl (i64.const 4) (i64.const 32)) (i64.extend_i32_u (i32.add (local.get $out) (i32.const ${after.length - 4}))))`,
      `(data (i32.const 4) "${before.replaceAll('"', '\\"')}")
       (data (i32.const 1000) "${after.replaceAll('"', '\\"')}")
       (func $digit (param $at i32) (param $value i32)
         (i32.store8 (local.get $at)
           (i32.add (local.get $value) (if (result i32) (i32.lt_u (local.get $value) (i32.const 10)) (then (i32.const 48)) (else (i32.const 87))))))`,
    )
    const outcome = await run(echo)
    expect(outcome).toMatchObject({ ok: true })
    const bytes = Buffer.from(outcome.ok ? outcome.output : '', 'hex')
    expect(bytes.toString()).toBe('{"id":"call-1","name":"tried","arguments":{"word":"häh"}}')
  })

  test('an error of the module stays its answer', async () => {
    const { data, packed } = RESULT('went wrong', true)
    expect(await run(module(packed, data))).toEqual({ ok: true, output: 'went wrong', isError: true })
  })

  test('the input is given back to dealloc after the result was read', async () => {
    const { data, packed } = RESULT('first words')
    const spoiled = module(
      packed,
      `${data}
      (func (export "dealloc") (param $place i32) (param $length i32)
        (i32.store8 (i32.const 16) (i32.const 0))
        (if (i32.ne (local.get $place) (i32.const 65536)) (then unreachable))
        (if (i32.ne (local.get $length) (i32.const 58)) (then unreachable)))`,
    )
    expect(await run(spoiled)).toEqual({ ok: true, output: 'first words', isError: false })
  })

  test('_initialize runs first, once', async () => {
    const { data, packed } = RESULT('ready')
    const started = module(
      `(if (i32.ne (global.get $ready) (i32.const 1)) (then unreachable)) ${packed}`,
      `${data} (global $ready (mut i32) (i32.const 0))
      (func (export "_initialize") (global.set $ready (i32.add (global.get $ready) (i32.const 1))))`,
    )
    expect(await run(started)).toMatchObject({ ok: true, output: 'ready' })
  })

  test.each([
    ['no result', '(i64.const 0)', 'WASM ABI returned empty ToolResult buffer'],
    ['a place without a length', '(i64.const 0x1000000000)', 'WASM ABI returned empty ToolResult buffer'],
    ['a result outside the memory', `(i64.const ${(0xffff_fff0n << 32n) | 64n})`, 'lies outside its memory'],
    ['a result without end', `(i64.const ${(16n << 32n) | 0xffff_ffffn})`, 'above 1048576 bytes'],
    ['what is no JSON', `(i64.const ${(16n << 32n) | 4n})`, 'Invalid ToolResult JSON'],
    ['a trap', 'unreachable', 'WASM execution failed: unreachable'],
    ['endless recursion', '(call 1 (i32.const 0) (i32.const 0))', 'WASM execution failed: '],
  ])('%s is an error in words', async (_name, body, words) => {
    expect(await run(module(body))).toEqual({ ok: false, message: expect.stringContaining(words) })
  })

  test.each([
    ['alloc gives nothing', '(i32.const 0)', 'WASM alloc returned 0'],
    ['alloc gives a place outside', '(i32.const -4)', 'outside the memory'],
  ])('%s', async (_name, place, words) => {
    const wat = `(module (memory (export "memory") 1)
      (func (export "alloc") (param i32) (result i32) ${place})
      (func (export "run") (param i32 i32) (result i64) (i64.const 0)))`
    expect(await run(assemble(wat))).toEqual({ ok: false, message: expect.stringContaining(words) })
  })

  test.each([
    ['no module', Buffer.from('#!/bin/sh'), 'it is no WebAssembly module'],
    ['an empty module', assemble('(module)'), "WASM export 'memory' not found"],
    ['a module cut off', assemble('(module (memory (export "memory") 1))').slice(0, 14), 'cut off'],
    [
      'a module that wants more',
      assemble('(module (import "env" "system" (func $s (param i32))) (memory (export "memory") 1))'),
      'wants env.system',
    ],
    ['two memories', assemble('(module (memory (export "memory") 1) (memory 1000))'), 'more than 1 memory'],
    ['many tables', assemble(`(module ${'(table 100000 funcref)'.repeat(9)})`), 'more than 8 tables'],
    ['a table without end', assemble('(module (table 9000000 funcref))'), 'Failed to load WASM module'],
    ['too much memory at once', module('(i64.const 0)', '', '(memory (export "memory") 1025)'), 'memory'],
  ])('%s is refused in words', async (_name, bytes, words) => {
    expect(await run(bytes)).toEqual({ ok: false, message: expect.stringContaining(words) })
  })
})

describe('limits', () => {
  test('memory ends at 64 MB: the page behind it is not given', async () => {
    const { data, packed } = RESULT('held')
    const greedy = module(
      `(if (i32.ne (memory.grow (i32.const 1022)) (i32.const 2)) (then unreachable))
       (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
       (i32.store8 (i32.const 67108863) (i32.const 1))
       ${packed}`,
      data,
    )
    expect(await run(greedy)).toMatchObject({ ok: true, output: 'held' })
  })

  test('an endless loop ends at its processor time, and its process with it', async () => {
    const outcome = await run(module('(loop $on (br $on)) (i64.const 0)'), { cpuSeconds: 1 })
    expect(outcome).toEqual({ ok: false, message: 'WASM execution aborted: fuel exhausted' })
    expect(childrenIn('wasm-child')).toEqual([])
  })

  test('an endless loop in the start function ends too', async () => {
    const wat = `(module (memory (export "memory") 1)
      (func (export "_initialize") (loop $on (br $on)))
      (func (export "alloc") (param i32) (result i32) (i32.const 8))
      (func (export "run") (param i32 i32) (result i64) (i64.const 0)))`
    expect(await run(assemble(wat), { cpuSeconds: 1 })).toMatchObject({ message: expect.stringContaining('fuel') })
  })

  test('one that waits ends at the time on the clock', async () => {
    const sleeper = module(
      `(loop $on (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))) (br $on)) (i64.const 0)`,
      `
      (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
      (data (i32.const 24) "\\00\\00\\00\\00\\ff")`,
    )
    const outcome = await run(sleeper, { timeoutSeconds: 2 })
    expect(outcome).toEqual({ ok: false, message: 'WASM execution timed out after 2s' })
    expect(childrenIn('wasm-child')).toEqual([])
  })

  test('a cancel ends it at once', async () => {
    const controller = new AbortController()
    const running = run(module('(loop $on (br $on)) (i64.const 0)'), {}, controller.signal)
    setTimeout(() => controller.abort(), 300)
    expect(await running).toEqual({ ok: false, message: 'WASM execution cancelled' })
    expect(childrenIn('wasm-child')).toEqual([])
  })
})

/** The command lines of this machine's processes that name that program and this test's workspace. */
function childrenIn(program: string): string[] {
  const lines = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => {
      try {
        return readFileSync(`/proc/${entry}/cmdline`, 'utf8')
      } catch {
        return ''
      }
    })
  return lines.filter((line) => line.includes(program) && line.includes(workspace))
}

describe('files', () => {
  const WASI = `
    (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_readdir" (func $list (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_filestat_get" (func $stat (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))`

  /** Prints whatever stands in the bytes from 4096 on and answers with the error number `$errno` as a letter from A on. */
  const wasi = (body: string, path: string, data = '') => {
    const { data: result, packed } = RESULT('?')
    const at =
      16 + Buffer.byteLength(JSON.stringify({ call_id: 'call-1', tool_name: 'tried' })) - 1 + ',"output":"'.length
    return module(
      `(local $errno i32)
       ${body}
       (i32.store8 (i32.const ${at}) (i32.add (local.get $errno) (i32.const 32)))
       ${packed}`,
      `${WASI} ${result} (data (i32.const 256) "${path}") ${data}`,
    )
  }
  const letter = (errno: number) => String.fromCharCode(32 + errno)
  const length = (path: string) => `(i32.const ${Buffer.byteLength(path)})`
  const open = (path: string, flags = 0, rights = 2) =>
    `(local.set $errno (call $open (i32.const 3) (i32.const 0) (i32.const 256) ${length(path)} (i32.const ${flags}) (i64.const ${rights}) (i64.const 0) (i32.const 0) (i32.const 512)))`
  const READ_AND_PRINT = `
    (if (i32.eqz (local.get $errno)) (then
      (i32.store (i32.const 520) (i32.const 4096))
      (i32.store (i32.const 524) (i32.const 1000))
      (local.set $errno (call $read (i32.load (i32.const 512)) (i32.const 520) (i32.const 1) (i32.const 528)))
      (i32.store (i32.const 524) (i32.load (i32.const 528)))
      (drop (call $write (i32.const 1) (i32.const 520) (i32.const 1) (i32.const 532)))))`
  const tryRead = (path: string, changes: Partial<WasmRequest> = {}) =>
    run(wasi(open(path) + READ_AND_PRINT, path), changes)

  test.each(['note.txt', './notes/../note.txt', 'notes/deep/../../note.txt'])('%s is read', async (path) => {
    expect(await tryRead(path)).toEqual({
      ok: true,
      output: `${letter(0)}\n\nstdout:\na note of the owner`,
      isError: false,
    })
  })

  test.each([
    ['../secret.txt', 76],
    ['notes/../../secret.txt', 76],
    ['/etc/passwd', 76],
    ['..', 76],
    ['link.txt', 32],
    ['inner-link.txt', 32],
    ['etc/passwd', 54],
    ['note.txt/../../secret.txt', 54],
    ['missing.txt', 44],
    ['notes', 31],
  ])('%s is not', async (path, errno) => {
    const outcome = await tryRead(path)
    expect(outcome).toEqual({ ok: true, output: letter(errno), isError: false })
  })

  test('without the permission there is no workspace at all', async () => {
    expect(await tryRead('note.txt', { workspace: null })).toMatchObject({ output: letter(8) })
  })

  test.each([
    ['to make a file', open('new.txt', 1), 69],
    ['to empty one', open('note.txt', 8), 69],
    ['to open one for writing', open('note.txt', 0, 66), 69],
    ['to remove one', `(local.set $errno (call $unlink (i32.const 3) (i32.const 256) ${length('note.txt')}))`, 69],
    ['to make a folder', `(local.set $errno (call $mkdir (i32.const 3) (i32.const 256) ${length('note.txt')}))`, 69],
    [
      'to write through a file that is open',
      `${open('note.txt')} (local.set $errno (call $write (i32.load (i32.const 512)) (i32.const 520) (i32.const 1) (i32.const 532)))`,
      69,
    ],
    [
      'the network',
      '(local.set $errno (call $recv (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))',
      52,
    ],
    ['a place outside its memory', '(local.set $errno (call $environ (i32.const -4) (i32.const 0)))', 21],
  ])('it is no use %s', async (_name, body, errno) => {
    const before = readdirSync(workspace)
    expect(await run(wasi(body, 'note.txt'))).toEqual({ ok: true, output: letter(errno), isError: false })
    expect(readdirSync(workspace)).toEqual(before)
    expect(readFileSync(join(workspace, 'note.txt'), 'utf8')).toBe('a note of the owner')
  })

  test('there is no environment to read', async () => {
    const body = `(local.set $errno (call $environ (i32.const 512) (i32.const 516)))
      (local.set $errno (i32.add (local.get $errno) (i32.add (i32.load (i32.const 512)) (i32.load (i32.const 516)))))`
    expect(await run(wasi(body, 'x'))).toMatchObject({ output: letter(0) })
  })

  test('a folder is listed, with links as links', async () => {
    const body = `
      (local.set $errno (call $list (i32.const 3) (i32.const 4096) (i32.const 2000) (i64.const 0) (i32.const 524)))
      (i32.store (i32.const 520) (i32.const 4096))
      (drop (call $write (i32.const 1) (i32.const 520) (i32.const 1) (i32.const 532)))`
    const outcome = await run(wasi(body, 'x'))
    expect(outcome).toMatchObject({ ok: true })
    for (const name of ['note.txt', 'notes', 'link.txt'])
      expect(outcome).toMatchObject({ output: expect.stringContaining(name) })
  })

  test('what is printed without end is kept to 256 KiB of each stream', async () => {
    const body = `
      (i32.store (i32.const 520) (i32.const 65536))
      (i32.store (i32.const 524) (i32.const 65536))
      (memory.fill (i32.const 65536) (i32.const 120) (i32.const 65536))
      (local.set $errno (i32.const 100))
      (loop $on
        (drop (call $write (i32.const 1) (i32.const 520) (i32.const 1) (i32.const 532)))
        (drop (call $write (i32.const 2) (i32.const 520) (i32.const 1) (i32.const 532)))
        (local.set $errno (i32.sub (local.get $errno) (i32.const 1)))
        (br_if $on (local.get $errno)))`
    const outcome = await run(wasi(body, 'x'))
    const printed = 'x'.repeat(256 * 1024)
    expect(outcome.ok && outcome.output === `${letter(0)}\n\nstdout:\n${printed}\n\nstderr:\n${printed}`).toBe(true)
  })
})
