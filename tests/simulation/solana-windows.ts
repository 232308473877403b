import type { Random } from './solana-ports.ts'

/** A stretch of time, or of slots, in which something is out of order. */
export type Window = { from: number; to: number }

export type Windows = {
  /** The window that a moment lies in. */
  at: (moment: number) => Window | undefined
  /** Those that have ended by a moment, the oldest first. */
  endedBy: (moment: number) => readonly Window[]
}

export const noWindows: Windows = { at: () => undefined, endedBy: () => [] }

/** Windows that come again and again, with exponential gaps between them; drawn as far as they are asked for. */
export function createWindows(random: Random, usualGap: number, usualLength: number, start: number): Windows {
  const windows: Window[] = []
  let drawnTo = start
  const draw = (usual: number) => Math.ceil(-Math.log(1 - random.next()) * usual)
  const reach = (moment: number) => {
    while (drawnTo <= moment) {
      const from = drawnTo + draw(usualGap)
      const to = from + 1 + draw(usualLength)
      windows.push({ from, to })
      drawnTo = to + 1
    }
  }
  return {
    at: (moment) => {
      reach(moment)
      return windows.findLast(({ from, to }) => from <= moment && moment <= to)
    },
    endedBy: (moment) => {
      reach(moment)
      return windows.filter(({ to }) => to < moment)
    },
  }
}
