import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { SessionFrame } from '../protocol/index.ts'
import { openStore, type Transaction } from '../store/store.ts'
import { createLogBook } from './log-book.ts'

async function openLog() {
  const store = await openStore(':memory:')
  const published: SessionFrame[] = []
  const faults: unknown[] = []
  const book = createLogBook({
    store,
    publish: (frame) => published.push(frame),
    now: () => 1_000,
    onFault: (error) => faults.push(error),
  })
  const log = await book.open({ id: 'web:a', channel: 'web', address: { chat: 'a' } })
  const note = (text: string) => async (transaction: Transaction) => {
    await transaction.insertInto('settings').values({ key: text, value: text }).execute()
  }
  return {
    ...{ store, log, note, published, faults },
    notes: async () => {
      const { rows } = await sql<{ key: string }>`SELECT key FROM settings ORDER BY rowid`.execute(store.db)
      return rows.map(({ key }) => key)
    },
    stored: async () =>
      (await store.db.selectFrom('frames').select('seq').orderBy('seq').execute()).map(({ seq }) => seq),
    [Symbol.asyncDispose]: async () => {
      await book.close()
      await store.close()
    },
  }
}

const shown = (callId: string) => ({ type: 'tool.output' as const, turnId: 't', callId, text: '.' })
const told = (text: string) => ({ type: 'notice' as const, text, tone: 'info' as const })

test('what is shown is published at once and stored soon, without anybody asking', async () => {
  await using fixture = await openLog()
  const { log, published, stored, notes } = fixture
  log.show(shown('a'))
  log.later(fixture.note('kept'))
  expect(published.map(({ seq }) => seq)).toEqual([1])
  expect(await stored()).toEqual([])
  await expect.poll(stored).toEqual([1])
  expect(await notes()).toEqual(['kept'])
})

test('what is shown waits behind a frame that must be stored first', async () => {
  await using fixture = await openLog()
  const { log, published } = fixture
  log.append(told('first'))
  log.show(shown('a'))
  expect(published).toEqual([])
  await log.commit(async () => {})
  expect(published.map(({ seq }) => seq)).toEqual([1, 2])
})

test('a commit that fails leaves what was kept for the next one', async () => {
  await using fixture = await openLog()
  const { log, note, notes } = fixture
  log.later(note('kept'))
  const failing = log.commit(async () => {
    throw new Error('refused')
  })
  await expect(failing).rejects.toThrow('refused')
  expect(await notes()).toEqual([])
  await log.commit(note('own'))
  expect(await notes()).toEqual(['kept', 'own'])
})

test('what cannot be stored is given up when it is told to, and the rest goes on', async () => {
  await using fixture = await openLog()
  const { log, note, notes } = fixture
  log.later(async () => {
    throw new Error('refused')
  })
  await expect(log.commit(note('lost'))).rejects.toThrow('refused')
  await expect(log.commit(note('lost too'))).rejects.toThrow('refused')
  log.discard()
  await log.commit(note('next'))
  expect(await notes()).toEqual(['next'])
})

test('whatever is kept, shown and committed at once, with commits that fail between: everything once and in order', async () => {
  const step = fc.oneof(
    fc.constant('later' as const),
    fc.constant('show' as const),
    fc.constant('commit' as const),
    fc.constant('fail' as const),
    fc.constant('wait' as const),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      await using fixture = await openLog()
      const { log, note, published, faults } = fixture
      const kept: string[] = []
      const commits: Promise<unknown>[] = []
      for (const [index, each] of steps.entries()) {
        const name = `${index}`.padStart(2, '0')
        if (each === 'later') {
          kept.push(name)
          log.later(note(name))
        } else if (each === 'show') log.show(shown(name))
        else if (each === 'commit') commits.push(log.commit(note(`commit ${name}`)))
        else if (each === 'fail') commits.push(refused(log.commit(refuse)))
        else await Promise.all(commits)
      }
      await Promise.all(commits)
      await log.commit(async () => {})
      const notes = await fixture.notes()
      expect(notes.filter((key) => !key.startsWith('commit'))).toEqual(kept)
      expect(new Set(notes).size).toBe(notes.length)
      const seqs = published.map(({ seq }) => seq)
      expect(seqs).toEqual(steps.filter((each) => each === 'show').map((_, index) => index + 1))
      expect(await fixture.stored()).toEqual(seqs)
      expect(faults).toEqual([])
    }),
    { numRuns: 150 },
  )
})

async function refuse(transaction: Transaction): Promise<void> {
  await transaction.insertInto('settings').values({ key: 'refused', value: '' }).execute()
  throw new Error('refused')
}

async function refused(commit: Promise<unknown>): Promise<void> {
  await expect(commit).rejects.toThrow('refused')
}
