import { type ErrorCode, isFinal, type TransactionView } from '@waiaas/core'
import { lapsedSessions, tellExpiry } from '../store/sessions.ts'
import {
  busyTransactions,
  dueTransactions,
  findTransaction,
  settleStored,
  type TransactionRow,
} from '../store/transactions.ts'
import { createWriter } from '../store/writer.ts'
import { createAccept, firstRefusal, type Judge, type Request } from './accept.ts'
import { admit } from './admit.ts'
import { createChanges } from './changes.ts'
import type { Caller, Engine, EngineJobs, EngineStops } from './engine.ts'
import { execute } from './execute.ts'
import { fault } from './fault.ts'
import { createHandOvers } from './hand-over.ts'
import { approve, expire, reject, resumeDelayed, withdraw } from './hold.ts'
import { createKillSwitch, type KillSwitch } from './kill-switch.ts'
import { createLanes, type Lanes } from './lanes.ts'
import { createLock } from './lock.ts'
import { createFollower } from './outcomes.ts'
import type { Context, EngineParts } from './parts.ts'
import { createPolicySource } from './policy-source.ts'
import { cancelSubmitted } from './replace.ts'
import { createRuns, type Runs } from './runs.ts'
import { simulate } from './simulate.ts'
import { createSweeps } from './sweep.ts'
import { createViews, type Views } from './view.ts'
import { createWalletSource } from './wallet-source.ts'

/** The engine over its parts. Nothing runs before `recover` or a call. */
export async function createEngine(parts: EngineParts): Promise<Engine & EngineJobs & EngineStops> {
  const context: Context = {
    ...parts,
    write: createWriter(parts.db),
    changes: createChanges(),
    lock: createLock(),
    policies: createPolicySource(),
    walletOf: createWalletSource(parts.db),
    handOvers: createHandOvers(parts.settings.rebroadcastMillis),
    now: await steadyClock(parts),
  }
  const lanes = createLanes(context)
  const runs = createRuns(context, async (row) => {
    switch (row.status) {
      case 'PENDING':
        return await admit(context, row, settleStored(row))
      case 'QUEUED':
        return await resumeDelayed(context, row)
      case 'EXECUTING':
        return await execute(context, lanes, row)
      default:
        return undefined
    }
  })
  const killSwitch = createKillSwitch(context)
  const sweeps = createSweeps(context)
  return {
    ...answers(context, runs),
    ...jobs(context, runs, lanes, killSwitch),
    killSwitch,
    sweepable: sweeps.sweepable,
    sweepableTokens: sweeps.sweepableTokens,
    closable: sweeps.closable,
    sweep: async (wanted) => {
      const row = await sweeps.sweep(wanted)
      await runs.once(row)
      runs.start(row.id)
      return (await createViews(context).find(row.id))!
    },
  }
}

/** What waits is withdrawn; what is out is cancelled on its chain, where that can be. */
async function cancel(context: Context, id: string, actor: string): Promise<TransactionRow> {
  const row = await findTransaction(context.db, id)
  return row?.status === 'SUBMITTED' ? await cancelSubmitted(context, row, actor) : await withdraw(context, id, actor)
}

type Job = 'recover' | 'close' | keyof EngineJobs

/** What callers ask. */
function answers(context: Context, runs: Runs): Omit<Engine, Job> {
  const accept = createAccept(context)
  const views = createViews(context)
  const viewOf = async (id: string) => {
    const view = await views.find(id)
    if (view === undefined) throw fault('TX_NOT_FOUND', `There is no transaction ${id}.`)
    return view
  }
  const goOn = async (row: TransactionRow) => {
    context.changes.changed(row)
    runs.start(row.id)
    return await viewOf(row.id)
  }
  const judged = async (caller: Caller, request: Request, key: string) => {
    if (runs.closed()) throw fault('SHUTTING_DOWN', 'The daemon is stopping.')
    const judge: Judge = (row, settle) => runs.first(row.id, () => admit(context, row, settle))
    const accepted = await accept(caller, request, key, judge)
    const refusal = firstRefusal(accepted.row)
    if (refusal !== undefined) throw refusal
    return accepted
  }
  return {
    send: async (caller, request, key) => {
      const { fresh, row } = await judged(caller, request, key)
      if (fresh) runs.goOn(row)
      return await views.of(row)
    },
    sign: async (caller, request, key) => {
      const { fresh, row } = await judged(caller, request, key)
      if (fresh && row.status === 'EXECUTING') await runs.once(row)
      const current = (await findTransaction(context.db, row.id)) ?? row
      if (current.status !== 'FAILED') return await views.of(current)
      throw fault(current.error_code as ErrorCode, current.error_message ?? '', { transactionId: row.id })
    },
    simulate: (caller, request, rows) => simulate(context, caller, request, rows),
    cancel: async (id, actor) => await goOn(await cancel(context, id, actor)),
    approve: async (id, approval) => await goOn(await approve(context, id, approval)),
    reject: async (id, owner) => await goOn(await reject(context, id, owner)),
    view: views.find,
    wait: async (id, seconds) => await waitFor(context, id, seconds, { of: views.of, current: viewOf }),
  }
}

/** What start, time, chains and stop ask. */
function jobs(context: Context, runs: Runs, lanes: Lanes, killSwitch: KillSwitch): Pick<Engine & EngineJobs, Job> {
  const follower = createFollower(context, ({ network, address, sequence, transaction_id: id }) => {
    // Somebody else used its number, and perhaps those after it.
    if (sequence !== null) lanes.of(network, address).doubt()
    runs.start(id)
  })
  return {
    recover: async () => {
      await killSwitch.restore()
      for (const { id } of await busyTransactions(context.db)) runs.start(id)
      await runs.idle()
      await lanes.repairAll()
      for (const network of context.adapters.keys()) await follower.follow(network)
    },
    runDue: async () => {
      await killSwitch.runDue()
      for (const session of await lapsedSessions(context.db, context.now())) {
        await context.write((db) => tellExpiry(db, context.now(), session))
      }
      const { toExecute, toExpire } = await dueTransactions(context.db, context.now())
      for (const id of toExpire) await expireOne(context, id)
      for (const id of toExecute) runs.start(id)
      for (const { id } of await busyTransactions(context.db)) runs.retry(id)
      await lanes.repairBroken()
    },
    follow: follower.follow,
    close: async () => {
      await runs.close()
      context.changes.close()
    },
  }
}

async function expireOne(context: Context, id: string): Promise<void> {
  const row = await findTransaction(context.db, id)
  if (row?.status !== 'QUEUED') return
  const expired = await expire(context, row)
  if (expired !== undefined) context.changes.changed(expired)
}

async function waitFor(
  context: Context,
  id: string,
  seconds: number,
  views: Pick<Views, 'of'> & { current: (id: string) => Promise<TransactionView> },
): Promise<TransactionView> {
  const end = context.changes.end(id, seconds * 1000)
  try {
    const view = await views.current(id)
    if (isFinal(view.status)) return view
    const last = await end.reached
    return last === undefined ? await views.current(id) : await views.of(last)
  } finally {
    end.stop()
  }
}

/**
 * The clock, never behind the newest entry of the log nor behind itself: a machine whose clock was set back
 * neither shortens a wait nor forgets what was spent.
 */
async function steadyClock({ db, clock, log }: EngineParts): Promise<() => number> {
  const last = await db.selectFrom('events').select('at').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  let floor = last?.at ?? 0
  if (floor > clock.seconds() + 60) {
    log.warn({ ahead: floor - clock.seconds() }, 'The clock is behind the log. Waits last until it has caught up.')
  }
  return () => {
    floor = Math.max(floor, clock.seconds())
    return floor
  }
}
