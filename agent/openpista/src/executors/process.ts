import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { ExecRequest, ExecResult } from './executor.ts'

/** Between the request to end and the kill. Short, so that a cancelled session is usable within a second. */
const GRACE_MS = 400
/** How long output may still arrive after the command itself has ended. */
const DRAIN_MS = 200

/** Variables that commands may see. Everything else, keys and tokens above all, stays with the agent. */
const ALLOWED_VARIABLES = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TERM|TZ|TMPDIR)$/

/** The part of an environment that commands may see. */
export function scrubEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(env).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined && ALLOWED_VARIABLES.test(entry[0])
  })
  return Object.fromEntries(kept)
}

/**
 * Runs a program in a process group of its own and reads what it prints, at most `maxOutput` characters of each
 * stream. Whatever is left of the group is killed when the program ends, runs out of time or is cancelled.
 */
export async function runProcess(
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  request: ExecRequest,
  signal: AbortSignal,
): Promise<ExecResult> {
  const [file, ...args] = argv
  if (signal.aborted) return { stdout: '', stderr: '', exitCode: null, killed: 'cancelled', truncated: false }
  const child = spawn(file, args, { cwd: request.cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const stdout = collect(child.stdout, request)
  const stderr = collect(child.stderr, request)
  const { exitCode, killed, startFailure } = await wait(child, request.timeoutSeconds, signal)
  return {
    stdout: stdout.text(),
    stderr: startFailure === undefined ? stderr.text() : `Cannot start ${file} in ${request.cwd}: ${startFailure}`,
    exitCode,
    killed,
    truncated: stdout.truncated() || stderr.truncated(),
  }
}

type Ending = { exitCode: number | null; killed: ExecResult['killed']; startFailure?: string }

/** Shells answer 127 for a program that cannot be started; so do we. */
const CANNOT_START = 127

async function wait(child: ChildProcess, timeoutSeconds: number, signal: AbortSignal): Promise<Ending> {
  let killed: ExecResult['killed'] = null
  let force: NodeJS.Timeout | undefined
  const stop = (why: 'timeout' | 'cancelled') => {
    if (killed !== null) return
    killed = why
    killGroup(child, 'SIGTERM')
    force = setTimeout(() => killGroup(child, 'SIGKILL'), GRACE_MS)
  }
  const onAbort = () => stop('cancelled')
  const clock = setTimeout(() => stop('timeout'), timeoutSeconds * 1000)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const ended = await new Promise<Ending>((resolve) => {
      child.once('error', (error) => resolve({ exitCode: CANNOT_START, killed: null, startFailure: error.message }))
      child.once('exit', (code, name) => resolve({ exitCode: code ?? exitCodeOf(name), killed: null }))
    })
    if (ended.startFailure === undefined) await drain(child)
    return killed === null ? ended : { exitCode: null, killed }
  } finally {
    clearTimeout(clock)
    clearTimeout(force)
    signal.removeEventListener('abort', onAbort)
    killGroup(child, 'SIGKILL')
  }
}

/** Waits until the streams are closed. Processes left behind by the command keep them open: they are killed. */
async function drain(child: ChildProcess): Promise<void> {
  const streams = [child.stdout!, child.stderr!]
  const closed = Promise.all(
    streams.map((stream) => (stream.closed ? null : new Promise((r) => stream.once('close', r)))),
  )
  const late = setTimeout(() => {
    killGroup(child, 'SIGKILL')
    for (const stream of streams) stream.destroy()
  }, DRAIN_MS)
  await closed
  clearTimeout(late)
}

/** 128 + signal number, as shells say it; only the signals that end commands are told apart. */
function exitCodeOf(name: NodeJS.Signals | null): number {
  const numbers: Partial<Record<NodeJS.Signals, number>> = {
    SIGINT: 2,
    SIGKILL: 9,
    SIGSEGV: 11,
    SIGTERM: 15,
    SIGXCPU: 24,
  }
  return 128 + (name === null ? 0 : (numbers[name] ?? 0))
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // Nobody left in the group: that is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function collect(stream: Readable, { maxOutput, onOutput }: ExecRequest) {
  let kept = ''
  let truncated = false
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const room = maxOutput - kept.length
    if (chunk.length > room) truncated = true
    if (room <= 0) return
    const part = chunk.slice(0, room)
    kept += part
    onOutput(part)
  })
  // A stream that is destroyed because its writer was killed has nothing more to say.
  stream.on('error', () => stream.destroy())
  return { text: () => kept.toWellFormed(), truncated: () => truncated }
}
