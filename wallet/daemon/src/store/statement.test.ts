import { type Database, openDatabase } from '@openpista/common'
import type { Kysely } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { statement } from './statement.ts'
import { migrations, type Tables } from './tables.ts'

let database: Database<Tables>
let db: Kysely<Tables>
beforeEach(async () => {
  database = await openDatabase<Tables>({ path: ':memory:', migrations, synchronous: 'FULL' })
  db = database.kysely as unknown as Kysely<Tables>
})
afterEach(() => database.close())

const put = statement((on, row: Tables['settings']) =>
  on
    .insertInto('settings')
    .values(row)
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: row.value })),
)
const get = statement((on, { key }: { key: string }) => on.selectFrom('settings').selectAll().where('key', '=', key))
const patch = statement((on, { key, ...columns }: { key: string } & Partial<Tables['settings']>) =>
  on.updateTable('settings').set(columns).where('key', '=', key).returningAll(),
)

test('every call has its own values, on whichever database it runs', async () => {
  const other = await openDatabase<Tables>({ path: ':memory:', migrations, synchronous: 'FULL' })
  const otherDb = other.kysely as unknown as Kysely<Tables>
  await put(db, { key: 'a', value: '1' })
  await put(db, { value: '2', key: 'b' })
  await put(db, { key: 'a', value: '3' })
  await put(otherDb, { key: 'a', value: 'elsewhere' })
  expect(await get(db, { key: 'a' })).toEqual([{ key: 'a', value: '3' }])
  expect(await get(db, { key: 'b' })).toEqual([{ key: 'b', value: '2' }])
  expect(await get(db, { key: 'c' })).toEqual([])
  expect(await get(otherDb, { key: 'a' })).toEqual([{ key: 'a', value: 'elsewhere' }])
  await other.close()
})

test('which values are given decides what is changed', async () => {
  await put(db, { key: 'a', value: '1' })
  await expect(patch(db, { key: 'a', value: '2' })).resolves.toEqual([{ key: 'a', value: '2' }])
  await expect(patch(db, { key: 'a', value: undefined as unknown as string })).rejects.toThrow()
  await expect(get(db, { key: 'a' })).resolves.toEqual([{ key: 'a', value: '2' }])
})
