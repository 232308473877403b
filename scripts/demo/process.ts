import { type ChildProcess, fork } from 'node:child_process'

/** A program of ours that runs beside the script and never outlives it. */
export type Running = {
  pid: number
  /** Everything it printed so far. */
  output: () => string
  /** Resolves with the first match in what it prints; rejects when it ends before that. */
  until: (pattern: RegExp) => Promise<RegExpExecArray>
  /** Asks it to stop and waits; after `patience` it is killed. */
  stop: () => Promise<void>
  kill: () => Promise<void>
  /** Resolves with the exit code when it has ended. */
  ended: Promise<number | null>
}

export type RunOptions = {
  entry: string
  args: string[]
  env: Record<string, string>
  /** Where its lines go, too: the demo shows none, tests may show all. */
  echo: (line: string) => void
}

const PATIENCE_MS = 15_000

/**
 * Starts a program in a process group of its own (so that Ctrl-C reaches only the script, which then stops
 * things in order) with a pipe to the script: when the script dies the pipe closes and the program ends.
 */
export function run(options: RunOptions): Running {
  const child = fork(options.entry, options.args, {
    execArgv: [...process.execArgv, '--disable-sigusr1'],
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let printed = ''
  const listeners = new Set<() => void>()
  const take = (chunk: Buffer) => {
    printed += chunk.toString()
    for (const line of chunk.toString().split('\n')) if (line !== '') options.echo(line)
    for (const look of listeners) look()
  }
  child.stdout!.on('data', take)
  child.stderr!.on('data', take)
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  return {
    pid: child.pid!,
    ended,
    output: () => printed,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(printed)
          if (match === null) return
          listeners.delete(look)
          resolve(match)
        }
        listeners.add(look)
        void ended.then((code) => {
          listeners.delete(look)
          reject(new Error(`${options.entry} ended with code ${code} before it was ready:\n${printed}`))
        })
        look()
      }),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await endOf(child, ended)
    },
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function endOf(child: ChildProcess, ended: Promise<number | null>): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  await ended
  clearTimeout(timer)
}
