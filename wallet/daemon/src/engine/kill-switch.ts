import { AppError } from '@openpista/common'
import type { KillSwitchView } from '@waiaas/core'
import type { Kysely } from 'kysely'
import { appendEvent } from '../store/events.ts'
import { release } from '../store/ledger.ts'
import { revokeSessions } from '../store/sessions.ts'
import { readSetting, settingKeys, writeSetting } from '../store/settings.ts'
import type { Tables } from '../store/tables.ts'
import { move, patchTransaction, type TransactionRow } from '../store/transactions.ts'
import { readClosing, startClosing } from './closing.ts'
import { fault } from './fault.ts'
import { oneAtATime } from './one-at-a-time.ts'
import type { Context } from './parts.ts'

export type KillSwitch = {
  /** True from the first moment of an activation, before anything is stored. */
  locked: () => boolean
  view: () => Promise<KillSwitchView>
  /**
   * NORMAL or RECOVERING -> ACTIVATED. When it resolves, the signer refuses, the state is on disk, sessions are
   * revoked and what waited is cancelled; what was sent is followed to its end.
   *
   * @throws AppError KILL_SWITCH_ACTIVE.
   */
  activate: (actor: string, why: string) => Promise<KillSwitchView>
  /** ACTIVATED by `from` -> ACTIVATED by this owner, who alone releases it then. @throws AppError KILL_SWITCH_ACTIVE. */
  takeOver: (actor: string, from: string | undefined) => Promise<KillSwitchView>
  /** ACTIVATED -> RECOVERING. @throws AppError KILL_SWITCH_NOT_ACTIVE, RECOVERY_ALREADY_STARTED. */
  recover: (actor: string, waitSeconds: number) => Promise<KillSwitchView>
  /** RECOVERING -> NORMAL when the waiting time is over. */
  runDue: () => Promise<void>
  /** At start: what the database or the signer holds on to is on again. */
  restore: () => Promise<void>
}

/** The emergency stop of the whole daemon. */
export function createKillSwitch(context: Context): KillSwitch {
  const { db, signer, lock, log, write } = context

  const halt = async () => {
    try {
      await signer.halt()
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      log.error({ err: error }, 'The signer did not take the halt; it signs nothing while it is gone.')
    }
  }
  /** Activations since the start, and how many of them are not stored yet: a recovery gives way to each. */
  let activations = 0
  let unstored = 0
  const activate = async (actor: string, why: string) => {
    lock.set(true)
    activations += 1
    unstored += 1
    try {
      await halt()
      const { view, cancelled } = await write((transaction) => storeActivation(context, transaction, actor, why))
      for (const row of cancelled) context.changes.changed(row)
      return view
    } finally {
      unstored -= 1
    }
  }
  const runDue = async () => {
    if (!lock.locked() || unstored > 0) return
    const before = activations
    const known = await readState(db)
    const { recoversAt } = viewOf(context, known)
    if (known.state !== 'RECOVERING' || recoversAt === undefined || recoversAt > context.now()) return
    if (activations !== before) return
    // In this order: a crash in between leaves a state that still refuses, and the recovery goes on.
    await signer.resume()
    const released = await write(async (transaction) => {
      if (activations !== before || (await readState(transaction)).recoversAt !== known.recoversAt) return false
      await storeState(
        context,
        transaction,
        { state: 'NORMAL' },
        { type: 'KILL_SWITCH_RECOVERED', actor: 'daemon', data: {} },
      )
      await closeFromNowOn(context, transaction)
      return true
    })
    // An activation that began since the commit keeps the lock, and has halted the signer.
    if (released && activations === before) lock.set(false)
    else await halt()
  }
  const alone = oneAtATime()

  return {
    locked: lock.locked,
    view: async () => viewOf(context, await readState(db)),
    activate,
    takeOver: (actor, from) =>
      write(async (transaction) => {
        const known = await readState(transaction)
        if (known.state !== 'ACTIVATED' || known.activatedBy !== from) {
          throw fault('KILL_SWITCH_ACTIVE', 'The kill switch is on, and was changed meanwhile.')
        }
        const view: StoredState = { ...known, activatedBy: actor }
        const data = { from: from ?? 'unknown' }
        await storeState(context, transaction, view, { type: 'KILL_SWITCH_TAKEN_OVER', actor, data })
        return viewOf(context, view)
      }),
    recover: (actor, waitSeconds) =>
      write(async (transaction) => {
        const known = await readState(transaction)
        if (known.state === 'NORMAL') throw fault('KILL_SWITCH_NOT_ACTIVE', 'The kill switch is not on.')
        if (known.state === 'RECOVERING') throw fault('RECOVERY_ALREADY_STARTED', 'The recovery is under way.')
        const now = context.now()
        const view: StoredState = {
          ...known,
          state: 'RECOVERING',
          recoversAt: now + waitSeconds,
          recoveringSince: now,
        }
        await storeState(context, transaction, view, { type: 'KILL_SWITCH_RECOVERING', actor, data: { waitSeconds } })
        return viewOf(context, view)
      }),
    // Not two at once: the later one would not find the state that it read, and halt the signer again.
    runDue: () => alone(runDue),
    restore: async () => {
      const { state } = await readState(db)
      lock.set(state !== 'NORMAL')
      if (state !== 'NORMAL') return await halt()
      if (await isHalted(context)) await activate('signer', 'The signer was found halted.')
    },
  }
}

/** With the beginning of the wait, so that no jump of the clock shortens it. */
type StoredState = KillSwitchView & { recoveringSince?: number }

function viewOf({ clock }: Context, { recoveringSince, recoversAt, ...view }: StoredState): KillSwitchView {
  if (recoversAt === undefined) return view
  return { ...view, recoversAt: clock.ends({ since: recoveringSince ?? view.activatedAt ?? 0, until: recoversAt }) }
}

async function isHalted({ signer, log }: Context): Promise<boolean> {
  try {
    return await signer.halted()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    log.error({ err: error }, 'The signer cannot be asked.')
    return false
  }
}

async function storeActivation(context: Context, db: Kysely<Tables>, actor: string, why: string) {
  const now = context.now()
  const known = await readState(db)
  if (known.state === 'ACTIVATED') throw fault('KILL_SWITCH_ACTIVE', 'The kill switch is on already.')
  const sessions = await revokeSessions(db, now, { actor, why: 'kill switch' })
  const cancelled = await cancelWaiting(db, now)
  await closeWhatIsOut(context, db)
  const view: StoredState = { state: 'ACTIVATED', activatedAt: now, activatedBy: actor, why }
  const data = { why, sessions: sessions.length, cancelled: cancelled.length }
  await storeState(context, db, view, { type: 'KILL_SWITCH_ACTIVATED', actor, data })
  return { view, cancelled }
}

/** Everything ends of which nothing is out: what waits, and what is allowed and not signed. */
async function cancelWaiting(db: Kysely<Tables>, now: number): Promise<TransactionRow[]> {
  const waiting = await db
    .selectFrom('transactions')
    .select(['id', 'status'])
    .where('status', 'in', ['PENDING', 'QUEUED', 'EXECUTING'])
    .execute()
  const cancelled: TransactionRow[] = []
  const message = 'The kill switch was turned on.'
  for (const { id, status } of waiting) {
    const row = await move(
      db,
      { id, from: status, to: 'CANCELLED', at: now },
      { error_code: 'SYSTEM_LOCKED', error_message: message },
      { type: 'TX_CANCELLED', actor: 'daemon', data: { code: 'SYSTEM_LOCKED', message } },
    )
    if (row === undefined) continue
    await release(db, id)
    cancelled.push(row)
  }
  return cancelled
}

/** What is out ends without being paid where it still can, unless the operator continues it. */
async function closeWhatIsOut(context: Context, db: Kysely<Tables>): Promise<void> {
  const out = await db
    .selectFrom('transactions')
    .selectAll()
    .where('status', 'in', ['SIGNED', 'SUBMITTED'])
    .where('type', '<>', 'SIGN')
    .where('origin', '<>', 'daemon')
    .execute()
  for (const row of out) await startClosing(context, db, row, 'stop', 'daemon')
}

/** From the release on the operator has as long to continue what was out as with whatever else was given up. */
async function closeFromNowOn(context: Context, db: Kysely<Tables>): Promise<void> {
  const closing = await db
    .selectFrom('transactions')
    .selectAll()
    .where('status', 'in', ['SIGNED', 'SUBMITTED'])
    .where('closing', 'is not', null)
    .execute()
  for (const row of closing) {
    if (readClosing(row)?.reason !== 'stop') continue
    await patchTransaction(db, row.id, context.now(), { closing_since: context.now() }, row.status)
  }
}

async function readState(db: Kysely<Tables>): Promise<StoredState> {
  const state = (await readSetting(db, settingKeys.killSwitch)) ?? 'NORMAL'
  if (state === 'NORMAL') return { state }
  const details = JSON.parse((await readSetting(db, settingKeys.killSwitchDetails)) ?? '{}') as StoredState
  // A state that cannot be read is on.
  return { ...details, state: state === 'RECOVERING' ? 'RECOVERING' : 'ACTIVATED' }
}

async function storeState(
  context: Context,
  db: Kysely<Tables>,
  { state, ...details }: StoredState,
  event: { type: string; actor: string; data: { [key: string]: string | number } },
): Promise<void> {
  await writeSetting(db, settingKeys.killSwitch, state)
  await writeSetting(db, settingKeys.killSwitchDetails, JSON.stringify(details))
  await appendEvent(db, context.now(), event)
}
