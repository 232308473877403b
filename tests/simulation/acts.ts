import { AppError, immediate } from '@openpista/common'
import { approvalDigest } from '@waiaas/core'
import { keccak256 } from 'viem'
import { approvalContent } from '../../wallet/daemon/src/engine/approval.ts'
import { suspendAgent } from '../../wallet/daemon/src/store/agents.ts'
import { appendEvent } from '../../wallet/daemon/src/store/events.ts'
import { findTransaction } from '../../wallet/daemon/src/store/transactions.ts'
import type { Point } from './daemon.ts'
import type { Simulation } from './driver.ts'
import type { Random } from './random.ts'
import { AGENT, addSession, drawRules, OWNER, replacePolicies } from './seed-data.ts'
import { payeeOf, readStored, type StoredRow } from './stored.ts'

/** What people and machines do to the daemon. `run` undefined: there is nothing to do it to now. */
export type Act = {
  readonly name: string
  readonly weight: number
  readonly run: (simulation: Simulation, draw: Random) => (() => Promise<unknown>) | undefined
}

/** What an agent asked for, and under which key. */
export type Asked = { key: string; network: string; to: string; amount: string }

export const acts: readonly Act[] = [
  { name: 'send', weight: 12, run: (simulation, draw) => () => send(simulation, newRequest(simulation, draw)) },
  {
    name: 'send several',
    weight: 2,
    run: (simulation, draw) => {
      const several = Array.from({ length: draw.between(2, 5) }, () => newRequest(simulation, draw))
      return async () => await Promise.all(several.map((asked) => attempted(simulation, () => send(simulation, asked))))
    },
  },
  {
    name: 'send twice at once',
    weight: 1,
    run: (simulation, draw) => {
      const asked = newRequest(simulation, draw)
      return async () =>
        await Promise.all([asked, asked].map((each) => attempted(simulation, () => send(simulation, each))))
    },
  },
  {
    name: 'send again',
    weight: 3,
    run: (simulation, draw) => {
      const known = simulation.asked.filter(({ to }) => !simulation.oracle.people.forgotten.has(to))
      if (known.length === 0) return undefined
      const asked = draw.pick(known)
      return () => send(simulation, asked)
    },
  },
  { name: 'sign for elsewhere', weight: 2, run: signElsewhere },
  { name: 'send from elsewhere', weight: 3, run: sendElsewhere },
  {
    name: 'cancel',
    weight: 4,
    run: onRow(isOpen, (simulation, { id }) => simulation.daemon.engine.cancel(id, 'owner')),
  },
  { name: 'approve', weight: 5, run: onRow(isQueued, approve) },
  {
    name: 'reject',
    weight: 1,
    run: onRow(isQueued, (simulation, { id }) => simulation.daemon.engine.reject(id, OWNER)),
  },
  {
    name: 'continue',
    weight: 2,
    run: onRow(isClosing, (simulation, { id }) => simulation.daemon.engine.continue(id, 'owner')),
  },
  {
    name: 'raise fee',
    weight: 1,
    run: onRow(isClosing, async (simulation, { id, max_fee }) =>
      simulation.daemon.engine.raiseMaxFee(id, (BigInt(max_fee ?? 1) * 3n) / 2n, 'owner'),
    ),
  },
  {
    name: 'prove',
    weight: 1,
    run: (simulation, draw) =>
      onRow(isOut, async (_, { id, network }) => {
        const side = simulation.sides.find((each) => each.network === network)!
        return await simulation.daemon.engine.prove(id, draw.pick(side.urls), 'owner')
      })(simulation, draw),
  },
  { name: 'write off', weight: 0.4, run: (simulation, draw) => onRow(isOut, writeOff(draw))(simulation, draw) },
  { name: 'release account', weight: 3, run: (simulation) => releaseAccounts(simulation) },
  {
    name: 'stop',
    weight: 0.7,
    run: (simulation) => (simulation.oracle.people.isStopped ? undefined : () => stop(simulation)),
  },
  {
    name: 'recover',
    weight: 5,
    run: (simulation, draw) => {
      if (!simulation.oracle.people.isStopped) return undefined
      const seconds = draw.pick([1, 60])
      return () => recover(simulation, seconds)
    },
  },
  {
    name: 'suspend',
    weight: 1,
    run: (simulation) => (simulation.oracle.people.isSuspended ? undefined : () => suspend(simulation)),
  },
  {
    name: 'resume',
    weight: 4,
    run: (simulation) => (simulation.oracle.people.isSuspended ? () => resume(simulation) : undefined),
  },
  {
    name: 'change policy',
    weight: 1,
    run: (simulation, draw) => {
      const rules = drawRules(draw)
      return async () => {
        simulation.rules = rules
        const { sides, world, clock, daemon } = simulation
        await immediate(daemon.db, (db) =>
          replacePolicies(db, { sides, rules, newId: world.newId, now: clock.seconds() }),
        )
      }
    },
  },
  {
    name: 'set the clock',
    weight: 1,
    run: (simulation, draw) => {
      const millis = draw.pick([-7_200_000, -30_000, 30_000, 3_600_000])
      return async () => {
        simulation.clock.jump(millis)
        simulation.clockError += millis
      }
    },
  },
  {
    name: 'crash',
    weight: 1,
    run:
      ({ daemon }) =>
      async () =>
        daemon.crash(),
  },
  {
    name: 'crash at',
    weight: 3,
    run: ({ daemon }, draw) => {
      const point: Point = {
        at: draw.pick([
          'statement',
          'statement',
          'handover',
          'handover',
          'judged',
          'signed',
          'broadcast',
          'submitted',
          'settled',
          'replaced',
        ]),
        after: 0,
      }
      if (point.at === 'statement') point.after = draw.between(0, 60)
      else point.after = draw.below(2)
      return async () => daemon.at(point, daemon.crash)
    },
  },
  {
    name: 'copy the database',
    weight: 1,
    run: (simulation) => async () => void simulation.copies.push(simulation.disk.copy()),
  },
]

/** Starts an act; what becomes of it is seen by the oracle. */
export function begin(simulation: Simulation, work: () => Promise<unknown>): void {
  simulation.begun.push(attempted(simulation, work))
}

/** Runs an act; an error that people are told is no fault. */
async function attempted(simulation: Simulation, work: () => Promise<unknown>): Promise<void> {
  const { daemon } = simulation
  try {
    await work()
  } catch (error) {
    if (error instanceof AppError && error.code !== 'INTERNAL_ERROR') return simulation.note(`refused ${error.code}`)
    if (daemon.isAlive()) simulation.fail('error', error instanceof Error ? `${error.stack}` : String(error))
  }
}

function newRequest(simulation: Simulation, draw: Random): Asked {
  const side = draw.pick(simulation.sides)
  const { coin } = side
  const most = draw.pick([coin / 20n, coin / 20n, coin / 20n, coin / 4n, coin])
  const amount = most / BigInt(draw.between(1, draw.pick([2, 40, 40])))
  const asked = {
    key: `key ${simulation.asked.length}`,
    network: side.network,
    to: side.newPayee(),
    amount: `${amount}`,
  }
  simulation.asked.push(asked)
  return asked
}

async function send({ daemon, session }: Simulation, { key, network, to, amount }: Asked): Promise<unknown> {
  const request = { type: 'TRANSFER', network, to, amount } as Parameters<typeof daemon.engine.send>[1]
  return await daemon.engine.send({ agentId: AGENT, sessionId: session }, request, key)
}

/** Has a transaction signed that its caller made, under a nonce that is or will be free, or is in use. */
function signElsewhere(simulation: Simulation, draw: Random): ReturnType<Act['run']> {
  const side = simulation.sides.find(({ outside }) => outside !== undefined)
  if (side?.outside === undefined) return undefined
  const transaction = side.outside(draw, side.newPayee())
  const key = `outside ${simulation.world.newId()}`
  return async () => {
    const { daemon, session, foreign } = simulation
    const request = { type: 'SIGN', network: side.network, transaction } as Parameters<typeof daemon.engine.sign>[1]
    const { signedTransaction } = await daemon.engine.sign({ agentId: AGENT, sessionId: session }, request, key)
    if (signedTransaction !== undefined) foreign.push(signedTransaction)
  }
}

/** The caller hands over what was signed. */
function sendElsewhere({ sides, foreign, oracle }: Simulation, draw: Random): ReturnType<Act['run']> {
  const side = sides.find(({ outside }) => outside !== undefined)
  if (foreign.length === 0 || side === undefined) return undefined
  const raw = draw.pick(foreign)
  const url = draw.pick(side.urls)
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_sendRawTransaction', params: [raw] })
  return async () => {
    oracle.people.outside.add(keccak256(raw as `0x${string}`))
    try {
      await side.exchange({ url, body: () => body })
    } catch {
      // Whatever the node answers: its caller does not care.
    }
  }
}

type Row = StoredRow & { max_fee: string | null }

function onRow(fits: (row: Row) => boolean, work: (simulation: Simulation, row: Row) => Promise<unknown>): Act['run'] {
  return (simulation, draw) => {
    const rows = simulation.disk.read<Row>('SELECT * FROM transactions ORDER BY id').filter(fits)
    if (rows.length === 0) return undefined
    const row = draw.pick(rows)
    return () => work(simulation, row)
  }
}

function isOpen({ status }: Row): boolean {
  return ['QUEUED', 'EXECUTING', 'SIGNED', 'SUBMITTED', 'CONFIRMED'].includes(status)
}

function isQueued({ status }: Row): boolean {
  return status === 'QUEUED'
}

function isClosing({ status, closing }: Row): boolean {
  return closing !== null && (status === 'SIGNED' || status === 'SUBMITTED')
}

function isOut({ status, type }: Row): boolean {
  return type !== 'SIGN' && (status === 'SIGNED' || status === 'SUBMITTED')
}

async function approve({ daemon, sides, addresses }: Simulation, { id }: Row): Promise<unknown> {
  const row = await findTransaction(daemon.db, id)
  if (row === undefined || row.approval_nonce === null) return undefined
  const { family } = sides.find(({ network }) => network === row.network)!
  const digest = approvalDigest(approvalContent(row, addresses[family]))
  return await daemon.engine.approve(id, { ownerAddress: OWNER, challengeId: id, digest, signature: 'signed' })
}

function writeOff(draw: Random) {
  const isPaid = draw.chance(0.5)
  return async ({ daemon, oracle }: Simulation, { id, request }: Row): Promise<unknown> => {
    const { amount } = JSON.parse(request) as { amount: string }
    // Whatever the daemon says to it: a crash may hide that it was done.
    oracle.people.writtenOff.add(id)
    return await daemon.engine.writeOff(id, isPaid ? { as: 'paid' } : { as: 'unpaid', amount }, 'owner')
  }
}

export function releaseAccounts({ daemon, disk }: Simulation): (() => Promise<unknown>) | undefined {
  const held = disk.read<{ network: never; address: string }>(
    'SELECT network, address FROM lanes WHERE held IS NOT NULL',
  )
  if (held.length === 0) return undefined
  return async () => {
    for (const { network, address } of held) await daemon.engine.releaseAccount(network, address, 'owner')
  }
}

/** The kill switch, while a payment is on its way between two of its steps. */
export function stopOnTheWay(simulation: Simulation, draw: Random): void {
  const { daemon, oracle } = simulation
  if (!daemon.isReady()) return
  const act = () => {
    if (oracle.people.isStopped) return
    simulation.note('stop on the way')
    begin(simulation, () => stop(simulation))
  }
  const at = draw.pick(['judged', 'signed', 'signed', 'broadcast', 'replaced'] as const)
  const writes = draw.below(4)
  daemon.at({ at, after: draw.below(3) }, () => daemon.at({ at: 'write', after: writes }, act))
}

async function stop({ daemon, oracle }: Simulation): Promise<unknown> {
  const activated = daemon.engine.killSwitch.activate('owner', 'drawn')
  oracle.people.isStopped = true
  return await activated
}

/** Starts the recovery; the sessions that were revoked are replaced by another one. */
export async function recover(simulation: Simulation, seconds: number): Promise<void> {
  const { daemon, clock } = simulation
  await daemon.engine.killSwitch.recover('owner', seconds)
  const id = `session ${simulation.world.newId()}`
  await addSession(daemon.db, id, clock.seconds())
  simulation.session = id
}

async function suspend({ daemon, clock, oracle }: Simulation): Promise<void> {
  daemon.engine.stopAgent(AGENT)
  oracle.people.isSuspended = true
  await immediate(daemon.db, (db) => suspendAgent(db, clock.seconds(), AGENT, { actor: 'owner', why: 'drawn' }))
}

export async function resume({ daemon, clock, oracle }: Simulation): Promise<void> {
  await immediate(daemon.db, async (db) => {
    const now = clock.seconds()
    await db.updateTable('agents').set({ status: 'ACTIVE', updated_at: now }).where('id', '=', AGENT).execute()
    await appendEvent(db, now, { type: 'AGENT_RESUMED', actor: 'owner', agentId: AGENT })
  })
  oracle.people.isSuspended = false
  daemon.engine.resumeAgent(AGENT)
}

/** Puts an older copy of the database in place; the daemon is not running. */
export function restoreCopy(simulation: Simulation, draw: Random): void {
  const { disk, oracle, copies } = simulation
  const before = readStored(disk)
  disk.restore(draw.pick(copies))
  const after = readStored(disk)
  const attempts = (stored: typeof before, id: string) =>
    stored.attempts
      .filter(({ transaction_id }) => transaction_id === id)
      .map(({ hash }) => hash)
      .join()
  for (const row of before.rows.values()) {
    const payee = payeeOf(row)
    const isSame = after.rows.get(row.id)?.status === row.status && attempts(before, row.id) === attempts(after, row.id)
    if (payee !== undefined && !isSame) oracle.people.forgotten.add(payee)
  }
  simulation.lastEvent = disk.read<{ seq: number | null }>('SELECT max(seq) AS seq FROM events')[0]!.seq ?? 0
  simulation.session = lastSession(simulation) ?? simulation.session
  oracle.restored()
}

function lastSession({ disk }: Simulation): string | undefined {
  return disk.read<{ id: string }>('SELECT id FROM sessions WHERE revoked_at IS NULL ORDER BY rowid DESC LIMIT 1')[0]
    ?.id
}
