import type { NetworkName } from '@waiaas/core'
import type { ChainAdapter, Outcome, Place } from '../chains/chain-adapter.ts'
import { type AttemptRow, attemptsOf, openAttempts } from '../store/attempts.ts'
import { waitsBehind } from '../store/lanes.ts'
import { executingOf, findTransaction, type TransactionRow } from '../store/transactions.ts'
import { bookOutcome, hasProofNotice, isNews, noteMissing } from './book.ts'
import { sentAttempt } from './broadcast.ts'
import { createTrials, PATIENCE_SECONDS, readClosing, startClosing, type Trials } from './closing.ts'
import type { Lanes } from './lanes.ts'
import { tellNotMined } from './not-mined.ts'
import type { Context } from './parts.ts'
import { readProof } from './stored-proof.ts'
import { createVanished } from './vanished.ts'
import { offer, signVersion } from './versions.ts'

/** Places asked about at once, and booked in one database transaction. */
const BATCH = 256

export type Follower = {
  /** Asks the chain about everything whose end is open, books what is proven, and sends again what got lost. */
  follow: (network: NetworkName) => Promise<void>
}

/** All signatures of one row that share a place: of them at most one takes effect. The oldest first. */
export type OpenPlace = { versions: readonly AttemptRow[] }

/** @param resume called for a transaction that may go on: it is to be signed once more, or its account is free. */
export function createFollower(context: Context, lanes: Lanes, resume: (id: string) => void): Follower {
  const running = new Map<NetworkName, Promise<void>>()
  const again = new Set<NetworkName>()
  const lastOutside = new Map<NetworkName, number>()
  const trials = createTrials(context)
  const vanished = createVanished(context, lanes)

  const followOnce = async (network: NetworkName) => {
    const adapter = context.adapters.get(network)
    if (adapter === undefined) return
    await vanished.reopen(adapter)
    const now = context.timers.monotonic()
    const withOutside = now - (lastOutside.get(network) ?? Number.NEGATIVE_INFINITY) >= context.settings.finalityMillis
    if (withOutside) lastOutside.set(network, now)
    const attempts = await openAttempts(context.db, network, withOutside ? 'own and outside' : 'own')
    const places = placesOf(attempts)
    for (let start = 0; start < places.length; start += BATCH) {
      await followBatch({ context, lanes, trials, resume }, adapter, places.slice(start, start + BATCH))
    }
  }
  const loop = async (network: NetworkName) => {
    do {
      again.delete(network)
      await followOnce(network)
    } while (again.has(network))
  }
  return {
    follow: async (network) => {
      const current = running.get(network)
      if (current !== undefined) {
        again.add(network)
        return await current
      }
      const started = loop(network).finally(() => running.delete(network))
      running.set(network, started)
      await started
    },
  }
}

/** Versions under one number of one row; what has no number stands alone. */
export function placesOf(attempts: readonly AttemptRow[]): OpenPlace[] {
  const groups = Map.groupBy(attempts, ({ id, transaction_id, sequence }) =>
    sequence === null ? id : `${transaction_id} ${sequence}`,
  )
  return [...groups.values()].map((versions) => ({ versions }))
}

/** A place, and what the chain said of it. */
type AskedPlace = OpenPlace & { outcome: Outcome }

export function askedPlace({ versions }: OpenPlace): Place {
  const proof = versions.find((version) => version.proof !== null)?.proof ?? null
  const block = versions.find((version) => version.block_hash !== null)
  return {
    versions: versions.map(sentAttempt),
    proof: proof === null ? null : readProof(proof),
    block: block === undefined ? null : { number: BigInt(block.block_number!), hash: block.block_hash! },
  }
}

type Parts = { context: Context; lanes: Lanes; trials: Trials; resume: (id: string) => void }

async function followBatch(parts: Parts, adapter: ChainAdapter, places: readonly OpenPlace[]): Promise<void> {
  const { context, lanes, resume } = parts
  const asked = await adapter.outcomes(places.map(askedPlace))
  if (!asked.ok) {
    context.log.warn({ network: adapter.network.name }, asked.message)
    return
  }
  const found = places.map((place, index) => ({ ...place, outcome: asked.outcomes[index]! }))
  const news = found.filter(({ versions, outcome }) => isNews(versions, outcome))
  if (news.length > 0) {
    const changed = await context.write(async (db) => {
      const rows: TransactionRow[] = []
      for (const { versions, outcome } of news) rows.push(...(await bookOutcome(context, db, versions, outcome)))
      return rows
    })
    for (const row of changed) {
      context.onStep('settled', row.id)
      context.changes.changed(row)
    }
    for (const { versions, outcome } of news) freeAccount(context, lanes, versions, outcome)
    for (const row of changed) if (row.status === 'EXECUTING') resume(row.id)
  }
  // While the kill switch is on, what was sent is followed, and nothing is sent again.
  if (context.lock.locked()) return
  const waiting = found.filter(
    ({ outcome, versions }) => outcome.kind === 'waiting' && versions[0]!.purpose !== 'OUTSIDE',
  )
  // The highest numbers first: what has to be closed behind another one is closed before it.
  const ordered = waiting.toSorted((a, b) => Number(sequenceOf(b) - sequenceOf(a)))
  for (const place of ordered) await pushOn(parts, adapter, place)
}

function sequenceOf({ versions }: OpenPlace): bigint {
  return BigInt(versions[0]!.sequence ?? 0)
}

/** What a block has needs no node that takes it; where somebody else used a number, or a block vanished, the numbers are read again. */
function freeAccount(context: Context, lanes: Lanes, versions: readonly AttemptRow[], outcome: Outcome): void {
  const { network, address, sequence } = versions[0]!
  if (outcome.kind !== 'waiting' && outcome.final) for (const { id } of versions) context.handOvers.forget(id)
  if (outcome.kind === 'waiting') {
    if (versions.every(({ block_hash, proof }) => block_hash === null && proof === null)) return
    // Its block has vanished: the bytes may have gone with it.
    for (const { id } of versions) context.handOvers.hurry(id)
  }
  if (sequence === null) return
  const lane = lanes.of(network, address)
  if (outcome.kind === 'included') lane.accepted(BigInt(sequence))
  else lane.doubt()
}

/** Gives up what has to be, raises the fee of what waits for too little, ends what was given up, and sends again what is due. */
async function pushOn(parts: Parts, adapter: ChainAdapter, { versions, outcome }: AskedPlace): Promise<void> {
  const { context, lanes, trials } = parts
  const newest = versions.at(-1)!
  const isDue = context.handOvers.isDue(newest.id, context.clock.millis())
  const found = await findTransaction(context.db, newest.transaction_id)
  if (found === undefined || (found.status !== 'SIGNED' && found.status !== 'SUBMITTED')) return
  const stored = await dropProofNotice(context, found, outcome)
  const row = stored.closing === null ? await giveUp(context, adapter, stored, versions, trials) : stored
  if (row.closing !== null && row.origin !== 'daemon') return await close(parts, adapter, row, versions, isDue)
  if (!isDue) return
  if (row.status === 'SUBMITTED' && (await signVersion(context, lanes, adapter, row, versions, 'itself'))) return
  await offerAll(parts, adapter, row, versions)
  await tellNotMined(context, adapter, row, newest)
}

/** What was missing for a proof is there: the row says again what it said before. */
async function dropProofNotice(context: Context, row: TransactionRow, outcome: Outcome): Promise<TransactionRow> {
  if (outcome.missing !== undefined || !hasProofNotice(row)) return row
  const noted = await context.write(async (db) => {
    const current = await findTransaction(db, row.id)
    return current === undefined ? undefined : await noteMissing(context, db, current, outcome)
  })
  if (noted !== undefined) context.changes.changed(noted)
  return noted ?? row
}

async function giveUp(
  context: Context,
  adapter: ChainAdapter,
  row: TransactionRow,
  versions: readonly AttemptRow[],
  trials: Trials,
): Promise<TransactionRow> {
  const reason = await trials.reasonToClose(adapter, row, versions)
  if (reason === undefined) return row
  const closing = await context.write(async (db) => {
    const current = await findTransaction(db, row.id)
    return current === undefined ? undefined : await startClosing(context, db, current, reason, 'daemon')
  })
  if (closing !== undefined) context.changes.changed(closing)
  return closing ?? row
}

/**
 * Of a row that was given up only what ends it goes out: at once where it was cancelled or something waits behind it,
 * otherwise after a while. Where what waits behind was given up too, that is ended first.
 */
async function close(
  { context, lanes }: Pick<Parts, 'context' | 'lanes'>,
  adapter: ChainAdapter,
  row: TransactionRow,
  versions: readonly AttemptRow[],
  isDue: boolean,
): Promise<void> {
  const { network, address, sequence } = versions[0]!
  if (adapter.replacement === undefined || sequence === null) return
  const closers = versions.filter(({ purpose }) => purpose === 'CANCEL')
  if (closers.length === 0) {
    const reason = readClosing(row)!.reason
    const isBehind =
      (await waitsBehind(context.db, network, address, BigInt(sequence))) ||
      (await waitingToSign(context, row)).length > 0
    const isLate = (row.closing_since ?? 0) <= context.clock.ago(PATIENCE_SECONDS)
    if (reason !== 'cancel' && !isBehind && !isLate) return
    if (await isHeldByOthers(context, network, address, BigInt(sequence))) return
    await signVersion(context, lanes, adapter, row, versions, 'nothing')
    return
  }
  if (!isDue) return
  const last = context.handOvers.last(closers.at(-1)!.id)
  if (last?.accepted !== true && (await offer(context, lanes, adapter, row, closers.at(-1)!))) return
  if (await signVersion(context, lanes, adapter, row, versions, 'nothing')) return
  await offer(context, lanes, adapter, row, closers.at(-1)!)
}

/** Signs what ends a row at once, where that can be; otherwise the follower does when it can. */
export async function closeNow(context: Context, lanes: Lanes, row: TransactionRow): Promise<void> {
  const adapter = context.adapters.get(row.network)
  if (adapter === undefined || context.lock.locked()) return
  const open = (await attemptsOf(context.db, row.id)).filter(
    ({ state, purpose }) => state === 'LIVE' && purpose !== 'FILL',
  )
  for (const { versions } of placesOf(open)) await close({ context, lanes }, adapter, row, versions, false)
}

/** Whether something above a number was given up and has nothing out yet that ends it: it would be set free. */
async function isHeldByOthers(
  context: Context,
  network: NetworkName,
  address: string,
  sequence: bigint,
): Promise<boolean> {
  const open = (await openAttempts(context.db, network, 'own')).filter((each) => each.address === address)
  const above = Map.groupBy(
    open.filter((each) => BigInt(each.sequence!) > sequence),
    ({ transaction_id }) => transaction_id,
  )
  for (const [id, versions] of above) {
    if (versions.some(({ purpose }) => purpose === 'CANCEL')) continue
    const row = await findTransaction(context.db, id)
    if (row?.closing != null && (row.status === 'SIGNED' || row.status === 'SUBMITTED')) return true
  }
  return false
}

/** The newest version; where no node takes it, the ones before it. */
async function offerAll(
  { context, lanes, resume }: Parts,
  adapter: ChainAdapter,
  row: TransactionRow,
  versions: readonly AttemptRow[],
): Promise<void> {
  const wasUnknown = row.outcome_unknown === 1 || row.status === 'SIGNED'
  for (const version of versions.toReversed()) {
    if (!(await offer(context, lanes, adapter, row, version))) continue
    if (wasUnknown) await resumeAccount(context, row, resume)
    return
  }
}

/** What waited for this one to be taken can be signed now. */
async function resumeAccount(context: Context, row: TransactionRow, resume: (id: string) => void): Promise<void> {
  for (const id of await waitingToSign(context, row)) resume(id)
}

/** Payments of the same account that are allowed and not signed. */
async function waitingToSign(context: Context, row: TransactionRow): Promise<string[]> {
  const waiting = await executingOf(context.db, row.wallet_id, row.network)
  return waiting.map(({ id }) => id)
}
