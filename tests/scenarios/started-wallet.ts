import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { type EvmNode, type SolanaNode, startEvmNode, startSolanaNode } from '@waiaas/devnet'
import { expect } from 'vitest'
import { prepareDataDir } from '../../wallet/daemon/src/testing/prepared-data-dir.ts'
import { clockOf, type DaemonClock } from './clock-file.ts'

export const PASSWORD = 'a master password for scenarios'
const SIGNER = fileURLToPath(new URL('./signer-under-clock.fixture.ts', import.meta.url))

export type Headers = Readonly<Record<string, string>>
export type Call = { method?: string; headers?: Headers; body?: unknown }
export type Answer = { status: number; headers: globalThis.Headers; body: Record<string, unknown>; text: string }

/** An initialized data directory and a started signer with its daemon, on chains of their own; only the time is the test's. */
export type StartedWallet = {
  url: () => string
  dataDir: string
  clock: DaemonClock
  evm: EvmNode
  solana: SolanaNode
  call: (path: string, call?: Call) => Promise<Answer>
  /** Calls as the operator, who logs in again when his login has ended. */
  asOperator: (method: string, path: string, call?: Omit<Call, 'method'>) => Promise<Answer>
  /** Calls as the operator and expects success. */
  operate: <Body = Record<string, unknown>>(method: string, path: string, body?: unknown) => Promise<Body>
  /** A look into the daemon's own database, or an accident in it. */
  sql: <Row = Record<string, unknown>>(statement: string) => Row[]
  /** Ends the signer, and the daemon with it; resolves when both are gone. */
  end: (signal: NodeJS.Signals) => Promise<void>
  /** Kills the daemon where it stands, and so the signer. */
  crash: () => Promise<void>
  /** Starts them again. @throws what they printed, where they end instead. */
  start: (password?: string) => Promise<void>
  close: () => Promise<void>
}

/** @param env further configuration, as `WAIAAS_<SECTION>_<KEY>`. */
export async function startWallet(env: Headers = {}): Promise<StartedWallet> {
  const folder = mkdtempSync(join(tmpdir(), 'waiaas-scenarios-'))
  const [evm, solana] = await Promise.all([startEvmNode({}), startSolanaNode({ slotMs: 50, finalizedAfter: 4 })])
  const daemon = daemonIn(folder, {
    WAIAAS_RPC_EVM_LOCAL: evm.rpcUrl,
    WAIAAS_RPC_SOLANA_LOCAL: solana.rpcUrl,
    ...env,
  })
  const close = async () => {
    await daemon.end('SIGTERM')
    await evm.stop()
    await solana.stop()
    rmSync(folder, { recursive: true })
  }
  try {
    await daemon.init()
    const clock = clockOf(join(daemon.dataDir, 'run', 'clock'))
    await daemon.start()
    const call = (path: string, options: Call = {}) => ask(`${daemon.url()}${path}`, options)
    const asOperator = operator(call)
    return {
      ...daemon,
      ...{ clock, evm, solana, call, asOperator, close },
      operate: async (method, path, body) => {
        const answer = await asOperator(method, path, { body })
        if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
        return answer.body as never
      },
      sql: (statement) => query(join(daemon.dataDir, 'data', 'waiaas.db'), statement),
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The signer and its daemon over a data directory in `folder`. */
function daemonIn(folder: string, config: Headers) {
  const dataDir = join(folder, 'wallet')
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const env = { PATH, NODE_COMPILE_CACHE, WAIAAS_DATA_DIR: dataDir, WAIAAS_DAEMON_PORT: '0', ...config }
  let running: Running | undefined
  const end = async (signal: NodeJS.Signals) => {
    running?.signer.kill(signal)
    await running?.closed
    running = undefined
  }
  return {
    dataDir,
    url: () => running!.url,
    init: () => prepareDataDir(dataDir, PASSWORD),
    start: async (password = PASSWORD) => {
      running = await launch(dataDir, password, env)
    },
    end,
    crash: async () => {
      process.kill(childOf(running!.signer.pid!), 'SIGKILL')
      await running!.closed
      running = undefined
    },
  }
}

type Running = { url: string; signer: ChildProcess; closed: Promise<unknown> }

async function launch(dataDir: string, password: string, env: NodeJS.ProcessEnv): Promise<Running> {
  const child = spawn(process.execPath, [SIGNER, dataDir, password], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  // The daemon shares the pipes, so that `close` comes when both are gone.
  const closed = once(child, 'close')
  let printed = ''
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        printed += chunk
        const ready = /ready on (\S+)/.exec(printed)
        if (ready !== null) resolve(ready[1]!)
      })
    }
    closed.then(() => reject(new Error(printed)), reject)
  })
  return { url, signer: child, closed }
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
}

async function ask(url: string, { method, headers, body }: Call): Promise<Answer> {
  const type: Headers = body === undefined ? {} : { 'Content-Type': 'application/json' }
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...type, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const json = response.headers.get('content-type')?.startsWith('application/json') === true
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : {}, text }
}

function operator(call: StartedWallet['call']): StartedWallet['asOperator'] {
  let token = ''
  const login = async () => {
    const answer = await call('/v1/admin/login', { body: { password: PASSWORD } })
    expect([answer.status, answer.text]).toEqual([200, answer.text])
    token = answer.body.token as string
  }
  return async (method, path, { body, headers } = {}) => {
    if (token === '') await login()
    const attempt = () => call(path, { method, body, headers: { ...headers, Authorization: `Bearer ${token}` } })
    const answer = await attempt()
    if (answer.body.code !== 'TOKEN_EXPIRED') return answer
    await login()
    return await attempt()
  }
}

function query<Row>(path: string, statement: string): Row[] {
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA busy_timeout = 5000')
    return database.prepare(statement).all() as Row[]
  } finally {
    database.close()
  }
}
