import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ExecRequest, ExecResult, Executor } from './executor.ts'
import { type Roots, resolveRoots } from './roots.ts'

/** A variable that a test run has and no command may see. */
const SECRET_VARIABLE = 'openpista_API_KEY'
const env = { ...process.env, [SECRET_VARIABLE]: 'sk-secret', AWS_SECRET_ACCESS_KEY: 'sk-secret', LC_ALL: 'C.UTF-8' }

/** What every executor must do, with real processes. */
export function executorConformance(
  name: string,
  make: (roots: Roots, env: Readonly<Record<string, string | undefined>>) => Executor,
): void {
  describe(`executor ${name}`, () => {
    let home: string
    let roots: Roots
    beforeEach(() => {
      home = realpathSync(mkdtempSync(join(tmpdir(), 'executor-')))
      mkdirSync(join(home, '.waiaas'))
      roots = resolveRoots({ workspace: join(home, '.openpista', 'workspace'), writable: [], readable: [], home })
    })
    afterEach(() => rmSync(home, { recursive: true }))

    const run = (command: string, more: Partial<ExecRequest> = {}, signal = new AbortController().signal) => {
      const base = { cwd: roots.workspace, timeoutSeconds: 10, maxOutput: 1000, onOutput: () => {} }
      return make(roots, env).run({ ...base, command, ...more }, signal)
    }
    const ended = (result: Partial<ExecResult>) => ({
      stdout: '',
      stderr: '',
      exitCode: 0,
      killed: null,
      truncated: false,
      ...result,
    })

    test('keeps the streams apart and tells the exit code', async () => {
      expect(await run('echo out; echo err >&2; exit 3')).toEqual(
        ended({ stdout: 'out\n', stderr: 'err\n', exitCode: 3 }),
      )
    })

    test('is bash, in the folder asked for, and writes to the workspace', async () => {
      const result = await run('[[ abc == a* ]] && echo b > made.txt; pwd')
      expect(result.stdout.trim()).toBe(roots.workspace)
      expect(readFileSync(join(roots.workspace, 'made.txt'), 'utf8')).toBe('b\n')
    })

    test('no variable of the agent passes but the harmless ones', async () => {
      const result = await run('env; cat /proc/self/environ | tr "\\0" "\\n"')
      expect(result.stdout).toContain('LC_ALL=C.UTF-8')
      expect(result.stdout).not.toContain('sk-secret')
    })

    test('a program killed by a signal has a code as shells give it', async () => {
      expect((await run('kill -SEGV $$')).exitCode).toBe(139)
    })

    test('output is read to its end and kept to its limit', async () => {
      const live: string[] = []
      const result = await run('head -c 3000000 /dev/zero | tr "\\0" x; echo tail >&2', {
        onOutput: (text) => live.push(text),
      })
      expect(result).toEqual(ended({ stdout: 'x'.repeat(1000), stderr: 'tail\n', truncated: true }))
      expect(live.join('').length).toBeLessThanOrEqual(1000 + 5)
    })

    test('output arrives while the command runs', async () => {
      const controller = new AbortController()
      const result = await run('echo first; sleep 30', { onOutput: () => controller.abort() }, controller.signal)
      expect(result).toEqual(ended({ stdout: 'first\n', exitCode: null, killed: 'cancelled' }))
    })

    test('a timeout kills the whole group, stubborn children too', async () => {
      const begun = Date.now()
      const result = await run('trap "" TERM; (trap "" TERM; sleep 1; echo late > late.txt; sleep 60) & sleep 60', {
        timeoutSeconds: 0.3,
      })
      expect(result).toMatchObject({ exitCode: null, killed: 'timeout' })
      expect(Date.now() - begun).toBeLessThan(3000)
      await expectNoProcess(roots.workspace)
      expect(() => readFileSync(join(roots.workspace, 'late.txt'))).toThrow('ENOENT')
    })

    test('a cancel ends the command within a second', async () => {
      const controller = new AbortController()
      const begun = Date.now()
      setTimeout(() => controller.abort(), 100)
      const result = await run('sleep 60 | sleep 60', {}, controller.signal)
      expect(result).toMatchObject({ exitCode: null, killed: 'cancelled' })
      expect(Date.now() - begun).toBeLessThan(1500)
      await expectNoProcess(roots.workspace)
    })

    test('a cancel before the start starts nothing', async () => {
      const result = await run('echo ran > ran.txt', {}, AbortSignal.abort())
      expect(result).toMatchObject({ killed: 'cancelled' })
      expect(() => readFileSync(join(roots.workspace, 'ran.txt'))).toThrow('ENOENT')
    })

    test('what a command leaves in the background ends with it', async () => {
      const begun = Date.now()
      expect(await run('sleep 60 & echo started')).toEqual(ended({ stdout: 'started\n' }))
      expect(Date.now() - begun).toBeLessThan(5000)
      await expectNoProcess(roots.workspace)
    })

    test('a command gets no input to wait for', async () => {
      expect(await run('cat; echo done')).toEqual(ended({ stdout: 'done\n' }))
    })

    test('a folder that is not there is an error in words', async () => {
      const result = await run('echo hi', { cwd: join(roots.workspace, 'missing') })
      expect(result.exitCode).not.toBe(0)
      expect(result.stderr).toContain('missing')
    })
  })
}

/** No process of this machine works in the folder any more. */
async function expectNoProcess(folder: string): Promise<void> {
  const workers = () =>
    readdirSync('/proc').filter((entry) => {
      try {
        return /^\d+$/.test(entry) && readlinkSync(`/proc/${entry}/cwd`) === folder
      } catch {
        return false
      }
    })
  await expect.poll(workers).toEqual([])
}
