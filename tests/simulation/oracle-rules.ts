import type { Disk } from './disk.ts'
import type { Side } from './side.ts'
import type { Stored, StoredRow } from './stored.ts'

/** As many as the daemon makes by its own rules; more means that something goes round and round. */
const MOST_VERSIONS = 8
const MOST_CLOSERS = 8
const MOST_SIGNATURES = 5

/** Closers, each an eighth dearer, that fit into a fee that was raised by half. */
const CLOSERS_PER_RAISE = 4

/**
 * Number of versions, closers and signatures of each row.
 *
 * @param raises how often the operator raised the fee of a row.
 */
export function checkBounds(
  { attempts }: Stored,
  raises: (id: string) => number,
  fail: (rule: string, message: string) => void,
): void {
  for (const [id, made] of Map.groupBy(attempts, ({ transaction_id }) => transaction_id)) {
    const places = Map.groupBy(
      made.filter(({ purpose }) => purpose !== 'OUTSIDE' && purpose !== 'FILL'),
      ({ sequence, hash }) => sequence ?? hash,
    )
    if (places.size > MOST_SIGNATURES) fail('bounds', `${id} was signed under ${places.size} numbers`)
    for (const versions of places.values()) {
      const closers = versions.filter(({ purpose }) => purpose === 'CANCEL').length
      if (closers > MOST_CLOSERS && closers > MOST_CLOSERS + CLOSERS_PER_RAISE * raises(id))
        fail('bounds', `${id} has ${closers} closers`)
      if (versions.length - closers > MOST_VERSIONS) fail('bounds', `${id} has ${versions.length - closers} versions`)
    }
  }
}

/** What a notice names has to be so. A sentence where it is not. */
export function wrongNotice(row: StoredRow, side: Side, disk: Disk): string | undefined {
  if (row.notice === null) return undefined
  const { code } = JSON.parse(row.notice) as { code: string }
  switch (code) {
    case 'NOT_ACCEPTED':
      return row.outcome_unknown === 1 ? undefined : 'no node is said to have it, and its outcome is not unknown'
    case 'NOT_MINED':
      return row.outcome_unknown === 0 ? undefined : 'a node is said to have it, and its outcome is unknown'
    case 'NOT_SIGNED':
      return row.status === 'EXECUTING' ? undefined : 'it is said to be not signed yet, and that is over'
    case 'CANCELLING':
    case 'CLOSING':
      return row.closing === null ? `${code}, and it was not given up` : undefined
    case 'ACCOUNT_HELD':
      return disk.read('SELECT 1 FROM lanes WHERE held IS NOT NULL').length === 0 ? 'no account is held' : undefined
    case 'FINALITY_UNAVAILABLE':
      return side.faults().size > 0 ? undefined : 'nothing has gone wrong on this network'
    default:
      return undefined
  }
}

/** What is spent, reserved or granted in the window, the row that was just allowed included, is within the limit. */
export function checkLimits(
  before: Stored,
  { entries, rows }: Stored,
  disk: Disk,
  fail: (rule: string, message: string) => void,
): void {
  const counted = entries.filter(({ state }) => state !== 'RELEASED')
  const known = new Set(before.entries.filter(({ state }) => state !== 'RELEASED').map((entry) => entry.transaction_id))
  const allowed = counted.filter(({ transaction_id: id }) => !known.has(id) && rows.get(id)!.origin === 'session')
  if (allowed.length === 0) return
  const [policy] = disk.read<{ rules: string }>("SELECT rules FROM policies WHERE type = 'SPENDING_LIMIT'")
  const { windows } = JSON.parse(policy!.rules) as { windows: { asset: string; max: string }[] }
  for (const { asset, max } of windows) {
    if (!allowed.some((entry) => entry.asset === asset)) continue
    const total = counted.filter((entry) => entry.asset === asset).reduce((sum, { amount }) => sum + BigInt(amount), 0n)
    if (total > BigInt(max))
      fail('limit', `${allowed[0]!.transaction_id} was allowed with ${total} of ${max} ${asset} in the window`)
  }
}
