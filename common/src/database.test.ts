import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { backupsOf, immediate, type Migration, openDatabase } from './index.ts'

const run = promisify(execFile)

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

test('a new file, and one that is up to date, leave no backup', async () => {
  await (await open([first])).close()
  await (await open([first])).close()
  expect(backupsOf(join(folder, 'a.db'))).toEqual([])
})

test('a migration that fails leaves everything as it was, those before it too, and names the backup', async () => {
  const db = await open([first])
  await db.kysely.insertInto('notes').values({ id: 1, text: 'kept' }).execute()
  await db.close()
  const broken: Migration = { name: 'broken', up: 'DELETE FROM notes; CREATE TABLE x (id INTEGER) STRICT; nonsense' }
  const file = join(folder, 'a.db')
  await expect(open([first, second, broken])).rejects.toMatchObject({
    code: 'DATABASE_MIGRATION_FAILED',
    message: expect.stringMatching(/a\.db cannot be brought up to date: step 3 \(broken\): .*nonsense/),
    hint: expect.stringContaining(`Nothing in it was changed (schema 1). A copy of it is ${file}.v1.bak.`),
  })
  const again = await open([first])
  expect(await again.kysely.selectFrom('notes').selectAll().execute()).toEqual([{ id: 1, text: 'kept' }])
  await again.close()
  await (await open([first, second])).close()
})

test('a migration does not begin without a backup', async () => {
  await (await open([first])).close()
  mkdirSync(join(folder, 'a.db.v1.bak'))
  await expect(open([first, second])).rejects.toMatchObject({
    code: 'DATABASE_BACKUP_FAILED',
    hint: expect.stringContaining('The database is as it was.'),
  })
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  await (await open([first])).close()
})

test('backups of older and older versions are kept and listed, the newest first', async () => {
  const third: Migration = { name: 'third', up: 'CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT' }
  await (await open([first])).close()
  await (await open([first, second])).close()
  await (await open([first, second, third])).close()
  writeFileSync(join(folder, 'a.db.vx.bak'), '')
  expect(backupsOf(join(folder, 'a.db')).map(({ version }) => version)).toEqual([2, 1])
  expect(backupsOf(join(folder, 'nowhere', 'a.db'))).toEqual([])
})

test('a file of a newer program is refused, and the backup of this version is named', async () => {
  await (await open([first, second])).close()
  await expect(open([first])).rejects.toMatchObject({
    code: 'DATABASE_TOO_NEW',
    hint: expect.stringContaining('restore the backup'),
  })
  rmSync(join(folder, 'a.db'))
  await (await open([first])).close()
  await (await open([first, second])).close()
  await expect(open([first])).rejects.toMatchObject({ hint: expect.stringContaining(join(folder, 'a.db.v1.bak')) })
})

test('two programs that open an older file at once migrate it once', async () => {
  await (await open([first])).close()
  const script = `
    import { openDatabase } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))}
    const migrations = ${JSON.stringify([first, second])}
    const db = await openDatabase({ path: process.argv[1], migrations, synchronous: 'FULL' })
    await db.close()`
  const start = () => run(process.execPath, ['--input-type=module', '-e', script, join(folder, 'a.db')])
  await Promise.all([start(), start(), start()])
  await (await open([first, second])).close()
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
