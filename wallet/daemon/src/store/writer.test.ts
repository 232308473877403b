import { openDatabase, systemTimers } from '@openpista/common'
import { expect, test } from 'vitest'
import { appendEvent } from './events.ts'
import { migrations, type Tables } from './tables.ts'
import { verifyEvents } from './verify-audit.ts'
import { createWriter } from './writer.ts'

test('work that shares a commit stands or falls alone', async () => {
  const db = await openDatabase<Tables>({ path: ':memory:', migrations, synchronous: 'NORMAL' })
  const write = createWriter(db.kysely, systemTimers)
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) =>
      write(async (transaction) => {
        await transaction
          .insertInto('settings')
          .values({ key: `k${index}`, value: 'v' })
          .execute()
        if (index % 2 === 1) throw new Error('no')
        return index
      }),
    ),
  )
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(25)
  const rows = await db.kysely.selectFrom('settings').select('key').execute()
  expect(rows.map(({ key }) => key).toSorted()).toEqual(
    Array.from({ length: 25 }, (_, index) => `k${index * 2}`).toSorted(),
  )
  await db.close()
})

test('work sees what work before it has done', async () => {
  const db = await openDatabase<Tables>({ path: ':memory:', migrations, synchronous: 'NORMAL' })
  const write = createWriter(db.kysely, systemTimers)
  const add = () =>
    write(async (transaction) => {
      const row = await transaction.selectFrom('settings').select('value').where('key', '=', 'n').executeTakeFirst()
      const value = String(Number(row?.value ?? 0) + 1)
      await transaction
        .insertInto('settings')
        .values({ key: 'n', value })
        .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
        .execute()
      return value
    })
  const values = await Promise.all(Array.from({ length: 100 }, add))
  expect(values).toEqual(Array.from({ length: 100 }, (_, index) => String(index + 1)))
  await db.close()
})

test('entries of the log stay chained where a part of a commit is undone', async () => {
  const db = await openDatabase<Tables>({ path: ':memory:', migrations, synchronous: 'NORMAL' })
  const write = createWriter(db.kysely, systemTimers)
  const results = await Promise.allSettled(
    Array.from({ length: 30 }, (_, index) =>
      write(async (transaction) => {
        for (const type of ['FIRST', 'SECOND']) {
          await appendEvent(transaction, 1, { type: `${type}_${index}`, actor: 'daemon' })
          if (index % 3 === 1 && type === 'FIRST') throw new Error('no')
        }
      }),
    ),
  )
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(10)
  const entries = await db.kysely.selectFrom('events').select('type').execute()
  expect(entries).toHaveLength(40)
  expect(await verifyEvents(db.kysely)).toMatchObject({ ok: true })
  await db.close()
})
