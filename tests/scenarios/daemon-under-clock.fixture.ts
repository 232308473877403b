import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { daemonTime } from './clock-file.ts'

/**
 * The real daemon, with its clock set by a file that the test writes. Measured time moves with it, so that the daemon
 * sees time that passed, and not a clock that somebody set.
 */
const file = join(process.argv[2]!, 'run', 'clock')
const machine = Date.now
Date.now = () => daemonTime(readFileSync(file, 'utf8'), machine())
const startedAt = Date.now()
performance.now = () => Date.now() - startedAt
await import('../../wallet/daemon/src/main.ts')
