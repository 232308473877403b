import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '@openpista/common'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { appendEvent } from './events.ts'
import { migrations, type Tables } from './tables.ts'
import { type EventRow, readEvents, verifyEventFile, verifyEvents } from './verify-audit.ts'

let folder: string
let db: Database<Tables>

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waiaas-audit-'))
  db = await openDatabase<Tables>({ path: join(folder, 'wallet.db'), migrations, synchronous: 'NORMAL' })
  for (let number = 1; number <= 5; number++) {
    await appendEvent(db.kysely, 1000 + number, { type: 'TEST', actor: 'daemon', data: { number } })
  }
})

afterEach(async () => {
  await db.close()
  rmSync(folder, { recursive: true })
})

async function exported(): Promise<EventRow[]> {
  const rows: EventRow[] = []
  for await (const row of readEvents(db.kysely)) rows.push(row)
  return rows
}

async function check(rows: unknown[]) {
  const file = join(folder, 'audit.jsonl')
  writeFileSync(file, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'))
  return await verifyEventFile(file)
}

test('a log that nobody touched verifies, in the database and as a file', async () => {
  const rows = await exported()
  const expected = { ok: true, entries: 5, lastHash: rows[4]?.hash, checkpoints: 0, vouched: 0 }
  expect(await verifyEvents(db.kysely)).toEqual(expected)
  const end = { entries: 5, lastHash: rows[4]?.hash }
  expect(await check([...rows, { end }])).toEqual(expected)
  for (const cut of [rows, [...rows.slice(0, 4), { end }], [...rows, { end }, rows[4]]]) {
    expect(await check(cut)).toMatchObject({ ok: false })
  }
})

test('the log refuses to be changed or shortened', async () => {
  await expect(db.kysely.updateTable('events').set({ actor: 'nobody' }).execute()).rejects.toThrow('append-only')
  await expect(db.kysely.deleteFrom('events').execute()).rejects.toThrow('append-only')
})

test('the first bad entry is named, whatever was done to it', async () => {
  const rows = await exported()
  const changed = (change: Partial<EventRow>) => rows.map((row) => (row.seq === 3 ? { ...row, ...change } : row))
  for (const bad of [{ data: '{"number":4}' }, { at: 1 }, { actor: 'admin' }, { hash: '0'.repeat(64) }]) {
    expect(await check(changed(bad))).toMatchObject({ ok: false, firstBad: 3, entries: 2 })
  }
  expect(await check(rows.filter(({ seq }) => seq !== 3))).toMatchObject({ ok: false, firstBad: 4 })
  expect(await check([rows[1], rows[0]])).toMatchObject({ ok: false, firstBad: 2 })
  expect(await check([rows[0], 'no json'])).toMatchObject({ ok: false, firstBad: 2 })
  expect(await check([rows[0], 'null'])).toMatchObject({ ok: false, firstBad: 2 })
})
