import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { programEntry } from '@openpista/testing/programs'

/** What every program gets of this process's environment. */
export const inherited = { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }

export type Ended = { code: number | null; out: string; err: string }

/** The program as a process with a home folder of its own; standard input is written and closed. */
export async function openpista(
  home: string,
  args: readonly string[],
  { env = {}, input = '', onOutput = () => {} }: RunningOptions = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [programEntry('openpista'), ...args], {
    env: { ...inherited, HOME: home, OPENPISTA_HOME: home, ...env },
  })
  const ended: Ended = { code: null, out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    ended.out += chunk
    onOutput(ended.out, (text) => child.stdin.end(text))
  })
  child.stderr.on('data', (chunk: Buffer) => {
    ended.err += chunk
  })
  if (input !== '') child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { ...ended, code }
}

type RunningOptions = {
  env?: Record<string, string>
  input?: string
  /** Called with everything printed so far; `type` writes standard input and closes it. */
  onOutput?: (out: string, type: (text: string) => void) => void
}
