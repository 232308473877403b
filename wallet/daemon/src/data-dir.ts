import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  AppError,
  createLogger,
  ensurePrivateDir,
  openDatabase,
  systemClock,
  systemTimers,
  writeFileAtomic,
} from '@openpista/common'
import {
  CreatePolicy,
  defaultPolicies,
  type Environment,
  findNetwork,
  type NetworkName,
  networkNames,
  networkOf,
} from '@waiaas/core'
import type { Kysely } from 'kysely'
import { NodeUrls, rpcKey } from './config.ts'
import { openSteadyClock } from './engine/steady-clock.ts'
import { createPolicies } from './http/services/policies.ts'
import { dataPaths } from './paths.ts'
import { assertLongEnough, initKeystore } from './signer/keystore.ts'
import { newKdfParams } from './signer/sealed.ts'
import { migrations, type Tables } from './store/tables.ts'

export type InitOptions = {
  dataDir: string
  environment: Environment
  /** Address of a node, or several with commas between them, by network name or CAIP-2 id. */
  rpc: Readonly<Record<string, string>>
  /** Wiped after use. */
  password: Buffer
  /** Also keep the password in the recovery file, for a start without an operator. */
  keepPassword: boolean
}

/**
 * Makes a data directory: configuration, database with the default policies, keystore. The keystore comes
 * last, so that a run that broke off can be repeated.
 *
 * @throws AppError ALREADY_INITIALIZED, PERMISSIONS_TOO_OPEN; UNKNOWN_NETWORK, INVALID_RPC and PASSWORD_TOO_SHORT
 * before anything is made.
 */
export async function initDataDir(options: InitOptions): Promise<void> {
  const paths = dataPaths(options.dataDir)
  if (isInitialized(options.dataDir)) {
    throw new AppError('ALREADY_INITIALIZED', `There is a wallet in ${options.dataDir} already.`, {
      hint: 'Start it with: waiaas start. For another one choose another --data-dir.',
    })
  }
  const nodes = readNodes(options)
  assertLongEnough(options.password)
  ensurePrivateDir(options.dataDir)
  for (const folder of ['data', 'logs', 'run']) ensurePrivateDir(join(options.dataDir, folder))
  if (!existsSync(paths.config)) writeFileAtomic(paths.config, configText(options.environment, nodes))
  await initDatabase(paths.database)
  if (options.keepPassword) writeFileAtomic(paths.recoveryFile, Buffer.concat([options.password, Buffer.from('\n')]))
  await initKeystore(paths.keystore, options.password, newKdfParams())
}

export function isInitialized(dataDir: string): boolean {
  return existsSync(join(dataPaths(dataDir).keystore, 'keystore.json'))
}

/** Opens the database without a daemon, for reading. */
export async function openStore(dataDir: string): Promise<{ db: Kysely<Tables>; close: () => Promise<void> }> {
  const path = dataPaths(dataDir).database
  if (!existsSync(path)) {
    throw new AppError('NOT_INITIALIZED', `There is no wallet in ${dataDir}.`, { hint: 'Make one with: waiaas init' })
  }
  const database = await openDatabase<Tables>({ path, migrations, synchronous: 'FULL' })
  return { db: database.kysely as unknown as Kysely<Tables>, close: database.close }
}

async function initDatabase(path: string): Promise<void> {
  const database = await openDatabase<Tables>({ path, migrations, synchronous: 'FULL' })
  try {
    const db = database.kysely as unknown as Kysely<Tables>
    const parts = { clock: systemClock, timers: systemTimers, log: createLogger('waiaas', 'warn') }
    const policies = createPolicies({ db, clock: await openSteadyClock({ db, ...parts }) })
    if ((await policies.list({})).length > 0) return
    for (const policy of defaultPolicies()) {
      await policies.change({ kind: 'create', policy: CreatePolicy.parse(policy) }, undefined)
    }
  } finally {
    await database.close()
  }
}

/** @throws AppError UNKNOWN_NETWORK, INVALID_RPC: of what the daemon would refuse, or never use, at its start. */
function readNodes({ environment, rpc }: InitOptions): Map<NetworkName, string> {
  const nodes = new Map<NetworkName, string>()
  for (const [name, url] of Object.entries(rpc)) {
    const network = findNetwork(name)
    if (network === undefined) {
      const names = networkNames.filter((each) => networkOf(each).environment === environment)
      throw new AppError('UNKNOWN_NETWORK', `There is no network ${name}.`, {
        hint: `Networks of the environment ${environment}: ${names.join(', ')}.`,
      })
    }
    if (network.environment !== environment) {
      throw new AppError('INVALID_RPC', `${network.name} does not belong to the environment ${environment}.`, {
        hint: `Choose its environment with: --environment ${network.environment}`,
      })
    }
    if (nodes.has(network.name)) {
      throw new AppError('INVALID_RPC', `${network.name} is given twice.`, {
        hint: 'Give several addresses of one network at once, with commas between them.',
      })
    }
    const parsed = NodeUrls.safeParse(url)
    if (!parsed.success) {
      throw new AppError('INVALID_RPC', `The node of ${network.name}: '${url}' ${parsed.error.issues[0]!.message}.`, {
        hint: `Such as: ${network.name}=http://127.0.0.1:8545`,
      })
    }
    nodes.set(network.name, url)
  }
  return nodes
}

function configText(environment: Environment, served: ReadonlyMap<NetworkName, string>): string {
  const nodes = [...served].map(([name, url]) => `${rpcKey(name)} = ${JSON.stringify(url)}`)
  return `# The environment wins over this file: WAIAAS_<SECTION>_<KEY>, such as WAIAAS_DAEMON_PORT.

[daemon]
port = 3100
hostname = "127.0.0.1"
# "mainnet" or "testnet". Networks of the other environment are not served.
environment = "${environment}"
log_level = "info"

[rpc]
# The address of a node for every network that shall be served, such as
# base_sepolia = "https://..."
# or several, the preferred one first: base_sepolia = ["https://...", "https://..."]
${nodes.join('\n')}
${nodes.length === 0 ? '' : '\n'}[policy]
# What happens to payments that need an owner's approval while none is registered: "delay" or "deny".
without_owner = "delay"
`
}
