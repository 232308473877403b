import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { immediate, type Migration, openDatabase } from './index.ts'

type Tables = { notes: { id: number; text: string } }
const first: Migration = { name: 'first', up: 'CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT' }
const second: Migration = { name: 'second', up: "ALTER TABLE notes ADD COLUMN extra TEXT NOT NULL DEFAULT ''" }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'database-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const open = (migrations: readonly Migration[]) =>
  openDatabase<Tables>({ path: join(folder, 'a.db'), migrations, synchronous: 'FULL' })

test('a new file is private and at the newest schema; a second open changes nothing', async () => {
  const db = await open([first])
  await db.kysely.insertInto('notes').values({ id: 1, text: 'kept' }).execute()
  await db.close()
  expect(statSync(join(folder, 'a.db')).mode & 0o777).toBe(0o600)
  const again = await open([first])
  expect(await again.kysely.selectFrom('notes').selectAll().execute()).toEqual([{ id: 1, text: 'kept' }])
  await again.close()
})

test('a migration of an existing file leaves a backup of the old one that opens', async () => {
  await (await open([first])).close()
  await (await open([first, second])).close()
  expect(statSync(join(folder, 'a.db.v1.bak')).mode & 0o777).toBe(0o600)
  const backup = await openDatabase({ path: join(folder, 'a.db.v1.bak'), migrations: [first], synchronous: 'FULL' })
  await backup.close()
})

test('a failing migration leaves the schema as it was', async () => {
  await (await open([first])).close()
  const broken: Migration = { name: 'broken', up: 'CREATE TABLE x (id INTEGER) STRICT; nonsense' }
  await expect(open([first, broken])).rejects.toThrow()
  await (await open([first, second])).close()
})

test('a file of a newer program is refused', async () => {
  await (await open([first, second])).close()
  await expect(open([first])).rejects.toMatchObject({ code: 'DATABASE_TOO_NEW' })
})

test('immediate rolls everything back when the work throws', async () => {
  const db = await open([first])
  const work = immediate(db.kysely, async (transaction) => {
    await transaction.insertInto('notes').values({ id: 1, text: 'gone' }).execute()
    throw new Error('stop')
  })
  await expect(work).rejects.toThrow('stop')
  expect(await db.kysely.selectFrom('notes').selectAll().execute()).toEqual([])
  await db.close()
})

test('parallel read-then-write transactions never see the same state', async () => {
  const db = await open([first])
  await db.kysely.insertInto('notes').values({ id: 1, text: '0' }).execute()
  const increment = () =>
    immediate(db.kysely, async (transaction) => {
      const { text } = await transaction
        .selectFrom('notes')
        .select('text')
        .where('id', '=', 1)
        .executeTakeFirstOrThrow()
      await transaction
        .updateTable('notes')
        .set({ text: String(Number(text) + 1) })
        .where('id', '=', 1)
        .execute()
    })
  await Promise.all(Array.from({ length: 200 }, increment))
  const { text } = await db.kysely.selectFrom('notes').select('text').executeTakeFirstOrThrow()
  expect(text).toBe('200')
  await db.close()
})

test('what was committed is there after kill -9', async () => {
  const script = `
    import { openDatabase } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))}
    const db = await openDatabase({ path: process.argv[1], migrations: ${JSON.stringify([first])}, synchronous: 'FULL' })
    await db.kysely.insertInto('notes').values({ id: 7, text: 'written' }).execute()
    process.kill(process.pid, 'SIGKILL')`
  expect(() => execFileSync(process.execPath, ['--input-type=module', '-e', script, join(folder, 'a.db')])).toThrow()
  const db = await open([first])
  expect(await db.kysely.selectFrom('notes').selectAll().execute()).toEqual([{ id: 7, text: 'written' }])
  await db.close()
})
