import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tour-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** `npm start -- --once`, as a new user runs it. */
function tour(): { status: number | null; output: string } {
  const bootstrap = join(import.meta.dirname, '..', 'scripts', 'bootstrap.mjs')
  const run = spawnSync(process.execPath, [bootstrap, 'scripts/start.ts', '--once', '--folder', folder], {
    cwd: join(import.meta.dirname, '..'),
    encoding: 'utf8',
  })
  return { status: run.status, output: run.stdout + run.stderr }
}

test('the tour does what it says on both chains and ends with 0; a second one goes on from the first', () => {
  for (const _ of ['first', 'second']) {
    const { status, output } = tour()
    expect(output).not.toContain('✗')
    expect(output.match(/✓/g)).toHaveLength(7)
    expect(output.match(/0x[0-9a-f]{64}/g)).toHaveLength(2)
    expect(output).toContain('All 7 steps did what they must.')
    expect(status).toBe(0)
  }
}, 240_000)
