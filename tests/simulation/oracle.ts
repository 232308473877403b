import type { Disk } from './disk.ts'
import {
  checkEndsOfAll,
  checkMoney,
  createBytesChecks,
  createPaymentChecks,
  type PeopleActs,
  type Sight,
  sayOf,
} from './oracle-payments.ts'
import { checkBounds, checkLimits, wrongNotice } from './oracle-rules.ts'
import type { Side } from './side.ts'
import { payeeOf, readStored } from './stored.ts'

/** Sees the chains as they are and the database as it is, and says when what the daemon did was not safe. */
export type Oracle = {
  /** Compares what was just committed with what can be. */
  committed(): void
  /** Bytes have left. */
  handover(side: Side, hash: string): void
  /** The chain has another head. */
  head(side: Side): void
  /** What people did, and what of that may be wrong without the daemon's fault. */
  readonly people: PeopleActs
  /** The database is an older one now: what it says is not said by this daemon. */
  restored(): void
  /** Everything has come to an end: money and payments add up. */
  atEnd(): void
}

type Options = {
  disk: Disk
  sides: readonly Side[]
  fail: (rule: string, message: string) => void
}

export function createOracle({ disk, sides, fail }: Options): Oracle {
  const people: PeopleActs = {
    isStopped: false,
    isSuspended: false,
    writtenOff: new Set(),
    outside: new Set(),
    forgotten: new Set(),
    hasRestored: false,
  }
  const sight: Sight = {
    stored: { attempts: [], rows: new Map(), entries: [] },
    seen: { attempts: new Map(), rows: new Map(), released: new Set() },
    known: new Map(),
    sides,
    people,
    fail,
  }
  let wasOn = false
  const notices = new Map<string, string | null>()
  const raisesOf = (id: string) =>
    disk.read("SELECT 1 FROM events WHERE type = 'TX_FEE_RAISED' AND transaction_id = ?", id).length
  const { checkNumbers, checkGivenUp, checkDeaths } = createBytesChecks(sight)
  const { checkEnds, checkPayee, checkPaid } = createPaymentChecks(sight)

  return {
    people,
    committed: () => {
      const before = sight.stored
      const stored = readStored(disk)
      sight.stored = stored
      const isOn = isKillSwitchOn(disk)
      if (wasOn && !isOn) people.isStopped = false
      wasOn = isOn
      for (const attempt of stored.attempts) {
        sight.known.set(attempt.hash, { row: stored.rows.get(attempt.transaction_id)!, attempt })
      }
      checkNumbers()
      checkBounds(stored, raisesOf, fail)
      checkLimits(before, stored, disk, fail)
      for (const row of stored.rows.values()) {
        if (row.notice === notices.get(row.id)) continue
        notices.set(row.id, row.notice)
        const wrong = wrongNotice(row, sides.find(({ network }) => network === row.network)!, disk)
        if (wrong !== undefined) fail('notice', `${row.id}: ${wrong}`)
      }
      checkGivenUp(before)
      checkDeaths()
      checkEnds()
    },
    handover: (side, hash) => {
      if (people.outside.has(hash)) return
      const found = sight.known.get(hash)
      if (found === undefined) return fail('stored first', `${hash} left and is not stored`)
      const { attempt, row } = found
      if (people.isStopped) sayOf(sight, 'stopped', attempt, 'left after the kill switch was turned on')
      if (people.isSuspended && attempt.purpose === 'PAYMENT' && row.origin === 'session') {
        sayOf(sight, 'suspended', attempt, 'left after its agent was suspended')
      }
      const payee = payeeOf(row)
      if (payee !== undefined) checkPayee(side, payee)
    },
    head: checkPaid,
    restored: () => {
      const stored = readStored(disk)
      sight.stored = stored
      sight.seen = {
        attempts: new Map(stored.attempts.map(({ id, state }) => [id, state])),
        rows: new Map(stored.rows.values().map(({ id, status }) => [id, status])),
        released: new Set(stored.entries.map((each) => each.transaction_id)),
      }
      wasOn = isKillSwitchOn(disk)
      people.hasRestored = true
    },
    atEnd: () => {
      const stored = readStored(disk)
      sight.stored = stored
      for (const side of sides) checkPaid(side)
      for (const side of sides) {
        const rows = [...stored.rows.values()].filter(({ network }) => network === side.network)
        checkEndsOfAll(rows, side, people, fail)
      }
      for (const side of sides) checkMoney(side, stored, people, fail)
    },
  }
}

export function isKillSwitchOn({ read }: Disk): boolean {
  const [state] = read<{ value: string }>("SELECT value FROM settings WHERE key = 'kill_switch'")
  return (state?.value ?? 'NORMAL') !== 'NORMAL'
}
