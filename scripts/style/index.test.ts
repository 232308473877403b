import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseSource, repositoryRoot } from '../repository.ts'
import { styleRules } from './index.ts'
import type { Example, Repository } from './rule.ts'

/** A repository in which `common/src/index.ts` is a package's entry. */
function repositoryWith(example: Example): Repository {
  const entry = 'common/src/index.ts'
  return { paths: new Set([entry, example.path]), packageEntries: new Set([entry]) }
}

describe.each(styleRules.map((rule) => [rule.name, rule] as const))('%s', (_name, rule) => {
  test.each(rule.bad.map((example, index) => [index, example] as const))('objects to bad example %i', (_i, example) => {
    const findings = rule.check(parseSource(example.path, example.text), repositoryWith(example))
    expect(findings.length).toBeGreaterThan(0)
    for (const finding of findings) expect(finding).toMatchObject({ path: example.path, line: expect.any(Number) })
  })

  test.each(rule.good.map((example, index) => [index, example] as const))('accepts good example %i', (_i, example) => {
    expect(rule.check(parseSource(example.path, example.text), repositoryWith(example))).toEqual([])
  })
})

test.each([
  ['a default export', 'export default 1\n', 'noDefaultExport'],
  ['an enum', 'export enum Colour {\n  Red = 1,\n}\n', 'noEnum'],
])('the linter refuses %s', (_what, text, rule) => {
  const folder = mkdtempSync(join(tmpdir(), 'lint-'))
  try {
    writeFileSync(join(folder, 'example.ts'), text)
    const biome = join(repositoryRoot, 'node_modules', '.bin', 'biome')
    const args = ['lint', `--config-path=${repositoryRoot}`, '--vcs-enabled=false', '--reporter=github', 'example.ts']
    const run = spawnSync(biome, args, { cwd: folder, encoding: 'utf8' })
    expect(run.stdout + run.stderr).toContain(rule)
    expect(run.status).not.toBe(0)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
