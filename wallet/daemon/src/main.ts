import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import {
  AppError,
  createLogger,
  immediate,
  type Logger,
  newId,
  newSecret,
  openDatabase,
  systemClock,
  systemTimers,
} from '@openpista/common'
import type { Kysely } from 'kysely'
import manifest from '../package.json' with { type: 'json' }
import { encodeCalldata } from './chains/evm/encode-calldata.ts'
import { httpExchange } from './chains/exchange.ts'
import { createAdapters } from './chains/index.ts'
import { startCheckpoints } from './checkpoints.ts'
import { autoStopSettings, type DaemonConfig, readDaemonConfig, servedNetworks } from './config.ts'
import { createAutoStop } from './engine/auto-stop.ts'
import { createEngine } from './engine/create-engine.ts'
import { openSteadyClock, type SteadyClock } from './engine/steady-clock.ts'
import { composeHttp } from './http/compose.ts'
import { listen } from './http/listen.ts'
import { openApiDocument } from './http/openapi.ts'
import { startJobs } from './jobs/jobs.ts'
import { dataPaths } from './paths.ts'
import { takeProcessLock } from './process-lock.ts'
import { connectToParent, type SignerClient } from './signer/signer-client.ts'
import { appendEvent } from './store/events.ts'
import { migrations, type Tables } from './store/tables.ts'

/** A predecessor whose signer was killed ends within moments. */
const PREDECESSOR_MILLIS = 3_000
const REQUEST_GRACE_MILLIS = 5_000
const STOP_LIMIT_MILLIS = 25_000
const TICK_MILLIS = 1_000
const RESTORED =
  'The wallet was restored from a backup. What was signed since then is not in it, and would be paid again. ' +
  'Compare the transactions that wait with the chain, then release the account.'
const SIGNING_PAGE = fileURLToPath(new URL('../../admin/dist', import.meta.url))

/** The daemon: started by the signer with the data directory as its one argument, ended by a signal. */
async function run(dataDir: string): Promise<void> {
  const paths = dataPaths(dataDir)
  const config = readDaemonConfig(dataDir, process.env)
  const signer = connectToParent()
  // With a wrong password it ends here, and has touched nothing.
  await signer.unlocked()
  const lock = await takeProcessLock(paths.daemonLock, PREDECESSOR_MILLIS)
  if (lock === undefined) throw new AppError('ALREADY_RUNNING', 'Another daemon works on this data directory.')
  const database = await openDatabase<Tables>({ path: paths.database, migrations, synchronous: 'FULL' })
  const db = database.kysely as unknown as Kysely<Tables>
  const logger = createLogger('waiaas', config.daemon.log_level)
  const clock = await openSteadyClock({ db, clock: systemClock, timers: systemTimers, log: logger })
  const checkpoints = await startCheckpoints({ db, signer, clock, log: logger })
  const localKey = newSecret()
  const isRestored = existsSync(paths.restoredMark)
  const daemon = await startDaemon(config, { db, signer, clock, logger, localKey, isRestored })
  rmSync(paths.restoredMark, { force: true })
  await record(db, clock, 'KEYSTORE_UNLOCKED')
  await record(db, clock, 'DAEMON_STARTED')
  writeRunFile(paths.runFile, daemon.url, localKey)
  console.log(`waiaas is ready on ${daemon.url}`)
  flushCompileCache()

  await daemon.stopped
  setTimeout(() => process.exit(1), STOP_LIMIT_MILLIS).unref()
  await daemon.close()
  await record(db, clock, 'KEYSTORE_LOCKED')
  await record(db, clock, 'DAEMON_STOPPED')
  await checkpoints.close()
  rmSync(paths.runFile, { force: true })
  await database.close()
  lock.release()
  process.exit(0)
}

type Daemon = {
  url: string
  /** Resolves when a signal or the operator asks it to stop. */
  stopped: Promise<void>
  close: () => Promise<void>
}

type DaemonParts = {
  db: Kysely<Tables>
  signer: SignerClient
  clock: SteadyClock
  logger: Logger
  localKey: string
  isRestored: boolean
}

/** Wires the parts together, takes up what a predecessor left, and listens. */
async function startDaemon(config: DaemonConfig, parts: DaemonParts): Promise<Daemon> {
  const { db, signer, clock, logger, localKey } = parts
  const { environment, hostname, port } = config.daemon
  const nodeOptions = {
    feeHeadroomPercent: config.fees.replacement_headroom_percent,
    exchange: httpExchange,
    timers: systemTimers,
  }
  const served = servedNetworks(config)
  const adapters = new Map(createAdapters(served, nodeOptions).map((adapter) => [adapter.network.name, adapter]))
  const stopping = stopSignal()
  const address = { port }
  const url = () => `http://${hostname.includes(':') ? `[${hostname}]` : hostname}:${address.port}`
  const engine = await createEngine({
    db,
    adapters,
    signer,
    clock,
    timers: systemTimers,
    newId,
    connectNode: (network, rpcUrl) => {
      const set = served.find((each) => each.network === network)
      return createAdapters([{ ...set, network, rpcUrls: [rpcUrl] }], nodeOptions)[0]!
    },
    prices: async () => new Map(),
    log: logger,
    approvalUrl: (id) => `${url()}/approve/${id}`,
    settings: {
      environment,
      rebroadcastMillis: 15_000,
      finalityMillis: 60_000,
      maxSignatures: 5,
      maxQueued: config.security.max_queued_per_agent,
      retryMillis: 2_000,
    },
    onStep: () => {},
  })
  const http = await composeHttp({
    db,
    clock,
    logger,
    signer,
    engine,
    adapters,
    encodeCalldata,
    environment,
    recoveryWaits: {
      withOwner: config.security.recovery_wait_seconds,
      withoutOwner: config.security.recovery_wait_without_owner_seconds,
    },
    configured: {
      'policy.without_owner': config.policy.without_owner,
      'security.rate_limit_public_rpm': config.security.rate_limit_public_rpm,
      'security.rate_limit_session_rpm': config.security.rate_limit_session_rpm,
      'security.rate_limit_operator_rpm': config.security.rate_limit_operator_rpm,
    },
    allowedHosts: config.daemon.allowed_hosts,
    pages: { folder: SIGNING_PAGE, demoOwnerUrl: config.demo.owner_url },
    localKey,
    monotonic: () => performance.now(),
    version: manifest.version,
    openApi: () => openApiDocument(manifest.version),
    stopping: stopping.signal,
    requestShutdown: () => stopping.abort(),
  })
  if (parts.isRestored) await engine.holdAccounts(RESTORED)
  await engine.recover()
  const autoStop = createAutoStop({
    db,
    clock,
    log: logger,
    killSwitch: engine.killSwitch,
    engine,
    settings: autoStopSettings(config),
  })
  const jobs = startJobs({ engine, autoStop, adapters, timers: systemTimers, log: logger, tickMillis: TICK_MILLIS })
  const listener = await listen(http.app.fetch, { hostname, port })
  address.port = listener.port
  const nodesChecked = checkNodes(adapters, logger)
  return {
    url: url(),
    stopped: aborted(stopping.signal),
    close: async () => {
      http.close()
      await listener.close(REQUEST_GRACE_MILLIS)
      await nodesChecked
      await jobs.close()
      await engine.close()
      for (const adapter of adapters.values()) await adapter.close()
    },
  }
}

/** A node that is away, or serves another chain, is told at once and not only at the first payment. */
async function checkNodes(
  adapters: ReadonlyMap<string, ReturnType<typeof createAdapters>[number]>,
  logger: ReturnType<typeof createLogger>,
): Promise<void> {
  for (const [network, adapter] of adapters) {
    const result = await adapter.connect()
    const reason = result.ok ? result.warning : result.message
    if (reason !== undefined) logger.warn({ network, reason }, 'a node of a network cannot be used')
    if (result.ok && result.lacks !== undefined) {
      logger.info({ network, lacks: result.lacks }, 'a node does not offer everything that is used')
    }
  }
}

/** The signer lives as long as the daemon: with the one, the keys are there and gone. */
type RunEvent = 'KEYSTORE_UNLOCKED' | 'DAEMON_STARTED' | 'KEYSTORE_LOCKED' | 'DAEMON_STOPPED'

async function record(db: Kysely<Tables>, clock: SteadyClock, type: RunEvent): Promise<void> {
  const event = { type, actor: type.startsWith('KEYSTORE') ? 'signer' : 'daemon', data: { version: manifest.version } }
  await immediate(db, (transaction) => appendEvent(transaction, clock.seconds(), event))
}

/** Where the daemon is, for the command line. That it runs is told by the lock, not by this file. */
function writeRunFile(path: string, url: string, localKey: string): void {
  const content = { url, localKey, pid: process.pid, signerPid: process.ppid, version: manifest.version }
  writeFileSync(`${path}.tmp`, `${JSON.stringify(content)}\n`, { mode: 0o600 })
  renameSync(`${path}.tmp`, path)
}

function stopSignal(): AbortController {
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => stopping.abort())
  return stopping
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

try {
  const dataDir = process.argv[2]
  if (dataDir === undefined) throw new AppError('DATA_DIR_MISSING', 'The daemon needs the path of its data directory.')
  await run(dataDir)
} catch (error) {
  if (!(error instanceof AppError)) throw error
  console.error(`waiaas: ${error.message}${error.hint === undefined ? '' : `\n  ${error.hint}`}`)
  process.exit(1)
}
