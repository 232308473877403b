import type { Disk } from './disk.ts'
import { checkBounds, checkLimits, wrongNotice } from './oracle-rules.ts'
import type { Side, StoredProof } from './side.ts'
import {
  hasEnded,
  payeeOf,
  paysSomebody,
  readStored,
  type Stored,
  type StoredAttempt,
  type StoredRow,
} from './stored.ts'

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

export type PeopleActs = {
  /** The kill switch was called, and is not off again. */
  isStopped: boolean
  isSuspended: boolean
  /** Rows that ended by somebody's word and not by a proof. */
  readonly writtenOff: Set<string>
  /** Hashes of transactions that callers send themselves. */
  readonly outside: Set<string>
  /** Payees of requests that were stored and are missing since a backup was restored. */
  readonly forgotten: Set<string>
  hasRestored: boolean
}

type Options = {
  disk: Disk
  sides: readonly Side[]
  fail: (rule: string, message: string) => void
}

type Seen = { attempts: Map<string, string>; rows: Map<string, string>; released: Set<string> }

export function createOracle({ disk, sides, fail }: Options): Oracle {
  const people: PeopleActs = {
    isStopped: false,
    isSuspended: false,
    writtenOff: new Set(),
    outside: new Set(),
    forgotten: new Set(),
    hasRestored: false,
  }
  let seen: Seen = { attempts: new Map(), rows: new Map(), released: new Set() }
  let stored: Stored = { attempts: [], rows: new Map(), entries: [] }
  const known = new Map<string, { row: StoredRow; attempt: StoredAttempt }>()

  let wasOn = false
  const notices = new Map<string, string | null>()
  const truthOf = (network: string) => sides.find((side) => side.network === network)!.truth
  const say = (rule: string, attempt: StoredAttempt, message: string) =>
    fail(
      rule,
      `${attempt.purpose} ${attempt.hash} of ${attempt.transaction_id} (nonce ${attempt.sequence}): ${message}`,
    )

  /** (a) */
  const checkNumbers = () => {
    const open = stored.attempts.filter(
      ({ state, purpose, sequence }) =>
        (state === 'LIVE' || state === 'INCLUDED') && purpose !== 'OUTSIDE' && sequence !== null,
    )
    for (const [id, attempts] of Map.groupBy(open, ({ transaction_id }) => transaction_id)) {
      const numbers = new Set(attempts.map(({ sequence }) => sequence))
      if (numbers.size > 1) fail('one number', `${id} has open bytes under the nonces ${[...numbers].join(', ')}`)
    }
    for (const [number, attempts] of Map.groupBy(open, ({ network, sequence }) => `${network} ${sequence}`)) {
      const ids = new Set(attempts.map(({ transaction_id }) => transaction_id))
      if (ids.size > 1) fail('one row', `the nonce ${number} has open bytes of ${[...ids].join(', ')}`)
    }
  }

  /** Nothing but what ends it is signed for a row that was given up. */
  const checkGivenUp = (before: Stored) => {
    for (const attempt of stored.attempts) {
      const isNew = !seen.attempts.has(attempt.id)
      const row = before.rows.get(attempt.transaction_id)
      if (!isNew || attempt.purpose !== 'PAYMENT' || row === undefined || row.closing === null) continue
      if (stored.rows.get(row.id)!.closing !== null) say('given up', attempt, 'was signed for a row that was given up')
    }
  }

  /** (b) What can never land again, says the daemon. */
  const checkDeaths = () => {
    for (const attempt of stored.attempts) {
      const before = seen.attempts.get(attempt.id)
      seen.attempts.set(attempt.id, attempt.state)
      if (attempt.state !== 'DEAD' || before === 'DEAD') continue
      const truth = truthOf(attempt.network)
      if (!truth.isOut(attempt.hash)) continue
      const { can, why } = truth.canLand(attempt.hash)
      if (can) say('dead', attempt, `was called dead, and ${why}`)
      if (attempt.proof !== null) checkProof(attempt)
    }
  }

  /** (g) */
  const checkProof = (attempt: StoredAttempt) => {
    const proof = JSON.parse(attempt.proof!) as StoredProof
    const place = stored.attempts.filter(
      (each) => each.transaction_id === attempt.transaction_id && each.sequence === attempt.sequence,
    )
    const bytes = (attempt.sequence === null ? [attempt] : place).map(({ hash, sequence, valid_until }) => ({
      hash,
      sequence: sequence === null ? null : BigInt(sequence),
      validUntil: valid_until === null ? null : BigInt(valid_until),
    }))
    const wrong = truthOf(attempt.network).checkProof(proof, bytes)
    if (wrong !== undefined) say('proof', attempt, `its proof does not hold: ${wrong}`)
  }

  /** Bytes of a row that may still pay, or have paid. */
  const mayPay = (id: string): { attempt: StoredAttempt; why: string } | undefined => {
    for (const attempt of stored.attempts) {
      if (attempt.transaction_id !== id || attempt.purpose === 'FILL' || attempt.purpose === 'CANCEL') continue
      const truth = truthOf(attempt.network)
      if (!truth.isOut(attempt.hash)) continue
      const landed = truth.landed(attempt.hash)
      if (landed?.isFinal && !landed.succeeded) continue
      const { can, why } = truth.canLand(attempt.hash)
      if (can) return { attempt, why }
    }
    return undefined
  }

  /** (b) Rows that end without being paid, and reservations that are given back. */
  const checkEnds = () => {
    for (const row of stored.rows.values()) {
      const before = seen.rows.get(row.id)
      seen.rows.set(row.id, row.status)
      if (row.status === before || !hasEnded(row) || row.status === 'CONFIRMED') continue
      if (people.writtenOff.has(row.id)) continue
      const paying = mayPay(row.id)
      if (paying !== undefined) say('end', paying.attempt, `its row is ${row.status}, and ${paying.why}`)
    }
    const holding = new Set(
      stored.entries.filter(({ state }) => state !== 'RELEASED').map((each) => each.transaction_id),
    )
    for (const { transaction_id: id } of stored.entries) {
      if (holding.has(id)) seen.released.delete(id)
      if (holding.has(id) || seen.released.has(id)) continue
      seen.released.add(id)
      if (people.writtenOff.has(id)) continue
      const paying = mayPay(id)
      if (paying !== undefined) say('release', paying.attempt, `nothing is reserved for it, and ${paying.why}`)
    }
  }

  /** (d) Of all bytes for one payee at most one can take effect. */
  const checkPayee = (side: Side, payee: string) => {
    if (people.forgotten.has(payee)) return
    const paying = [...known.values()].filter(
      ({ row, attempt }) =>
        payeeOf(row) === payee &&
        attempt.purpose === 'PAYMENT' &&
        attempt.network === side.network &&
        side.truth.isOut(attempt.hash),
    )
    const possible = paying.filter(({ attempt }) => {
      const landed = side.truth.landed(attempt.hash)
      return landed?.isFinal ? landed.succeeded : side.truth.canLand(attempt.hash).can
    })
    const places = new Set(possible.map(({ attempt }) => attempt.sequence ?? attempt.hash))
    if (places.size > 1) {
      fail(
        'once',
        `${payee} may be paid by ${possible.map(({ attempt }) => `${attempt.hash} (${attempt.sequence})`).join(' and ')}`,
      )
    }
  }

  const checkPaid = (side: Side) => {
    for (const row of stored.rows.values()) {
      const payee = payeeOf(row)
      if (row.network !== side.network || payee === undefined || !paysSomebody(row) || people.forgotten.has(payee))
        continue
      const payments = side.truth.paymentsTo(payee)
      if (payments.length > 1) fail('once', `${payee} was paid ${payments.length} times: ${payments.join(', ')}`)
    }
  }

  return {
    people,
    committed: () => {
      const before = stored
      stored = readStored(disk)
      const isOn = isKillSwitchOn(disk)
      if (wasOn && !isOn) people.isStopped = false
      wasOn = isOn
      for (const attempt of stored.attempts) {
        known.set(attempt.hash, { row: stored.rows.get(attempt.transaction_id)!, attempt })
      }
      checkNumbers()
      checkBounds(stored, fail)
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
      const found = known.get(hash)
      if (found === undefined) return fail('stored first', `${hash} left and is not stored`)
      const { attempt, row } = found
      if (people.isStopped) say('stopped', attempt, 'left after the kill switch was turned on')
      if (people.isSuspended && attempt.purpose === 'PAYMENT' && row.origin === 'session') {
        say('suspended', attempt, 'left after its agent was suspended')
      }
      const payee = payeeOf(row)
      if (payee !== undefined) checkPayee(side, payee)
    },
    head: checkPaid,
    restored: () => {
      stored = readStored(disk)
      seen = {
        attempts: new Map(stored.attempts.map(({ id, state }) => [id, state])),
        rows: new Map(stored.rows.values().map(({ id, status }) => [id, status])),
        released: new Set(stored.entries.map((each) => each.transaction_id)),
      }
      wasOn = isKillSwitchOn(disk)
      people.hasRestored = true
    },
    atEnd: () => {
      stored = readStored(disk)
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

/**
 * (d) Whoever was paid has a row that says so, and nobody else. A request that was refused before it was judged leaves
 * its key free, so that there may be several rows.
 */
function checkEndsOfAll(rows: readonly StoredRow[], { truth }: Side, people: PeopleActs, fail: Options['fail']): void {
  const payees = Map.groupBy(rows.filter(paysSomebody), payeeOf)
  for (const [payee, own] of payees) {
    if (payee === undefined || people.forgotten.has(payee) || own.some(({ id }) => people.writtenOff.has(id))) continue
    const payments = truth.paymentsTo(payee)
    const confirmed = own.filter(({ status }) => status === 'CONFIRMED')
    const told = own.map(({ id, status }) => `${id} ${status}`).join(', ')
    if (confirmed.length !== payments.length)
      fail('end', `${payee} was paid by ${payments.join(' and ') || 'nothing'}: ${told}`)
  }
}

/** (e) What left the wallet is what was booked. */
function checkMoney(side: Side, { entries }: Stored, people: PeopleActs, fail: Options['fail']): void {
  if (people.hasRestored || people.writtenOff.size > 0) return
  const booked = entries
    .filter(({ state, asset }) => state === 'COMMITTED' && asset === `${side.network}/native`)
    .reduce((sum, { amount }) => sum + BigInt(amount), 0n)
  const { own } = side.truth.outflow()
  if (own !== booked) fail('money', `${side.network}: ${own} left the wallet, ${booked} is booked`)
}
