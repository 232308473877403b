import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
// @ts-expect-error Plain JavaScript, so that an old Node can run it; it has no types.
import { isInstalled } from './bootstrap.mjs'
import { repositoryRoot } from './repository.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bootstrap-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

type Entry = { version: string; integrity?: string; optional?: boolean }

function writeLock(file: string, packages: Record<string, Entry>): void {
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  writeFileSync(join(folder, file), JSON.stringify({ packages: { '': { version: '0.0.0' }, ...packages } }))
}

test('nothing installed is not installed', () => {
  writeLock('package-lock.json', {})
  expect(isInstalled(folder)).toBe(false)
})

test('what matches the lockfile is installed, and stays so when asked again', () => {
  const packages = { 'node_modules/a': { version: '1.0.0', integrity: 'x' } }
  const other = { 'node_modules/other-machine': { version: '1.0.0', optional: true } }
  writeLock('package-lock.json', { ...packages, ...other })
  writeLock('node_modules/.package-lock.json', packages)
  expect(isInstalled(folder)).toBe(true)
  expect(isInstalled(folder)).toBe(true)
})

test.each([
  ['another version', { 'node_modules/a': { version: '2.0.0', integrity: 'x' } }],
  ['another content', { 'node_modules/a': { version: '1.0.0', integrity: 'y' } }],
  [
    'a further package',
    { 'node_modules/a': { version: '1.0.0', integrity: 'x' }, 'node_modules/b': { version: '1.0.0' } },
  ],
])('%s in the lockfile is stale, also after it was good', (_what, wanted: Record<string, Entry>) => {
  const packages = { 'node_modules/a': { version: '1.0.0', integrity: 'x' } }
  writeLock('package-lock.json', packages)
  writeLock('node_modules/.package-lock.json', packages)
  expect(isInstalled(folder)).toBe(true)
  writeLock('package-lock.json', wanted)
  expect(isInstalled(folder)).toBe(false)
})

function bootstrap(program: string, ...args: string[]) {
  const file = join(folder, 'program.ts')
  writeFileSync(file, program)
  const script = join(repositoryRoot, 'scripts', 'bootstrap.mjs')
  return spawn(process.execPath, [script, relative(repositoryRoot, file), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

test('passes arguments and the exit code, and puts our Node and tools first on PATH', async () => {
  const child = bootstrap(
    'const path: string = process.env.PATH!.split(":")[0]!; console.log(path, process.argv[2]); process.exit(7)',
    'word',
  )
  const printed = once(child.stdout, 'data')
  const [code] = await once(child, 'close')
  expect(String((await printed)[0])).toBe(`${join(repositoryRoot, 'node_modules', '.bin')} word\n`)
  expect(code).toBe(7)
})

test('hands a signal on and waits for the program to end', async () => {
  const child = bootstrap(
    'process.on("SIGTERM", () => { console.log("ended"); process.exit(3) }); setInterval(() => {}, 1000); console.log(process.pid)',
  )
  const [first] = await once(child.stdout, 'data')
  const second = once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(String((await second)[0])).toBe('ended\n')
  const [code] = await once(child, 'close')
  expect(code).toBe(3)
  expect(() => process.kill(Number(String(first)), 0)).toThrow('ESRCH')
})
