import { fork } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { contextMessages } from './domain/compaction.ts'
import { unansweredCalls } from './domain/history.ts'
import { verifyAudit } from './store/audit.ts'
import { readContext } from './store/conversation.ts'
import { openStore } from './store/store.ts'

const CHILD = join(import.meta.dirname, 'testing', 'crash-child.ts')

/** Runs the agent until it ends; answers the signal that ended it. */
async function runChild(home: string, crashAt: number, repeatable: boolean): Promise<NodeJS.Signals | null> {
  const env = {
    ...process.env,
    CRASH_HOME: home,
    CRASH_AT: String(crashAt),
    CRASH_REPEATABLE: repeatable ? 'yes' : 'no',
  }
  const child = fork(CHILD, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] })
  const { promise, resolve, reject } = Promise.withResolvers<NodeJS.Signals | null>()
  child.once('exit', (code, signal) => (code === 0 || signal !== null ? resolve(signal) : reject(new Error(`${code}`))))
  return await promise
}

const lines = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [])

type Outcome = { payments: string[]; answers: string[]; crashed: boolean; states: string[] }

/** Kills the agent at one point of a turn, starts it again, and looks at what is left in the end. */
async function crashOnce(crashAt: number, repeatable: boolean): Promise<Outcome> {
  const home = mkdtempSync(join(tmpdir(), 'openpista-crash-'))
  try {
    const crashed = (await runChild(home, crashAt, repeatable)) === 'SIGKILL'
    if (crashed) await runChild(home, 0, repeatable)
    const store = await openStore(join(home, 'memory.db'))
    const turns = await store.db.selectFrom('turns').select('state').execute()
    expect(turns).toEqual([{ state: 'STOPPED' }])
    expect(await store.db.selectFrom('inbox').select('state').execute()).toEqual([{ state: 'DONE' }])
    expect(unansweredCalls(contextMessages(await readContext(store.db, 'letters:ann', 100)))).toEqual([])
    expect(await store.db.selectFrom('cards').select('id').where('outcome', 'is', null).execute()).toEqual([])
    expect(await verifyAudit(store.db)).toMatchObject({ ok: true })
    const calls = await store.db.selectFrom('tool_calls').select('state').execute()
    await store.close()
    return {
      crashed,
      payments: lines(join(home, 'payments')),
      answers: lines(join(home, 'answers')),
      states: calls.map(({ state }) => state),
    }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

async function crashEverywhere(): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (let crashAt = 1; ; crashAt++) {
    const outcome = await crashOnce(crashAt, false)
    outcomes.push(outcome)
    if (!outcome.crashed) return outcomes
  }
}

test('killed at any write of a turn, it pays at most once and answers exactly once', { timeout: 300_000 }, async () => {
  const outcomes = await crashEverywhere()
  expect(outcomes.length).toBeGreaterThan(8)
  for (const { payments, answers, states } of outcomes) {
    expect(new Set(answers.map((line) => line.split(' ')[0])).size).toBe(1)
    expect(payments.length).toBeLessThanOrEqual(1)
    if (states[0] === 'FINISHED') expect(payments).toHaveLength(1)
    else expect(answers.at(-1)).toContain('It may have taken effect')
  }
  const begun = outcomes.flatMap(({ states }, index) => (states[0] === 'INTERRUPTED' ? index + 1 : []))
  expect(begun.length).toBeGreaterThan(0)
  // The same places for a call that has a key of its own: it is done again with the same key, and ends well.
  for (const crashAt of begun) {
    const { payments, answers, states } = await crashOnce(crashAt, true)
    expect(states).toEqual(['FINISHED'])
    expect(new Set(payments).size).toBe(1)
    expect(answers.at(-1)).toContain('result: paid')
  }
})
