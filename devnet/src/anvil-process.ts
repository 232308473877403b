import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'

/** A running anvil. */
export type AnvilProcess = {
  readonly port: number
  /** The anvil process itself. */
  readonly pid: number
  /** Ends it after it has written its state; resolves when the process is gone. */
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 10_000

/**
 * The shell holds anvil and watches its own standard input. That pipe closes when this process stops it and also
 * when this process is killed, so anvil never outlives us.
 */
const GUARD = `
"$@" </dev/null & anvil=$!
echo "pid $anvil"
exec 3<&0
(cat <&3 >/dev/null; kill -TERM $anvil 2>/dev/null) & guard=$!
exec 3<&-
wait $anvil; code=$?
kill $guard 2>/dev/null
exit $code
`

/** Starts anvil on a free port of 127.0.0.1 with the given extra arguments, and waits until it listens. */
export async function startAnvilProcess(args: readonly string[]): Promise<AnvilProcess> {
  const command = [findAnvil(), '--host', '127.0.0.1', '--port', '0', ...args]
  // Detached: Ctrl-C in a terminal reaches only us, and we then end anvil in order.
  const child = spawn('/bin/sh', ['-c', GUARD, 'anvil-guard', ...command], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.stdin.on('error', () => undefined) // the pipe may break when anvil ends by itself; `exited` tells
  const { port, pid } = await whenListening(child, exited)
  return { port, pid, stop: () => stopGuard(child, exited) }
}

async function stopGuard(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.stdin?.end()
  const timer = setTimeout(() => killGroup(child), STOP_TIMEOUT_MS)
  await exited
  clearTimeout(timer)
}

function killGroup(child: ChildProcess): void {
  if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
}

async function whenListening(child: ChildProcess, exited: Promise<void>): Promise<{ port: number; pid: number }> {
  const { stdout, stderr } = child
  if (!stdout || !stderr) throw new Error('anvil was started without pipes')
  let errors = ''
  stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2000)
  })
  const timer = setTimeout(() => killGroup(child), START_TIMEOUT_MS)
  try {
    return await new Promise((resolve, reject) => {
      let pid = 0
      createInterface({ input: stdout }).on('line', (line) => {
        pid = Number(/^pid (\d+)$/.exec(line)?.[1] ?? pid)
        const port = /^Listening on 127\.0\.0\.1:(\d+)$/.exec(line)?.[1]
        if (port) resolve({ port: Number(port), pid })
      })
      child.once('error', reject)
      void exited.then(() => reject(new Error(`anvil did not start: ${errors.trim() || 'no reason given'}`)))
    })
  } finally {
    clearTimeout(timer)
  }
}

/** The path of anvil: the npm package's binary where there is one for this platform, else `anvil` on the PATH. */
function findAnvil(): string {
  const packaged = packagedAnvil()
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'anvil'))
  const found = [...(packaged ? [packaged] : []), ...candidates].find(isExecutable)
  if (found) return found
  throw new Error(
    `No anvil for ${process.platform}-${process.arch}. Install Foundry (https://getfoundry.sh) so that "anvil" is on the PATH, then start again.`,
  )
}

function packagedAnvil(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve('@foundry-rs/anvil-linux-amd64/package.json')
    return join(manifest, '..', 'bin', 'anvil')
  } catch {
    return undefined // an optional dependency: absent where the platform differs
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
