import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { faults } from './fault-index.ts'
import { type Elsewhere, type ScenarioId, scenarios, scenariosElsewhere } from './scenario-index.ts'

const root = join(import.meta.dirname, '../..')
const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts') && name !== 'index.test.ts')
const sources = files.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8')).join('\n')
const ids = Object.keys(scenarios) as ScenarioId[]

/** How often a test of this kind and name is written, at the beginning of a line: not in a comment, not skipped. */
function written(kind: 'scenario' | 'fault', name: string): number {
  return sources.split('\n').filter((line) => line.startsWith(`${kind}(${name}, `)).length
}

function exists({ file, test }: Elsewhere): boolean {
  return readFileSync(join(root, file), 'utf8').includes(`test('${test}', `)
}

test('there are 71 scenarios: 47 single ones, 19 of boundaries, 5 chains', () => {
  const count = (pattern: RegExp) => ids.filter((id) => pattern.test(id)).length
  const groups = {
    session: count(/^SEC-01-\d\d$/),
    owner: count(/^SEC-01-OA-/),
    policy: count(/^SEC-02-/),
    stop: count(/^SEC-03-/),
    keystore: count(/^SEC-04-\d\d$/),
    external: count(/^SEC-04-EX-/),
    boundary: count(/^SEC-05-/),
    chains: count(/^CHAIN-/),
  }
  expect(groups).toEqual({
    session: 12,
    owner: 8,
    policy: 9,
    stop: 8,
    keystore: 6,
    external: 4,
    boundary: 19,
    chains: 5,
  })
  expect(ids).toHaveLength(71)
})

test.each(ids)('%s has one test', (id) => {
  const elsewhere = scenariosElsewhere[id]
  expect(written('scenario', `'${id}'`)).toBe(elsewhere === undefined ? 1 : 0)
  if (elsewhere !== undefined) expect(exists(elsewhere)).toBe(true)
})

test('there are 26 faults, and each is shown to be absent', () => {
  expect(Object.keys(faults).map(Number)).toEqual(Array.from({ length: 26 }, (_, index) => index + 1))
  for (const [number, { shownBy }] of Object.entries(faults)) {
    const here = (shownBy as readonly unknown[]).includes('here') ? 1 : 0
    expect([number, written('fault', number)]).toEqual([number, here])
    for (const place of shownBy) {
      if (typeof place === 'object') expect([place, exists(place)]).toEqual([place, true])
      else if (place !== 'here') expect(ids).toContain(place)
    }
  }
})
