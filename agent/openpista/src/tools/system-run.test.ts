import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createHostExecutor } from '../executors/host.ts'
import { resolveRoots } from '../executors/roots.ts'
import { createSystemRun } from './system-run.ts'

const home = realpathSync(mkdtempSync(join(tmpdir(), 'system-run-')))
const roots = resolveRoots({ workspace: join(home, 'workspace'), writable: [], readable: [], home })
afterAll(() => rmSync(home, { recursive: true }))
const tool = createSystemRun(roots)

async function run(input: Record<string, unknown>, signal = new AbortController().signal, heard: string[] = []) {
  const place = { workspace: roots.workspace, exec: createHostExecutor(process.env) }
  const ids = { sessionId: 's', turnId: 't', callId: 'c' }
  return await tool.run(tool.input.parse(input), { ...ids, ...place, signal, emit: (text) => heard.push(text) })
}

test('answers both streams and the exit code; a non-zero exit is no error', async () => {
  const result = await run({ command: 'echo out; echo err >&2; exit 3' })
  expect(result).toMatchObject({ output: 'stdout:\nout\nstderr:\nerr\nexit_code: 3', isError: false })
  expect((await run({ command: 'true' })).output).toBe('exit_code: 0')
})

test('cuts each stream at 5,000 characters, says how to read on, and gives the whole to be kept', async () => {
  const heard: string[] = []
  const command = 'head -c 6000 /dev/zero | tr "\\0" a; head -c 5000 /dev/zero | tr "\\0" b >&2'
  const { output, whole } = await run({ command }, undefined, heard)
  const mark = '[stdout cut at 5000 of 6000 characters; the rest: output.read with call "c" and offset 5008]'
  expect(output).toBe(`stdout:\n${'a'.repeat(5000)}\n${mark}\nstderr:\n${'b'.repeat(5000)}\nexit_code: 0`)
  expect(whole).toBe(`stdout:\n${'a'.repeat(6000)}\nstderr:\n${'b'.repeat(5000)}\nexit_code: 0`)
  expect(whole!.slice(5008)).toMatch(/^a{1000}\n/)
  expect(heard.join('')).toHaveLength(10_000)
})

test('what is not cut is not kept', async () => {
  expect(await run({ command: 'head -c 5000 /dev/zero | tr "\\0" a; echo' })).not.toHaveProperty('whole')
})

test('keeps 5 MiB of each stream and says that there was more', async () => {
  const { whole } = await run({ command: 'head -c 20000000 /dev/zero | tr "\\0" a; echo late >&2' })
  const most = 5 * 1024 * 1024
  expect(whole).toHaveLength('stdout:\n'.length + most + whole!.length - whole!.lastIndexOf('\n[stdout'))
  expect(whole!.slice(-120)).toContain(
    `[stdout: what came after ${most} characters was not kept]\nstderr:\nlate\nexit_code: 0`,
  )
})

test('a timeout is an error that says how long it was', async () => {
  const result = await run({ command: 'echo begun; sleep 60', timeout_secs: 1 })
  expect(result).toMatchObject({ output: 'stdout:\nbegun\nCommand timed out after 1s', isError: true })
})

test('a cancel is told, with what was printed, and people see output while it runs', async () => {
  const controller = new AbortController()
  const heard: string[] = []
  setTimeout(() => controller.abort(), 300)
  const result = await run({ command: 'echo begun; sleep 60' }, controller.signal, heard)
  expect(result).toMatchObject({ output: 'stdout:\nbegun\nCommand cancelled', isError: true })
  expect(heard).toEqual(['begun\n'])
})

test.each([
  [{ command: '  ' }, 'command must not be empty'],
  [{ command: 'ls', timeout_secs: 301 }, '300'],
  [{ command: 'ls', timeout_secs: 0 }, '1'],
  [{}, 'expected string'],
])('refuses %j', (input, words) => {
  expect(JSON.stringify(tool.input.safeParse(input).error?.issues)).toContain(words)
})

test('starts in the workspace, in a folder of it, and nowhere else', async () => {
  await run({ command: 'mkdir inner' })
  expect((await run({ command: 'pwd', working_dir: 'inner' })).output).toContain(join(roots.workspace, 'inner'))
  for (const folder of ['/', '..', 'inner/../..', home]) {
    expect(await run({ command: 'pwd', working_dir: folder })).toMatchObject({ isError: true })
  }
})

test("its words are the machine's own only where they cannot be anybody else's", async () => {
  expect((await run({ command: 'uname -a' })).provenance).toEqual({ kind: 'system' })
  expect((await run({ command: 'ls' })).provenance).toEqual({ kind: 'tool', tool: 'system.run' })
})
