import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createHostExecutor } from '../executors/host.ts'
import { type Roots, resolveRoots } from '../executors/roots.ts'
import { createFsRead } from './fs-read.ts'
import { createFsWrite } from './fs-write.ts'
import type { Tool } from './tool.ts'

let home: string
let roots: Roots

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'place-')))
  for (const folder of ['.waiaas', '.openpista', 'readable', 'writable', 'other']) mkdirSync(join(home, folder))
  for (const file of ['.waiaas/keystore', '.openpista/token', 'other/diary', 'readable/book', 'writable/draft']) {
    writeFileSync(join(home, file), `content of ${file}`)
  }
  const workspace = join(home, '.openpista/workspace')
  roots = resolveRoots({ workspace, writable: [join(home, 'writable')], readable: [join(home, 'readable')], home })
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

async function call(tool: Tool, input: Record<string, unknown>) {
  const place = { workspace: roots.workspace, exec: createHostExecutor({}) }
  const ids = { sessionId: 's', turnId: 't', callId: 'c' }
  return await tool.run(tool.input.parse(input), {
    ...ids,
    ...place,
    signal: new AbortController().signal,
    emit: () => {},
  })
}
const read = (path: string, more = {}) => call(createFsRead(roots) as unknown as Tool, { path, ...more })
const write = (path: string, content = 'new') => call(createFsWrite(roots) as unknown as Tool, { path, content })
const inWorkspace = (path: string) => join(roots.workspace, path)

test('writes and reads in the workspace, making folders on the way', async () => {
  expect(await write('a/b/note.txt', 'Grüße 🦆')).toMatchObject({ isError: false })
  expect(await read('a/b/note.txt')).toEqual({
    output: 'Grüße 🦆',
    isError: false,
    provenance: { kind: 'file', path: inWorkspace('a/b/note.txt') },
  })
  expect(await read('a')).toMatchObject({ isError: true, output: expect.stringContaining('fs.list') })
})

test('configured folders can be used as configured', async () => {
  expect((await read(join(home, 'readable/book'))).output).toBe('content of readable/book')
  expect(await write(join(home, 'readable/book'))).toMatchObject({ isError: true })
  expect(await write(join(home, 'writable/draft'), 'x')).toMatchObject({ isError: false })
  expect((await read(join(home, 'writable/draft'))).output).toBe('x')
})

test.each([
  ...['../token', '../../.waiaas/keystore', 'a/../../token', '/etc/hostname', '~/diary', '~', '/proc/self/environ'],
  ...['link/keystore', 'link', 'toToken', 'chain/keystore', 'a\0b', '/proc/self/fd/3', '/dev/zero'],
])('%j leads nowhere', async (path) => {
  symlinkSync(join(home, '.waiaas'), inWorkspace('link'))
  symlinkSync('link', inWorkspace('chain'))
  symlinkSync(join(home, '.openpista/token'), inWorkspace('toToken'))
  const before = snapshot()
  expect(await read(path)).toMatchObject({ isError: true, output: expect.not.stringContaining('content of') })
  expect(await write(path)).toMatchObject({ isError: true })
  expect(await write(`${path}/deeper/file`)).toMatchObject({ isError: true })
  expect(snapshot()).toEqual(before)
})

test('no path leads out, whatever it is made of', async () => {
  symlinkSync(home, inWorkspace('up'))
  symlinkSync('..', inWorkspace('parent'))
  mkdirSync(inWorkspace('dir'))
  const before = snapshot()
  const part = fc.constantFrom(
    '..',
    '.',
    'up',
    'parent',
    'dir',
    '.waiaas',
    '.openpista',
    'keystore',
    'token',
    'workspace',
    '',
    'x',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 7 }), async (parts) => {
      const path = parts.join('/') || '.'
      const found = await read(path)
      expect(found.output).not.toContain('content of .')
      await write(path, 'overwritten')
    }),
    { numRuns: 200 },
  )
  expect(snapshot()).toEqual(before)
})

test('a folder that is exchanged meanwhile does not lead out', async () => {
  mkdirSync(inWorkspace('real'))
  writeFileSync(inWorkspace('real/keystore'), 'harmless')
  const point = (target: string) => {
    symlinkSync(target, inWorkspace('next'))
    renameSync(inWorkspace('next'), inWorkspace('dir'))
  }
  point('real')
  let open = true
  const swap = (async () => {
    while (open) {
      for (const target of [join(home, '.waiaas'), 'real']) {
        point(target)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
  })()
  let reached = 0
  for (let round = 0; round < 400; round++) {
    const found = await read('dir/keystore')
    if (!found.isError) reached += 1
    expect(found.output).not.toContain('content of')
    await write('dir/keystore', 'harmless')
  }
  open = false
  await swap
  expect(reached).toBeGreaterThan(0)
  expect(reached).toBeLessThan(400)
  expect(readFileSync(join(home, '.waiaas/keystore'), 'utf8')).toBe('content of .waiaas/keystore')
})

test('a link is not written through, a second name of a file is not written to', async () => {
  symlinkSync(join(home, 'writable/draft'), inWorkspace('link'))
  expect(await write('link')).toMatchObject({ isError: true, output: expect.stringContaining('link') })
  linkSync(join(home, 'other/diary'), inWorkspace('second'))
  expect(await write('second')).toMatchObject({ isError: false })
  expect(readFileSync(join(home, 'other/diary'), 'utf8')).toBe('content of other/diary')
})

test('what is no text is told, not read', async () => {
  writeFileSync(inWorkspace('image'), Buffer.from([0x89, 0x50, 0, 1]))
  writeFileSync(inWorkspace('latin'), Buffer.from([0x47, 0xfc]))
  execFileSync('bash', ['-c', 'mkfifo "$0"', inWorkspace('pipe')])
  expect(await read('image')).toMatchObject({
    isError: true,
    output: expect.stringContaining('binary file of 4 bytes'),
  })
  expect(await read('latin')).toMatchObject({ isError: true })
  expect(await read('pipe')).toMatchObject({ isError: true, output: expect.stringContaining('neither') })
  expect(await write('pipe')).toMatchObject({ isError: true })
})

test('long files are read in parts', async () => {
  writeFileSync(inWorkspace('long'), 'x'.repeat(50_000))
  const first = await read('long')
  expect(first.output).toContain('[cut: characters 0 to 40000 of 50000; go on with offset 40000]')
  expect((await read('long', { offset: 40_000 })).output).toBe('x'.repeat(10_000))
  expect((await read('long', { offset: 10, limit: 5 })).output.startsWith('xxxxx\n[cut')).toBe(true)
})

test('a file that is too big is refused', async () => {
  writeFileSync(inWorkspace('big'), '')
  truncateSync(inWorkspace('big'), 11 * 1024 * 1024)
  expect(await read('big')).toMatchObject({ isError: true, output: expect.stringContaining('at most') })
  expect(createFsWrite(roots).input.safeParse({ path: 'x', content: 'x'.repeat(1_000_001) }).success).toBe(false)
})

test('replacing keeps the mode and leaves nothing behind; a failure leaves the old content', async () => {
  writeFileSync(inWorkspace('run.sh'), 'old')
  chmodSync(inWorkspace('run.sh'), 0o755)
  expect(await write('run.sh')).toMatchObject({ isError: false })
  expect(statSync(inWorkspace('run.sh')).mode & 0o777).toBe(0o755)
  mkdirSync(inWorkspace('folder'))
  expect(await write('folder')).toMatchObject({ isError: true })
  expect(readdirSync(roots.workspace).sort()).toEqual(['folder', 'run.sh'])
})

/** The files outside the workspace with their content, and every name there. */
function snapshot(): Record<string, string> {
  const files = ['.waiaas/keystore', '.openpista/token', 'other/diary', 'readable/book']
  const folders = ['.', '.waiaas', '.openpista', 'other', 'readable', 'writable']
  return Object.fromEntries([
    ...files.map((file) => [file, readFileSync(join(home, file), 'utf8')]),
    ...folders.map((folder) => [folder, readdirSync(join(home, folder)).sort().join(' ')]),
  ])
}
