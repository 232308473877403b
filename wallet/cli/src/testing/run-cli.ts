import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { programEntry } from '@openpista/testing/programs'

/** The program `waiaas`. */
export const WAIAAS = programEntry('waiaas')

export type Env = Readonly<Record<string, string>>

/** What every program gets of this process's environment. */
export const inherited = {
  PATH: process.env.PATH,
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
  HOME: '/nonexistent',
}

/** Runs a command to its end. */
export async function runCli(args: readonly string[], env: Env): Promise<{ code: number; out: string; err: string }> {
  const child = launch(args, env)
  const [out, err] = [collect(child.stdout!), collect(child.stderr!)]
  const [code] = (await once(child, 'close')) as [number]
  return { code, out: out(), err: err() }
}

export type RunningWallet = {
  url: string
  pid: number
  output: () => string
  /** Sends the signal to the signer, then waits until signer and daemon are gone. */
  end: (signal: NodeJS.Signals) => Promise<number | null>
  /** Resolves with the exit code when signer and daemon are gone. */
  ended: Promise<number | null>
}

/** Runs `waiaas start` until it says that it is ready. */
export async function startWallet(env: Env): Promise<RunningWallet> {
  const child = launch(['start'], env)
  const [out, err] = [collect(child.stdout!), collect(child.stderr!)]
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', () => {
      const ready = /waiaas is ready on (\S+)/.exec(out())
      if (ready !== null) resolve(ready[1]!)
    })
    child.once('close', () => reject(new Error(`waiaas start ended:\n${out()}${err()}`)))
  })
  return {
    url,
    pid: child.pid!,
    output: () => out() + err(),
    ended,
    end: async (signal) => {
      child.kill(signal)
      return await ended
    },
  }
}

function launch(args: readonly string[], env: Env): ChildProcess {
  return spawn(process.execPath, [WAIAAS, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inherited, ...env },
  })
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.on('data', (chunk) => {
    text += chunk
  })
  return () => text
}
