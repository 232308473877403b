import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The agent's own folder, which tools cannot reach: `OPENPISTA_HOME`, else `~/.openpista`. */
export function homeFolder(env: Readonly<Record<string, string | undefined>>): string {
  return resolve(env.OPENPISTA_HOME || env.openpista_HOME || join(homedir(), '.openpista'))
}
