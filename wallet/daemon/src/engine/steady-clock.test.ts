import { type Clock, createLogger, openDatabase, systemTimers } from '@openpista/common'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { migrations, type Tables } from '../store/tables.ts'
import { createWriter } from '../store/writer.ts'
import { openSteadyClock, type SteadyClock } from './steady-clock.ts'

const START = 1_800_000_000

/** A machine whose wall clock and measured time move apart by hand, and the clock of a daemon on it. */
async function createMachine() {
  const { kysely: db, close } = await openDatabase<Tables>({ path: ':memory:', migrations, synchronous: 'NORMAL' })
  const at = { wall: START, passed: 0 }
  const wall: Clock = { seconds: () => Math.floor(at.wall), millis: () => Math.floor(at.wall * 1000) }
  const timers = { monotonic: () => at.passed * 1000 }
  const log = createLogger('test', 'silent')
  const open = () => openSteadyClock({ db, clock: wall, timers, log })
  let clock = await open()
  const write = createWriter(db, systemTimers)
  return {
    db,
    close,
    clock: () => clock,
    pass: (seconds: number) => {
      at.wall += seconds
      at.passed += seconds
    },
    jump: (seconds: number) => {
      at.wall += seconds
    },
    /** @returns the time that the clock takes for downtime. */
    restart: async (seconds: number) => {
      await clock.keep(write, 0)
      const before = clock.seconds()
      at.wall += seconds
      clock = await open()
      return clock.seconds() - before
    },
  }
}

type Move = { kind: 'pass' | 'jump' | 'restart'; seconds: number }

const lengths = fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constantFrom(3600, 86_400))
const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: lengths.map((seconds) => ({ kind: 'pass' as const, seconds })) },
  fc
    .tuple(fc.constantFrom('jump' as const, 'restart' as const), lengths, fc.boolean())
    .map(([kind, seconds, back]) => ({ kind, seconds: back ? -seconds : seconds })),
)
/** What small steps of the clock may add up to without being noticed, and the rounding of stamps. */
const SLACK = 7

test('whatever the wall clock does, time never goes back, and a wait and a window last as long as was measured', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(moves, { maxLength: 90 }), lengths, async (all, length) => {
      const machine = await createMachine()
      let passed = 0
      let drifted = 0
      const stamps: { stamp: number; passed: number }[] = []
      const look = (clock: SteadyClock) => {
        const now = clock.seconds()
        expect(now).toBeGreaterThanOrEqual(stamps.at(-1)?.stamp ?? START)
        stamps.push({ stamp: now, passed })
        const from = clock.ago(length)
        for (const { stamp, passed: then } of stamps) {
          const age = passed - then
          const isOver = clock.ends({ since: stamp, until: stamp + length }) <= now
          if (isOver) expect(age, 'no wait is shortened').toBeGreaterThanOrEqual(length - drifted - 1)
          if (stamps.length < 60 && !isOver) {
            expect(age, 'nor does it go on for long').toBeLessThan(length + stamps.length)
          }
          if (stamp < from) expect(age, 'no window is emptied').toBeGreaterThan(length - drifted - 1)
        }
      }
      look(machine.clock())
      for (const { kind, seconds } of all) {
        if (kind === 'pass') {
          machine.pass(seconds)
          passed += seconds
        } else if (kind === 'jump') {
          machine.jump(seconds)
          drifted = SLACK
        } else {
          passed += await machine.restart(seconds)
        }
        look(machine.clock())
      }
      await machine.close()
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 100) },
  )
})

test('many small steps of the wall clock count as one jump', async () => {
  const machine = await createMachine()
  const since = machine.clock().seconds()
  for (let step = 0; step < 5000; step += 1) {
    machine.jump(3)
    machine.clock().seconds()
  }
  expect(machine.clock().seconds()).toBe(START + 15_000)
  expect(machine.clock().ends({ since, until: since + 300 }) - machine.clock().seconds()).toBeGreaterThan(300 - SLACK)
  expect(machine.clock().ago(300)).toBeLessThan(since)
})

test('a clock that was set back goes on by measured time, over a restart too', async () => {
  const machine = await createMachine()
  machine.pass(100)
  machine.jump(-86_400)
  expect(machine.clock().seconds()).toBe(START + 100)
  machine.pass(10)
  expect(machine.clock().seconds()).toBe(START + 110)
  expect(await machine.restart(-3600)).toBe(0)
  machine.pass(5)
  expect(machine.clock().seconds()).toBe(START + 115)
})

test('a jump ahead is written down with the audit log, and a restart still knows it', async () => {
  const machine = await createMachine()
  const since = machine.clock().seconds()
  machine.jump(86_400)
  expect(machine.clock().seconds()).toBe(START + 86_400)
  await machine.restart(0)
  expect(machine.clock().ends({ since, until: since + 300 })).toBe(since + 300 + 86_400)
  expect(machine.clock().ago(10)).toBe(START - 10)
  const events = await machine.db.selectFrom('events').select(['type', 'data']).execute()
  expect(events).toEqual([{ type: 'CLOCK_JUMPED', data: '{"aheadSeconds":86400}' }])
})
