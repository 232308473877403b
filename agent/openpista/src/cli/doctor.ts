import { createLogger } from '@openpista/common'
import { examine } from '../doctor.ts'
import type { LogChoice } from './log.ts'
import { runningGateway } from './process-file.ts'

/** `openpista doctor`: a line for each thing that a start needs; 1 when one fails. */
export async function doctor(file: string | undefined, env: NodeJS.ProcessEnv, log: LogChoice): Promise<number> {
  const logger = createLogger('openpista', log.level)
  let failed = 0
  for await (const { name, level, detail, todo } of examine({ file, env, logger, running: runningGateway })) {
    console.log(`${level.padEnd(4)}  ${name.padEnd(13)}  ${detail}`)
    if (todo !== undefined) console.log(`${' '.repeat(21)}${todo}`)
    if (level === 'fail') failed += 1
  }
  console.log(failed === 0 ? 'openpista can start.' : `${failed} to be mended.`)
  return failed === 0 ? 0 : 1
}
