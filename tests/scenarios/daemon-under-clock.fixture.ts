import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { daemonTime } from './clock-file.ts'

/**
 * The daemon as it is, but for what it takes the time to be: that is told by a file which the test writes. Measured
 * time goes with it, for what the test lets pass is not a clock that somebody set.
 */
const file = join(process.argv[2]!, 'run', 'clock')
const machine = Date.now
Date.now = () => daemonTime(readFileSync(file, 'utf8'), machine())
const startedAt = Date.now()
performance.now = () => Date.now() - startedAt
await import('../../wallet/daemon/src/main.ts')
