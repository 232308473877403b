import type { ChildProcess } from 'node:child_process'
import { url as inspectorUrl } from 'node:inspector'
import { constants } from 'node:os'
import { join } from 'node:path'
import { AppError } from '@openpista/common/app-error'
import { type ForkOptions, forkDaemon } from './fork-daemon.ts'

export type RunSignerOptions = ForkOptions & {
  /** Wiped after use. */
  password: Buffer
}

/** A child that has closed the pipe is on its way out; after this it is ended. */
const EXIT_GRACE_MS = 2_000
const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/**
 * Runs the daemon as a child of this process, unlocks the keystore meanwhile, and signs for it. Until the
 * keystore is open the daemon gets KEYSTORE_LOCKED for whatever it asks. When either side ends, so does the
 * other.
 *
 * @returns the daemon's exit code; 128 + n where signal n ended it.
 * @throws AppError as `openKeystore`, when the daemon is gone; DEBUGGER_OPEN where a debugger could read the keys.
 */
export async function runSigner(options: RunSignerOptions): Promise<number> {
  assertNoDebugger()
  // Node opens a debugger on SIGUSR1 unless it has the flag --disable-sigusr1 or somebody listens; any process of the
  // same user, the daemon among them, could send that signal.
  process.on('SIGUSR1', ignore)
  const child = forkDaemon(options)
  const exited = exitOf(child)
  const end = () => child.kill('SIGKILL')
  const forward = (signal: NodeJS.Signals) => child.kill(signal)
  for (const signal of FORWARDED) process.on(signal, forward)
  child.once('disconnect', () => setTimeout(end, EXIT_GRACE_MS).unref())
  try {
    const close = await unlockFor(child, options, end).catch(async (error: unknown) => {
      end()
      await exited
      throw error
    })
    const code = await exited
    close()
    return code
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward)
    process.off('SIGUSR1', ignore)
  }
}

/** Answers what the child asks. Loads its heavy parts while the child loads its own. */
async function unlockFor(child: ChildProcess, options: RunSignerOptions, end: () => void): Promise<() => void> {
  const [{ openKeystore }, { serveSigner }, { channelOver }] = await Promise.all([
    import('./keystore.ts'),
    import('./signer-host.ts'),
    import('./protocol.ts'),
  ])
  const opening = openKeystore(join(options.dataDir, 'keystore'), options.password)
  serveSigner(opening, channelOver(child), end)
  const keystore = await opening
  return () => {
    // However the daemon has ended: what it wrote last cannot be cut from its log unseen.
    keystore.keepHead()
    keystore.close()
  }
}

function ignore(): void {}

function assertNoDebugger(): void {
  if (inspectorUrl() === undefined) return
  throw new AppError(
    'DEBUGGER_OPEN',
    'A debugger is open in this process: every program of this user could read keys.',
    {
      hint: 'Start it without --inspect, and without it in NODE_OPTIONS.',
    },
  )
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
  })
}
