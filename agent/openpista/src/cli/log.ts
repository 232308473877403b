import { appendFileSync, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createDebugLogger, createLogger, ensurePrivateDir, type Logger } from '@openpista/common'

/** What is logged. `level`: on standard error. `debug`: everything also goes to a file of the day. */
export type LogChoice = { level: string; debug: boolean }

const NAME = 'debug.log'
const KEPT_DAYS = 7

/** The program's logger. With `debug`, `debug.log` in `folder` is today's file; older ones have their day behind it. */
export function openLog({ level, debug }: LogChoice, folder: string): Logger {
  if (!debug) return createLogger('openpista', level)
  return createDebugLogger(
    'openpista',
    level,
    createDailyFile(folder, () => new Date()),
  )
}

/** Appends lines to `debug.log`, which is put aside as `debug.log.<day>` when its day is over; a week is kept. */
export function createDailyFile(folder: string, now: () => Date): { write: (line: string) => void } {
  ensurePrivateDir(folder)
  const file = join(folder, NAME)
  let day = existsSync(file) ? dayOf(statSync(file).mtime) : dayOf(now())
  return {
    write: (line) => {
      const today = dayOf(now())
      if (today !== day && existsSync(file)) {
        renameSync(file, `${file}.${day}`)
        removeOld(folder)
      }
      day = today
      appendFileSync(file, line, { mode: 0o600 })
    },
  }
}

function removeOld(folder: string): void {
  const old = readdirSync(folder).filter((name) => /^debug\.log\.\d{4}-\d{2}-\d{2}$/.test(name))
  for (const name of old.toSorted().slice(0, -KEPT_DAYS)) rmSync(join(folder, name), { force: true })
}

/** The day here, as `2027-01-31`. */
function dayOf(date: Date): string {
  const two = (part: number) => String(part).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
