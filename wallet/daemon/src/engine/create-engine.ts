import { type ErrorCode, isFinal, type TransactionView } from '@waiaas/core'
import { attemptsOf } from '../store/attempts.ts'
import { appendEvent } from '../store/events.ts'
import { heldAccounts, holdAccount, releaseAccount } from '../store/lanes.ts'
import { lapsedSessions, tellExpiry } from '../store/sessions.ts'
import {
  busyTransactions,
  dueTransactions,
  findTransaction,
  move,
  settleStored,
  type TransactionRow,
} from '../store/transactions.ts'
import { createWriter } from '../store/writer.ts'
import { createAccept, firstRefusal, type Judge, type Request } from './accept.ts'
import { admit } from './admit.ts'
import { cancelSubmitted, continueSubmitted, proveByHand, raiseMaxFee, writeOff } from './by-hand.ts'
import { createChanges } from './changes.ts'
import type { Caller, Engine, EngineByHand, EngineJobs, EngineStops } from './engine.ts'
import { execute } from './execute.ts'
import { fault } from './fault.ts'
import { createFollower } from './follow.ts'
import { createHandOvers } from './hand-over.ts'
import { approve, expire, reject, resumeDelayed, withdraw } from './hold.ts'
import { createKillSwitch, type KillSwitch } from './kill-switch.ts'
import { createLanes, type Lanes } from './lanes.ts'
import { createLock } from './lock.ts'
import type { Context, EngineParts } from './parts.ts'
import { createPolicySource } from './policy-source.ts'
import { createRuns, type Runs } from './runs.ts'
import { simulate } from './simulate.ts'
import { standingNotice } from './standing-notice.ts'
import { createSweeps } from './sweep.ts'
import { createViews, type Views } from './view.ts'
import { createWalletSource } from './wallet-source.ts'
import { createWatch } from './watch.ts'

/** How old the stored time may become, by which a restart knows that the clock was set back. */
const FLOOR_SECONDS = 60

/** The engine over its parts. Nothing runs before `recover` or a call. */
export async function createEngine(parts: EngineParts): Promise<Engine & EngineByHand & EngineJobs & EngineStops> {
  const context: Context = {
    ...parts,
    write: createWriter(parts.db, parts.timers),
    changes: createChanges(parts.timers),
    lock: createLock(await stoppedAgents(parts.db)),
    policies: createPolicySource(),
    walletOf: createWalletSource(parts.db),
    handOvers: createHandOvers(parts.settings.rebroadcastMillis),
    now: parts.clock.seconds,
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
    ...answers(context, runs, lanes),
    ...jobs(context, runs, lanes, killSwitch),
    ...byHand(context, lanes),
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

/** What waits is withdrawn; what is out is closed on its chain. */
async function cancel(context: Context, lanes: Lanes, id: string, actor: string): Promise<TransactionRow> {
  const row = await findTransaction(context.db, id)
  const isOut = row?.status === 'SIGNED' || row?.status === 'SUBMITTED' || row?.status === 'CONFIRMED'
  return isOut ? await cancelSubmitted(context, lanes, row, actor) : await withdraw(context, id, actor)
}

/** What the operator decides. */
function byHand(context: Context, lanes: Lanes): EngineByHand {
  const views = createViews(context)
  const changed = async (row: TransactionRow) => {
    context.changes.changed(row)
    return await views.of(row)
  }
  /** What waits behind it waits no more. */
  const ended = async (row: TransactionRow) => {
    for (const { network, address, sequence } of await attemptsOf(context.db, row.id)) {
      if (sequence !== null) lanes.of(network, address).doubt()
    }
    return await changed(row)
  }
  return {
    continue: async (id, actor) => await changed(await continueSubmitted(context, id, actor)),
    raiseMaxFee: async (id, maxFee, actor) => await changed(await raiseMaxFee(context, lanes, id, maxFee, actor)),
    prove: async (id, rpcUrl, actor) => await ended(await proveByHand(context, id, rpcUrl, actor)),
    writeOff: async (id, how, actor) => await ended(await writeOff(context, id, how, actor)),
    heldAccounts: async () => await heldAccounts(context.db),
    holdAccounts: async (why) => {
      await context.write(async (db) => {
        const wallets = await db.selectFrom('wallets').select(['chain', 'address']).execute()
        for (const { chain, address } of wallets) {
          for (const [name, { network }] of context.adapters) {
            if (network.family === chain) await holdAccount(db, name, address, why)
          }
        }
        await appendEvent(db, context.now(), { type: 'ACCOUNTS_HELD', actor: 'daemon', data: { why } })
      })
    },
    releaseAccount: async (network, address, actor) => {
      const asked = await context.adapters.get(network)?.sequence?.(address)
      const count = asked?.ok === true ? asked.count : undefined
      const released = await context.write(async (db) => {
        if (!(await releaseAccount(db, network, address, count))) return false
        await appendEvent(db, context.now(), { type: 'ACCOUNT_RELEASED', actor, data: { network, address } })
        return true
      })
      if (released && context.adapters.get(network)?.sequence !== undefined) lanes.of(network, address).doubt()
      return released
    },
    stopAgent: context.lock.stopAgent,
    resumeAgent: context.lock.resumeAgent,
  }
}

type Job = 'recover' | 'close' | keyof EngineJobs

/** What callers ask. */
function answers(context: Context, runs: Runs, lanes: Lanes): Omit<Engine, Job> {
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
  const waiting = { of: views.of, current: viewOf }
  const judged = async (caller: Caller, request: Request, key: string) => {
    if (runs.closed()) throw fault('SHUTTING_DOWN', 'The daemon is stopping.')
    const judge: Judge = (row, settle) => runs.first(row.id, () => admit(context, row, settle))
    const accepted = await accept(caller, request, key, judge)
    const refusal = firstRefusal(accepted.row)
    if (refusal !== undefined) throw refusal
    return accepted
  }
  return {
    send: async (caller, request, key, waitSeconds = 0) => {
      const { fresh, row } = await judged(caller, request, key)
      if (!fresh) return waitSeconds === 0 ? await views.of(row) : await waitFor(context, row.id, waitSeconds, waiting)
      const waits = waitSeconds > 0 && !isFinal(row.status)
      const end = waits ? context.changes.end(row.id, waitSeconds * 1000) : undefined
      runs.goOn(row)
      return end === undefined ? await views.of(row) : await viewAt(end, row.id, waiting)
    },
    sign: async (caller, request, key) => {
      const { fresh, row } = await judged(caller, request, key)
      if (fresh && row.status === 'EXECUTING') await runs.once(row)
      const current = (await findTransaction(context.db, row.id)) ?? row
      if (current.status !== 'FAILED') return await views.of(current)
      throw fault(current.error_code as ErrorCode, current.error_message ?? '', { transactionId: row.id })
    },
    simulate: (caller, request, rows) => simulate(context, caller, request, rows),
    cancel: async (id, actor) => await goOn(await cancel(context, lanes, id, actor)),
    approve: async (id, approval) => await goOn(await approve(context, id, approval)),
    reject: async (id, owner) => await goOn(await reject(context, id, owner)),
    view: views.find,
    wait: async (id, seconds) => await waitFor(context, id, seconds, waiting),
  }
}

/** What start, time, chains and stop ask. */
function jobs(context: Context, runs: Runs, lanes: Lanes, killSwitch: KillSwitch): Pick<Engine & EngineJobs, Job> {
  const follower = createFollower(context, lanes, runs.start)
  const watch = createWatch(context)
  return {
    recover: async () => {
      await killSwitch.restore()
      await markOut(context)
      await watchOnceMore(context)
      // First a look at what is out, then new signatures.
      for (const network of context.adapters.keys()) await follower.follow(network)
      await lanes.readAll()
      for (const { id } of await busyTransactions(context.db)) runs.start(id)
      await runs.idle()
      for (const network of context.adapters.keys()) await follower.follow(network)
    },
    runDue: async () => {
      await context.clock.keep(context.write, FLOOR_SECONDS)
      await killSwitch.runDue()
      for (const session of await lapsedSessions(context.db, context.now())) {
        await context.write((db) => tellExpiry(db, context.now(), session))
      }
      const { toExecute, toExpire } = await dueTransactions(context.db, context.clock)
      for (const id of toExpire) await expireOne(context, id)
      for (const id of toExecute) runs.start(id)
      for (const { id } of await busyTransactions(context.db)) runs.retry(id)
      await lanes.repairAll()
      await watch.runDue()
    },
    follow: follower.follow,
    close: async () => {
      await runs.close()
      await context.clock.keep(context.write, 0)
      context.changes.close()
    },
  }
}

/** After a start, bytes that were stored count as out: the process before may have handed them over. */
async function markOut(context: Context): Promise<void> {
  const signed = await context.db
    .selectFrom('transactions')
    .selectAll()
    .where('status', '=', 'SIGNED')
    .where('type', '<>', 'SIGN')
    .execute()
  if (signed.length === 0) return
  await context.write(async (db) => {
    for (const row of signed) {
      const now = context.now()
      await move(
        db,
        { id: row.id, from: 'SIGNED', to: 'SUBMITTED', at: now },
        { outcome_unknown: 1, notice: standingNotice({ ...row, outcome_unknown: 1 }, now) },
        {
          type: 'TX_OUTCOME_UNKNOWN',
          actor: 'daemon',
          data: { hash: row.hash, message: 'The daemon was started again.' },
        },
      )
    }
  })
}

/** What was called dead within the last week is looked at after each start, however long ago the last look was. */
async function watchOnceMore(context: Context): Promise<void> {
  await context.write((db) =>
    db.updateTable('attempts').set({ next_look: context.now() }).where('next_look', 'is not', null).execute(),
  )
}

async function stoppedAgents(db: Context['db']): Promise<string[]> {
  const rows = await db.selectFrom('agents').select('id').where('status', '<>', 'ACTIVE').execute()
  return rows.map(({ id }) => id)
}

async function expireOne(context: Context, id: string): Promise<void> {
  const row = await findTransaction(context.db, id)
  if (row?.status !== 'QUEUED') return
  const expired = await expire(context, row)
  if (expired !== undefined) context.changes.changed(expired)
}

type Waiting = Pick<Views, 'of'> & { current: (id: string) => Promise<TransactionView> }

async function waitFor(context: Context, id: string, seconds: number, views: Waiting): Promise<TransactionView> {
  const end = context.changes.end(id, seconds * 1000)
  try {
    const view = await views.current(id)
    if (isFinal(view.status)) return view
    return await viewAt(end, id, views)
  } finally {
    end.stop()
  }
}

/** How a transaction stands at its end, or when the wait is over. */
async function viewAt(
  end: ReturnType<Context['changes']['end']>,
  id: string,
  views: Waiting,
): Promise<TransactionView> {
  const last = await end.reached
  return last === undefined ? await views.current(id) : await views.of(last)
}
