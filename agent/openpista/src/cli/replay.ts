import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { AppError, createLogger } from '@openpista/common'
import { assemble } from '../assemble.ts'
import type { Settings } from '../config.ts'
import { type Replayed, replayRun } from '../replay-run.ts'
import { printable } from './card-prompt.ts'

/** `openpista replay <turn or file>`: 0 when the recorded turn happens again as it did. */
export async function replay(settings: Settings, env: NodeJS.ProcessEnv, name: string): Promise<number> {
  const file = existsSync(name) ? name : join(settings.recordings, `${basename(name, '.jsonl')}.jsonl`)
  if (!existsSync(file)) {
    throw new AppError('RECORDING_NOT_FOUND', `There is no recording ${name}.`, {
      hint: `Turns are recorded with agent.record = true; the recordings are in ${settings.recordings}.`,
    })
  }
  const { tools, store } = await assemble({ settings, env, logger: createLogger('replay', 'silent'), reach: 'local' })
  const replayed = await read(file, (text) => replayRun(text, tools)).finally(() => store.close())
  console.log(printable(words(replayed)))
  return replayed.same ? 0 : 1
}

async function read(file: string, play: (text: string) => Promise<Replayed>): Promise<Replayed> {
  try {
    return await play(readFileSync(file, 'utf8'))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new AppError('RECORDING_INVALID', `${file} is not a recording: ${error.message}.`)
  }
}

function words(replayed: Replayed): string {
  if (replayed.same) return `The same: ${replayed.requests} requests, ${replayed.calls} tool calls.`
  const { line, recorded, found } = replayed
  return `Line ${line} differs.\nrecorded: ${recorded}\nnow:      ${found}`
}
