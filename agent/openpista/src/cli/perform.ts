import type { Settings } from '../config.ts'
import type { LogChoice } from './log.ts'

/** What every command gets. `configFile`: the one named on the command line. */
export type Prepared = { settings: Settings; log: LogChoice; configFile: string | undefined }

/** Does a command's work with the configuration and ends the program with the exit code that it answers. */
export type Perform = (work: (prepared: Prepared) => Promise<number>) => Promise<void>
