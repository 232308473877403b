import { createHash } from 'node:crypto'
import { verifyEvents } from '../../wallet/daemon/src/store/verify-audit.ts'
import {
  type Act,
  type Asked,
  acts,
  begin,
  recover,
  releaseAccounts,
  restoreCopy,
  resume,
  stopOnTheWay,
} from './acts.ts'
import { createClock, type SimulatedClock } from './clock.ts'
import { type Daemon, type Surroundings, startDaemon } from './daemon.ts'
import { createDisk, type Disk } from './disk.ts'
import { createEvmSide } from './evm-side.ts'
import type { KnownSignatures } from './evm-transaction.ts'
import { createEvmKey, createSolanaKey } from './keys.ts'
import { createOracle, isKillSwitchOn, type Oracle } from './oracle.ts'
import { createRandom, type Random } from './random.ts'
import { drawRules, type Rules, seedData } from './seed-data.ts'
import type { Side } from './side.ts'
import { createSolanaSide } from './solana-side.ts'
import { hasEnded, readStored } from './stored.ts'

export type SeedOptions = { only?: 'evm' | 'solana'; onTrace?: (line: string) => void }

export type Failure = { rule: string; message: string }

export type SeedResult = {
  seed: number
  failure: Failure | undefined
  /** Of everything that happened. */
  trace: string
  /** How often which fault struck, by the status and the purpose of what was out then. */
  struck: ReadonlyMap<string, number>
  acts: ReadonlyMap<string, number>
  simulatedMillis: number
}

/** Everything of one seed. */
export type Simulation = {
  readonly random: Random
  readonly clock: SimulatedClock
  readonly disk: Disk
  readonly sides: readonly Side[]
  readonly addresses: Readonly<Record<'evm' | 'solana', string>>
  readonly oracle: Oracle
  readonly world: Surroundings
  readonly asked: Asked[]
  readonly copies: Uint8Array[]
  /** Transactions that were signed for somebody who sends them when they like. */
  readonly foreign: string[]
  /** Acts that were started. */
  readonly begun: Promise<void>[]
  readonly struck: Map<string, number>
  readonly done: Map<string, number>
  rules: Rules
  session: string
  /** The last entry of the log that is in the trace. */
  lastEvent: number
  /** By how much people have set the wall clock wrong. */
  clockError: number
  daemon: Daemon
  failure: Failure | undefined
  fail(rule: string, message: string): void
  note(line: string): void
}

const START = 1_800_000_000_000

/** Runs one seed to its end, or to the first thing that is not safe. The same seed does the same each time. */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const hash = createHash('sha256')
  const note = (line: string) => {
    hash.update(`${line}\n`)
    options.onTrace?.(line)
  }
  const simulation = await createSimulation(seed, options, note)
  try {
    await live(simulation)
    if (simulation.failure === undefined) await heal(simulation)
  } catch (error) {
    simulation.fail('error', error instanceof Error ? `${error.stack}` : String(error))
  } finally {
    if (simulation.daemon.isAlive()) simulation.daemon.crash()
    for (const side of simulation.sides) side.stop()
    simulation.disk.close()
  }
  const { failure, struck, done, clock } = simulation
  return { seed, failure, struck, acts: done, trace: hash.digest('hex'), simulatedMillis: clock.monotonic() }
}

async function createSimulation(
  seed: number,
  { only }: SeedOptions,
  note: (line: string) => void,
): Promise<Simulation> {
  const random = createRandom(seed)
  const clock = createClock(START)
  const disk = createDisk()
  const signatures: KnownSignatures = new Map()
  const keys = { evm: createEvmKey(signatures), solana: createSolanaKey() }
  const sides: Side[] = []
  const stamped = (line: string) => note(`${clock.monotonic()} ${line}`)
  let ids = 0
  const signer = { isHalted: false, sign: (keyId: string, bytes: Uint8Array) => keys[keyId as 'evm'].sign(bytes) }
  const fail = (rule: string, message: string) => {
    simulation.failure ??= { rule, message: `at ${clock.monotonic()} ms: ${message}` }
  }
  const oracle = createOracle({ disk, sides, fail })
  const world: Surroundings = {
    clock,
    disk,
    sides,
    signer,
    random: random.fork('daemon'),
    tickMillis: random.fork('tick').pick([2_000, 8_000, 15_000]),
    newId: () => `01890000-0000-7000-8000-${(++ids).toString().padStart(12, '0')}`,
    onCommit: () => {
      try {
        noteEvents(simulation, stamped)
        oracle.committed()
      } catch (error) {
        // Thrown into the daemon, it would be taken for a failed commit.
        fail('error', error instanceof Error ? `${error.stack}` : String(error))
      }
    },
    onFault: (message) => fail('error', message),
  }
  const simulation: Simulation = {
    random,
    clock,
    disk,
    sides,
    addresses: { evm: keys.evm.address, solana: keys.solana.address },
    oracle,
    world,
    asked: [],
    copies: [],
    foreign: [],
    begun: [],
    lastEvent: 0,
    clockError: 0,
    struck: new Map(),
    done: new Map(),
    rules: drawRules(random.fork('rules')),
    session: 'session 0',
    daemon: undefined as never,
    failure: undefined,
    fail,
    note: stamped,
  }
  const side = (family: 'evm' | 'solana') => ({
    random: random.fork(family),
    clock,
    address: keys[family].address,
    onFault: (kind: string) => countFault(simulation, kind),
    onHandover: (hash: string) => {
      stamped(`out ${hash}`)
      oracle.handover(sides.find((each) => each.family === family)!, hash)
      simulation.daemon.handedOver()
    },
    onHead: (text: string) => {
      stamped(text)
      const found = sides.find((each) => each.family === family)
      if (found !== undefined) oracle.head(found)
    },
  })
  const families =
    only === undefined ? random.fork('families').pick([['evm'], ['evm'], ['solana'], ['evm', 'solana']]) : [only]
  if (families.includes('evm')) sides.push(createEvmSide({ ...side('evm'), signatures }))
  if (families.includes('solana')) sides.push(createSolanaSide(side('solana')))
  const starter = await disk.open({ isAlive: () => true, onStatement: () => undefined, onCommit: () => undefined })
  await seedData(starter.kysely as never, {
    sides,
    keys,
    now: clock.seconds(),
    newId: world.newId,
    rules: simulation.rules,
  })
  simulation.daemon = await startDaemon(world)
  for (const each of sides) each.start()
  return simulation
}

/** The trace has every event of the log, by its type. */
function noteEvents(simulation: Simulation, note: (line: string) => void): void {
  const events = simulation.disk.read<{ seq: number; type: string; transaction_id: string | null }>(
    'SELECT seq, type, transaction_id FROM events WHERE seq > ? ORDER BY seq',
    simulation.lastEvent,
  )
  for (const { seq, type, transaction_id } of events) {
    simulation.lastEvent = seq
    note(`event ${seq} ${type} ${transaction_id ?? ''}`)
  }
}

function countFault({ struck, disk }: Simulation, kind: string): void {
  const out = disk.read<{ status: string; purpose: string }>(
    "SELECT DISTINCT t.status, a.purpose FROM attempts a JOIN transactions t ON t.id = a.transaction_id WHERE a.state IN ('LIVE', 'INCLUDED')",
  )
  const places = out.length === 0 ? ['nothing out'] : out.map(({ status, purpose }) => `${status} ${purpose}`)
  for (const place of places) {
    const key = `${kind} / ${place}`
    struck.set(key, (struck.get(key) ?? 0) + 1)
  }
}

/** The drawn part of a run: acts, and time between them. */
async function live(simulation: Simulation): Promise<void> {
  const { random, sides } = simulation
  const draw = random.fork('life')
  const gaps = [0, 300, 3_000, 12_000, 60_000, draw.pick([60_000, 300_000])]
  const drawn = drawActs(draw, sides)
  const stopping = random.fork('stop on the way')
  const stopsAt = stopping.chance(0.25) ? stopping.between(1, 20) : 0
  for (let left = draw.between(8, 30); left > 0; left -= 1) {
    if (left === stopsAt) stopOnTheWay(simulation, stopping)
    await pass(simulation, draw.below(draw.pick(gaps) + 1))
    if (simulation.failure !== undefined) return
    if (simulation.copies.length > 0 && draw.chance(0.01)) restart(simulation, () => restoreCopy(simulation, draw))
    else if (draw.chance(0.03)) await stopDaemon(simulation)
    else perform(simulation, draw, drawn)
  }
  await pass(simulation, draw.below(120_000))
}

/** The acts of this seed: all of them have the agent's payments, and some of the rest. */
function drawActs(draw: Random, sides: readonly Side[]): Act[] {
  const others = acts.slice(1).filter(() => draw.chance(0.6))
  const chain = sides.flatMap(({ acts: own }) =>
    own
      .filter(() => draw.chance(0.3))
      .map(({ name, weight, run }): Act => ({ name, weight, run: () => async () => run() })),
  )
  return [acts[0]!, ...others, ...chain]
}

function perform(simulation: Simulation, draw: Random, drawn: readonly Act[]): void {
  if (!simulation.daemon.isReady()) return
  const act = pickByWeight(draw, drawn)
  const work = act.run(simulation, draw)
  if (work === undefined) return
  simulation.note(`act ${act.name}`)
  simulation.done.set(act.name, (simulation.done.get(act.name) ?? 0) + 1)
  begin(simulation, work)
}

function pickByWeight(draw: Random, from: readonly Act[]): Act {
  let place = draw.next() * from.reduce((sum, { weight }) => sum + weight, 0)
  for (const act of from) {
    place -= act.weight
    if (place < 0) return act
  }
  return from[0]!
}

const SLICE_MILLIS = 4_000

/** Lets time pass; a daemon that has ended is started again after a while. */
async function pass(simulation: Simulation, millis: number): Promise<void> {
  const { clock, random } = simulation
  const end = clock.monotonic() + millis
  while (clock.monotonic() < end && simulation.failure === undefined) {
    if (!simulation.daemon.isAlive()) {
      const draw = random.fork(`down ${clock.monotonic()}`)
      await clock.run(draw.below(draw.pick([500, 5_000, 120_000, 1_200_000])))
      await start(simulation)
    }
    await clock.run(Math.min(SLICE_MILLIS, Math.max(0, end - clock.monotonic())))
    for (const side of simulation.sides) side.look()
  }
}

async function start(simulation: Simulation): Promise<void> {
  const { disk, world, oracle } = simulation
  simulation.note('start')
  const [agent] = disk.read<{ status: string }>('SELECT status FROM agents')
  oracle.people.isSuspended = agent!.status !== 'ACTIVE'
  oracle.people.isStopped = world.signer.isHalted || isKillSwitchOn(disk)
  simulation.daemon = await startDaemon(world)
}

function restart(simulation: Simulation, between: () => void): void {
  simulation.note('restore')
  simulation.daemon.crash()
  between()
}

/** An orderly stop. */
async function stopDaemon(simulation: Simulation): Promise<void> {
  const { daemon, clock } = simulation
  if (!daemon.isReady()) return
  simulation.note('close')
  const closed = daemon.close()
  let isOver = false
  const mark = () => {
    isOver = true
  }
  closed.then(mark, mark)
  for (let seconds = 0; !isOver && daemon.isAlive(); seconds += 1) {
    if (seconds > 600) return simulation.fail('liveness', 'the daemon does not close')
    await clock.run(SLICE_MILLIS)
  }
}

/** How long the end of everything may take once every node is honest. */
const LONGEST_MILLIS = 4 * 3_600_000
const LOOK_MILLIS = 20_000
/** So long the operator waits for proofs of the wallet's own nodes. */
const PATIENCE_MILLIS = 3_600_000

/** Everything is honest now, and the operator does what notices ask for. Everything has to come to its end. */
async function heal(simulation: Simulation): Promise<void> {
  const { sides, clock, disk, oracle, random } = simulation
  const draw = random.fork('heal')
  simulation.note('heal')
  // A clock that was set back makes every wait longer by as much.
  if (simulation.clockError < 0) clock.jump(-simulation.clockError)
  for (const side of sides) {
    side.heal()
    side.credit(side.coin)
  }
  const resumes = draw.chance(0.5)
  for (const end = clock.monotonic() + LONGEST_MILLIS; ; ) {
    await pass(simulation, LOOK_MILLIS)
    if (simulation.failure !== undefined) return
    if (!simulation.daemon.isReady()) continue
    operate(simulation, { resumes, proves: clock.monotonic() > end - LONGEST_MILLIS + PATIENCE_MILLIS })
    const stored = readStored(disk)
    const open = [...stored.rows.values()].filter(
      (row) => !hasEnded(row) && (row.type !== 'SIGN' || hasLanded(simulation, row.id)),
    )
    const live = stored.attempts.filter(
      ({ state, purpose }) => state === 'INCLUDED' || (state === 'LIVE' && purpose !== 'OUTSIDE'),
    )
    if (open.length === 0 && live.length === 0 && !oracle.people.isStopped) break
    if (clock.monotonic() > end)
      return simulation.fail(
        'liveness',
        tellOpen(
          open,
          live.map(({ hash, transaction_id }) => `${transaction_id} ${hash}`),
        ),
      )
  }
  await pass(simulation, LOOK_MILLIS)
  if (simulation.failure !== undefined) return
  oracle.atEnd()
  const checked = await verifyEvents(simulation.daemon.db)
  if (!checked.ok) simulation.fail('audit', checked.why)
}

/** Whether the chain has what a row signed for somebody else. */
function hasLanded({ sides, disk }: Simulation, id: string): boolean {
  const made = disk.read<{ hash: string; network: string }>(
    'SELECT hash, network FROM attempts WHERE transaction_id = ?',
    id,
  )
  return made.some(
    ({ hash, network }) => sides.find((side) => side.network === network)!.truth.landed(hash) !== undefined,
  )
}

/** What was given up, and is too dear to end. */
const TOO_DEAR =
  "SELECT id, max_fee FROM transactions WHERE closing IS NOT NULL AND status = 'SUBMITTED' AND notice LIKE '%FEE_CEILING%'"

/** What no node of the wallet can prove. */
const UNPROVEN =
  "SELECT id, network FROM transactions WHERE status = 'SUBMITTED' AND notice LIKE '%HISTORY_UNAVAILABLE%'" +
  " OR notice LIKE '%WRITTEN_OFF%' AND id IN (SELECT transaction_id FROM attempts WHERE state = 'LIVE')"

function operate(simulation: Simulation, { resumes, proves }: { resumes: boolean; proves: boolean }): void {
  const { oracle, disk } = simulation
  const work = releaseAccounts(simulation)
  if (work !== undefined) begin(simulation, work)
  const [stored] = disk.read<{ value: string }>("SELECT value FROM settings WHERE key = 'kill_switch'")
  if (stored?.value === 'ACTIVATED') begin(simulation, () => recover(simulation, 1))
  for (const { id, max_fee } of disk.read<{ id: string; max_fee: string }>(TOO_DEAR)) {
    begin(simulation, () => simulation.daemon.engine.raiseMaxFee(id, (BigInt(max_fee) * 5n) / 4n, 'owner'))
  }
  for (const { id, network } of proves ? disk.read<{ id: string; network: string }>(UNPROVEN) : []) {
    const archiveUrl = simulation.sides.find((side) => side.network === network)?.archiveUrl
    if (archiveUrl !== undefined) begin(simulation, () => simulation.daemon.engine.prove(id, archiveUrl, 'owner'))
  }
  if (oracle.people.isSuspended && resumes) begin(simulation, () => resume(simulation))
}

function tellOpen(
  rows: readonly { id: string; status: string; closing: string | null; notice: string | null }[],
  live: readonly string[],
): string {
  const told = rows.map(({ id, status, closing, notice }) => `${id} ${status} closing ${closing} notice ${notice}`)
  return `still open: ${[...told, ...live].join('\n  ')}`
}
