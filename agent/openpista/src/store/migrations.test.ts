import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startAgent } from '../testing/agent-fixture.ts'
import { buildOlderDatabase, dumpDatabase, OLD_SESSION } from '../testing/older-database.ts'
import { echo } from '../testing/script.ts'
import { verifyAudit } from './audit.ts'
import { searchSaid } from './said.ts'
import { openStore } from './store.ts'
import { migrations } from './tables.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'migrations-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const older = migrations.slice(0, -1).map(({ name }, index) => ({ version: index + 1, name }))

test.each(older)('a database of schema $version ($name) is brought up to date and works', async ({ version }) => {
  const path = join(folder, 'memory.db')
  await buildOlderDatabase(path, version)
  const before = dumpDatabase(path)
  for (const [table, rows] of Object.entries(before))
    expect(rows, `older-database.ts has no row for ${table}`).not.toEqual([])

  const store = await openStore(path)
  const after = dumpDatabase(path)
  expect(after.schema_migrations).toHaveLength(migrations.length)
  for (const [table, rows] of Object.entries(before)) {
    const kept = rows.map((row) => expect.objectContaining(row))
    expect(after[table], table).toEqual(table === 'schema_migrations' ? expect.arrayContaining(kept) : kept)
  }
  const backup = `${path}.v${version}.bak`
  expect(statSync(backup).mode & 0o777).toBe(0o600)
  expect(dumpDatabase(backup)).toEqual(before)

  await using fixture = await startAgent(echo, { store })
  const client = await fixture.client({ sessionId: OLD_SESSION })
  const { history } = client.frames.find((frame) => frame.type === 'welcome')!
  const texts = history!.flatMap((item) => ('text' in item ? [item.text] : []))
  expect(texts).toEqual(expect.arrayContaining(['Where are the ducks?', 'I will look.', 'In the pond.']))
  expect(await client.say('and the geese?')).toMatchObject({ status: 'stop', text: 'and the geese?' })
  expect(await verifyAudit(store.db)).toMatchObject({ ok: true })
  expect(await searchSaid(store, OLD_SESSION, ['pond'], 5)).toHaveLength(1)
})

test('a backup put back in place works as the database did', async () => {
  const path = join(folder, 'memory.db')
  await buildOlderDatabase(path, migrations.length - 1)
  await (await openStore(path)).close()
  const store = await openStore(`${path}.v${migrations.length - 1}.bak`)
  expect(await searchSaid(store, OLD_SESSION, ['pond'], 5)).toHaveLength(1)
  expect(await verifyAudit(store.db)).toMatchObject({ ok: true })
  await store.close()
})
