import type { Side, StoredProof } from './side.ts'
import { hasEnded, payeeOf, paysSomebody, type Stored, type StoredAttempt, type StoredRow } from './stored.ts'

/** What people did, and what of that may be wrong without the daemon's fault. */
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

/** What an oracle sees, and what it saw before. */
export type Sight = {
  stored: Stored
  seen: { attempts: Map<string, string>; rows: Map<string, string>; released: Set<string> }
  readonly known: Map<string, { row: StoredRow; attempt: StoredAttempt }>
  readonly sides: readonly Side[]
  readonly people: PeopleActs
  readonly fail: (rule: string, message: string) => void
}

export function truthOf({ sides }: Pick<Sight, 'sides'>, network: string): Side['truth'] {
  return sides.find((side) => side.network === network)!.truth
}

export function sayOf({ fail }: Pick<Sight, 'fail'>, rule: string, attempt: StoredAttempt, message: string): void {
  fail(rule, `${attempt.purpose} ${attempt.hash} of ${attempt.transaction_id} (nonce ${attempt.sequence}): ${message}`)
}

/** What the daemon says of signed bytes has to be so. */
export function createBytesChecks(sight: Sight) {
  const { fail } = sight
  const say = (rule: string, attempt: StoredAttempt, message: string) => sayOf(sight, rule, attempt, message)
  /** (a) */
  const checkNumbers = () => {
    const open = sight.stored.attempts.filter(
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
    for (const attempt of sight.stored.attempts) {
      const isNew = !sight.seen.attempts.has(attempt.id)
      const row = before.rows.get(attempt.transaction_id)
      if (!isNew || attempt.purpose !== 'PAYMENT' || row === undefined || row.closing === null) continue
      if (sight.stored.rows.get(row.id)!.closing !== null)
        say('given up', attempt, 'was signed for a row that was given up')
    }
  }

  /** (b) What can never land again, says the daemon. */
  const checkDeaths = () => {
    for (const attempt of sight.stored.attempts) {
      const before = sight.seen.attempts.get(attempt.id)
      sight.seen.attempts.set(attempt.id, attempt.state)
      if (attempt.state !== 'DEAD' || before === 'DEAD') continue
      const truth = truthOf(sight, attempt.network)
      if (!truth.isOut(attempt.hash)) continue
      const { can, why } = truth.canLand(attempt.hash)
      if (can) say('dead', attempt, `was called dead, and ${why}`)
      if (attempt.proof !== null) checkProof(attempt)
    }
  }

  /** (g) */
  const checkProof = (attempt: StoredAttempt) => {
    const proof = JSON.parse(attempt.proof!) as StoredProof
    const place = sight.stored.attempts.filter(
      (each) => each.transaction_id === attempt.transaction_id && each.sequence === attempt.sequence,
    )
    const bytes = (attempt.sequence === null ? [attempt] : place).map(({ hash, sequence, valid_until }) => ({
      hash,
      sequence: sequence === null ? null : BigInt(sequence),
      validUntil: valid_until === null ? null : BigInt(valid_until),
    }))
    const wrong = truthOf(sight, attempt.network).checkProof(proof, bytes)
    if (wrong !== undefined) say('proof', attempt, `its proof does not hold: ${wrong}`)
  }

  return { checkNumbers, checkGivenUp, checkDeaths }
}

/** Nobody is paid twice, and nothing that may pay is given up or set free. */
export function createPaymentChecks(sight: Sight) {
  const { fail, people } = sight
  const say = (rule: string, attempt: StoredAttempt, message: string) => sayOf(sight, rule, attempt, message)
  /** Bytes of a row that may still pay, or have paid. */
  const mayPay = (id: string): { attempt: StoredAttempt; why: string } | undefined => {
    for (const attempt of sight.stored.attempts) {
      if (attempt.transaction_id !== id || attempt.purpose === 'FILL' || attempt.purpose === 'CANCEL') continue
      const truth = truthOf(sight, attempt.network)
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
    for (const row of sight.stored.rows.values()) {
      const before = sight.seen.rows.get(row.id)
      sight.seen.rows.set(row.id, row.status)
      if (row.status === before || !hasEnded(row) || row.status === 'CONFIRMED') continue
      if (people.writtenOff.has(row.id)) continue
      const paying = mayPay(row.id)
      if (paying !== undefined) say('end', paying.attempt, `its row is ${row.status}, and ${paying.why}`)
    }
    const holding = new Set(
      sight.stored.entries.filter(({ state }) => state !== 'RELEASED').map((each) => each.transaction_id),
    )
    for (const { transaction_id: id } of sight.stored.entries) {
      if (holding.has(id)) sight.seen.released.delete(id)
      if (holding.has(id) || sight.seen.released.has(id)) continue
      sight.seen.released.add(id)
      if (people.writtenOff.has(id)) continue
      const paying = mayPay(id)
      if (paying !== undefined) say('release', paying.attempt, `nothing is reserved for it, and ${paying.why}`)
    }
  }

  /** (d) Of all bytes for one payee at most one can take effect. */
  const checkPayee = (side: Side, payee: string) => {
    if (people.forgotten.has(payee)) return
    const paying = [...sight.known.values()].filter(
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
    for (const row of sight.stored.rows.values()) {
      const payee = payeeOf(row)
      if (row.network !== side.network || payee === undefined || !paysSomebody(row) || people.forgotten.has(payee))
        continue
      const payments = side.truth.paymentsTo(payee)
      if (payments.length > 1) fail('once', `${payee} was paid ${payments.length} times: ${payments.join(', ')}`)
    }
  }

  return { checkEnds, checkPayee, checkPaid }
}

/**
 * (d) Whoever was paid has a row that says so, and nobody else. A request that was refused before it was judged leaves
 * its key free, so that there may be several rows.
 */
export function checkEndsOfAll(
  rows: readonly StoredRow[],
  { truth }: Side,
  people: PeopleActs,
  fail: Sight['fail'],
): void {
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
export function checkMoney(side: Side, { entries }: Stored, people: PeopleActs, fail: Sight['fail']): void {
  if (people.hasRestored || people.writtenOff.size > 0) return
  const booked = entries
    .filter(({ state, asset }) => state === 'COMMITTED' && asset === `${side.network}/native`)
    .reduce((sum, { amount }) => sum + BigInt(amount), 0n)
  const { own } = side.truth.outflow()
  if (own !== booked) fail('money', `${side.network}: ${own} left the wallet, ${booked} is booked`)
}
