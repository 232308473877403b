import { AppError, createLogger, type Timers } from '@openpista/common'
import type { Exchange } from '../../wallet/daemon/src/chains/exchange.ts'
import { createAdapters } from '../../wallet/daemon/src/chains/index.ts'
import { createEngine } from '../../wallet/daemon/src/engine/create-engine.ts'
import type { Engine, EngineByHand, EngineJobs, EngineStops } from '../../wallet/daemon/src/engine/engine.ts'
import type { EngineParts, Step } from '../../wallet/daemon/src/engine/parts.ts'
import { openSteadyClock } from '../../wallet/daemon/src/engine/steady-clock.ts'
import { type Jobs, startJobs } from '../../wallet/daemon/src/jobs/jobs.ts'
import type { SimulatedClock } from './clock.ts'
import type { Disk } from './disk.ts'
import type { Random } from './random.ts'
import type { Side } from './side.ts'

/** What outlives a process of the daemon. */
export type Surroundings = {
  readonly clock: SimulatedClock
  readonly disk: Disk
  readonly sides: readonly Side[]
  readonly signer: SimulatedSigner
  readonly random: Random
  readonly tickMillis: number
  newId(): string
  /** Right after each commit. */
  onCommit(): void
  /** Something that a process must not do, or that never may happen. */
  onFault(message: string): void
}

export type SimulatedSigner = { sign: (keyId: string, bytes: Uint8Array) => Uint8Array; isHalted: boolean }

/** Where something happens to a process, in the middle of whatever it does. */
export type Point = {
  /** `write`: a request is about to be written to a node. */
  at: 'statement' | 'write' | 'handover' | Step
  after: number
}

export type Daemon = {
  readonly engine: Engine & EngineByHand & EngineJobs & EngineStops
  readonly db: EngineParts['db']
  isAlive(): boolean
  /** Resolves once it has taken up what it found; never, where it ends before. */
  readonly isReady: () => boolean
  /** Ends it at once. */
  crash(): void
  /** Does this in the turn in which it comes to the point. */
  at(point: Point, act: () => void): void
  /** Bytes have just left it. */
  handedOver(): void
  close(): Promise<void>
}

/** A process of the daemon: the engine, the adapters and the jobs on the simulated clock. */
export async function startDaemon(world: Surroundings): Promise<Daemon> {
  const { clock, disk } = world
  let alive = true
  let ready = false
  let next: (Point & { act: () => void }) | undefined
  const end = () => {
    alive = false
    disk.rollBack()
  }
  const reached = (at: Point['at']) => {
    if (next?.at !== at) return
    const { act, after } = next
    next = after > 0 ? { at, act, after: after - 1 } : undefined
    if (after === 0) act()
  }
  const timers: Timers = {
    monotonic: clock.monotonic,
    after: (millis, work) => clock.after(millis, () => alive && work()),
    soon: (work) => clock.soon(() => alive && work()),
  }
  const isAlive = () => alive
  const log = faultLog(world, isAlive)
  const database = await disk.open({ isAlive, onStatement: () => reached('statement'), onCommit: world.onCommit })
  const db = database.kysely as unknown as EngineParts['db']
  const nodeOptions = {
    feeHeadroomPercent: 50,
    exchange: livingExchange(world.sides, isAlive, () => reached('write')),
    timers,
  }
  const adapters = new Map(
    createAdapters(
      world.sides.map(({ network, urls }) => ({ network, rpcUrls: urls })),
      nodeOptions,
    ).map((adapter) => [adapter.network.name, adapter]),
  )
  const engine = await createEngine({
    db,
    adapters,
    connectNode: (network, rpcUrl) => createAdapters([{ network, rpcUrls: [rpcUrl] }], nodeOptions)[0]!,
    signer: livingSigner(world, isAlive),
    clock: await openSteadyClock({ db, clock, timers, log }),
    timers,
    newId: world.newId,
    prices: async () => new Map(),
    log,
    approvalUrl: (id) => `http://localhost/approve/${id}`,
    settings: {
      environment: 'testnet',
      rebroadcastMillis: 15_000,
      finalityMillis: 60_000,
      maxSignatures: 5,
      maxQueued: 100,
      retryMillis: 2_000,
    },
    onStep: reached,
  })
  let jobs: Jobs | undefined
  engine.recover().then(
    () => {
      ready = true
      jobs = startJobs({ engine, adapters, timers, tickMillis: world.tickMillis, log })
    },
    (error: unknown) => alive && world.onFault(`recover: ${String(error)}`),
  )
  return {
    engine,
    db,
    isAlive,
    isReady: () => alive && ready,
    crash: end,
    at: (point, act) => {
      next = { ...point, act }
    },
    handedOver: () => reached('handover'),
    close: async () => {
      await jobs?.close()
      await engine.close()
      for (const adapter of adapters.values()) await adapter.close()
      end()
    },
  }
}

/** Requests of a process that has ended get no answer, and what was not written yet never leaves. */
function livingExchange(sides: readonly Side[], isAlive: () => boolean, onWrite: () => void): Exchange {
  const exchanges = new Map(
    sides.flatMap(({ urls, archiveUrl, exchange }) =>
      [...urls, ...(archiveUrl === undefined ? [] : [archiveUrl])].map((url) => [url, exchange] as const),
    ),
  )
  return ({ url, body, signal }) =>
    new Promise((resolve, reject) => {
      const exchange = exchanges.get(url)
      if (exchange === undefined) throw new Error(`nothing listens at ${url}`)
      const write = () => {
        if (isAlive()) onWrite()
        return isAlive() ? body() : undefined
      }
      const request = { url, body: write, ...(signal !== undefined && { signal }) }
      exchange(request).then(
        (answer) => isAlive() && resolve(answer),
        (error: unknown) => isAlive() && reject(error),
      )
    })
}

/** The longest that a signature takes. */
const SIGN_MILLIS = 30

function livingSigner({ signer, clock, random }: Surroundings, isAlive: () => boolean): EngineParts['signer'] {
  const draw = random.fork('signer')
  const answer = <Value>(work: () => Value): Promise<Value> =>
    new Promise((resolve, reject) => {
      clock.after(draw.below(SIGN_MILLIS), () => {
        if (!isAlive()) return
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      })
    })
  return {
    sign: (keyId, bytes) =>
      answer(() => {
        if (signer.isHalted) throw new AppError('KEYSTORE_LOCKED', 'The signer is halted.')
        return signer.sign(keyId, bytes)
      }),
    halted: () => answer(() => signer.isHalted),
    halt: () =>
      answer(() => {
        signer.isHalted = true
      }),
    resume: () =>
      answer(() => {
        signer.isHalted = false
      }),
  }
}

/** An error of the program that the engine logs and lives with is a fault all the same. */
function faultLog(world: Surroundings, isAlive: () => boolean): EngineParts['log'] {
  const log = createLogger('simulation', 'silent')
  const error = (details: { err?: unknown }, message: string) => {
    if (isAlive() && details.err !== undefined && !(details.err instanceof AppError)) {
      world.onFault(`${message} ${details.err instanceof Error ? details.err.stack : String(details.err)}`)
    }
  }
  return Object.assign(Object.create(log) as EngineParts['log'], { error })
}
