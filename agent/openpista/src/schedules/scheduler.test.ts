import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '@openpista/common'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Inbound } from '../channels/channel.ts'
import { openStore, type Store } from '../store/store.ts'
import type { Schedule } from './schedule.ts'
import { type ConfiguredSchedule, createScheduler } from './scheduler.ts'

const START = Date.parse('2026-11-21T07:00:00Z')
const HOUR = 3_600_000
const daily: Schedule = { name: 'daily', when: '0 9 * * *', zone: 'UTC', text: 'How is the disk?', missed: 'once' }
const target = { id: 'letters:ann', channel: 'letters', address: { chat: 'ann' } }

let folder: string
let store: Store
let now: number

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'schedules-'))
  store = await openStore(join(folder, 'memory.db'))
  now = START
  await store.write(async (transaction) => {
    const { id, channel, address } = target
    const times = { created_at: now, updated_at: now }
    const row = { id, channel, address: JSON.stringify(address), title: '', model: null, seq: 0, ...times }
    await transaction.insertInto('sessions').values(row).execute()
  })
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

/** One life of the scheduler: started, given time to say what is due, stopped. */
async function live(configured: readonly ConfiguredSchedule[] = [], work?: (said: Inbound[]) => Promise<void>) {
  const said: Inbound[] = []
  const scheduler = make(configured)
  await scheduler.start(async (_target, inbound) => void said.push(inbound))
  await work?.(said)
  await scheduler.stop()
  return said
}

function make(configured: readonly ConfiguredSchedule[] = []) {
  return createScheduler({ store, now: () => now, configured, logger: createLogger('test', 'silent') })
}

test('what is added is said at its time, to its session, over a restart', async () => {
  expect(await make().add(daily, target.id)).toEqual({ ok: true, next: START + 2 * HOUR })
  expect(await live()).toEqual([])
  now += 2 * HOUR
  expect(await live()).toEqual([
    {
      ...{ channel: 'letters', chat: 'ann', user: 'schedule', text: 'How is the disk?', owner: false },
      ...{ id: `schedule:daily:${START + 2 * HOUR}`, schedule: 'daily' },
    },
  ])
  expect(await live()).toEqual([])
  now += 24 * HOUR
  expect(await live()).toHaveLength(1)
})

test('many missed runs are said once, or not at all, as it was asked for', async () => {
  await make().add(daily, target.id)
  await make().add({ ...daily, name: 'strict', missed: 'skip' }, target.id)
  now += 24 * 10 * HOUR
  expect((await live()).map(({ schedule }) => schedule)).toEqual(['daily'])
  expect(await live()).toEqual([])
})

test('killed between saying and noting it, the same is said again under the same id', async () => {
  await make().add(daily, target.id)
  now += 2 * HOUR
  const said: string[] = []
  const dying = make()
  await dying.start(async (_target, { id }) => {
    said.push(id)
    throw new Error('killed')
  })
  await dying.stop()
  const again = await live()
  expect([...said, ...again.map(({ id }) => id)]).toEqual([said[0], said[0]])
})

test('one moment is said once and is gone; one in the past is refused', async () => {
  const once = { ...daily, name: 'once', when: '2026-11-21T10:00' }
  expect(await make().add({ ...once, when: '2020-01-01T00:00' }, target.id)).toMatchObject({ ok: false })
  await make().add(once, target.id)
  now += 4 * HOUR
  expect(await live()).toHaveLength(1)
  expect(await make().list()).toEqual([])
})

test('the configuration is taken over: new, changed and removed ones; a moment that came while it was off is not lost', async () => {
  const configured = [{ ...daily, target }]
  await live(configured)
  expect((await make().list()).map(({ name, source }) => [name, source])).toEqual([['daily', 'config']])
  expect(await make().remove('daily')).toMatchObject({ ok: false, message: expect.stringContaining('config.toml') })
  now += 3 * HOUR
  expect(await live(configured)).toHaveLength(1)
  await live([{ ...daily, when: '0 12 * * *', target }])
  expect((await make().list())[0]!.next).toBe(START + 5 * HOUR)
  await live([])
  expect(await make().list()).toEqual([])
})

test('a name is taken once, a hundred are the most, and an unknown one cannot be removed', async () => {
  const scheduler = make()
  for (let number = 0; number < 100; number++) await scheduler.add({ ...daily, name: `n${number}` }, target.id)
  expect(await scheduler.add(daily, target.id)).toMatchObject({ ok: false, message: expect.stringContaining('100') })
  await scheduler.remove('n1')
  expect(await scheduler.add({ ...daily, name: 'n2' }, target.id)).toMatchObject({ ok: false })
  expect(await scheduler.add({ ...daily, when: 'soon' }, target.id)).toMatchObject({ ok: false })
  expect(await scheduler.add(daily, 'nowhere')).toMatchObject({ ok: false })
  expect(await scheduler.remove('nothing')).toMatchObject({ ok: false })
})

test('what is due while it runs is said without a restart', async () => {
  const soon = { ...daily, name: 'soon', when: new Date(START + 40).toISOString() }
  const began = Date.now()
  const said = Promise.withResolvers<Inbound>()
  const scheduler = createScheduler({
    ...{ store, configured: [], logger: createLogger('test', 'silent') },
    now: () => START + Date.now() - began,
  })
  await scheduler.start(async (_target, inbound) => said.resolve(inbound))
  await scheduler.add(soon, target.id)
  expect((await said.promise).schedule).toBe('soon')
  await scheduler.stop()
})
