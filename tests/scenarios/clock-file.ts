import { renameSync, writeFileSync } from 'node:fs'

/** What a daemon's clock file says: `+N` is N milliseconds ahead of the machine, `N` stands still there. */
export function daemonTime(text: string, machine: number): number {
  return text.startsWith('+') ? machine + Number(text.slice(1)) : Number(text)
}

export type DaemonClock = {
  millis: () => number
  seconds: () => number
  advance: (seconds: number) => void
  /** Stops the clock, at the beginning of a second; from then on only `advance` moves it. */
  stand: () => void
  /** Lets a clock that stands go on. */
  run: () => void
}

/** Moves the clock of a daemon, never back. */
export function clockOf(file: string): DaemonClock {
  let ahead = 0
  let standing: number | undefined
  const write = () => {
    writeFileSync(`${file}.new`, standing === undefined ? `+${ahead}` : `${standing}`)
    // The daemon reads it at any moment, and must never see half of it.
    renameSync(`${file}.new`, file)
  }
  const millis = () => standing ?? Date.now() + ahead
  write()
  return {
    millis,
    seconds: () => Math.floor(millis() / 1000),
    advance: (seconds) => {
      if (standing === undefined) ahead += seconds * 1000
      else standing += seconds * 1000
      write()
    },
    stand: () => {
      standing ??= Math.ceil(millis() / 1000) * 1000
      write()
    },
    run: () => {
      if (standing === undefined) return
      ahead = standing - Date.now()
      standing = undefined
      write()
    },
  }
}
