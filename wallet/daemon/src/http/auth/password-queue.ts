/** How fast passwords are checked of one share: `free` wrong ones at once, then pauses that double up to `mostMillis`. */
export type PasswordPace = { free: number; firstMillis: number; mostMillis: number; mostWaiting: number }

export const passwordPace: PasswordPace = { free: 5, firstMillis: 1_000, mostMillis: 4_000, mostWaiting: 8 }

/** Checks wait in lanes, one per share, and one more per share for the emergency stop. */
export type Lane = { share: string; emergency: boolean }

export type PasswordQueue = {
  /** Runs `check` in its turn. `full`: more of this lane wait already than may; it was not run. */
  run: (lane: Lane, check: () => Promise<'right' | { wrong: number }>) => Promise<'right' | 'wrong' | 'full'>
}

type Waiting = { check: () => Promise<'right' | { wrong: number }>; settle: (outcome: Outcome) => void }
type Outcome = { ok: true; value: 'right' | 'wrong' } | { ok: false; error: unknown }
type Line = { emergency: boolean; waiting: Waiting[]; notBefore: number }

/**
 * One password check at a time: each takes 64 MiB and all cores. Lanes take turns, those of the emergency stop first,
 * so that a share with many checks delays another by one check. After wrong passwords a lane pauses before its next
 * check; a right password waits in that line like the others and is never refused for their failures.
 *
 * @param monotonic milliseconds that never jump.
 */
export function createPasswordQueue(monotonic: () => number, pace: PasswordPace = passwordPace): PasswordQueue {
  /** In the order in which they take turns. */
  const lines = new Map<string, Line>()
  let busy = false
  let timer: NodeJS.Timeout | undefined

  const next = () => {
    clearTimeout(timer)
    if (busy) return
    const now = monotonic()
    for (const [key, line] of lines) if (line.waiting.length === 0 && line.notBefore <= now) lines.delete(key)
    const open = [...lines].filter(([, line]) => line.waiting.length > 0)
    const ready = open.filter(([, line]) => line.notBefore <= now)
    const chosen = ready.find(([, line]) => line.emergency) ?? ready[0]
    if (chosen !== undefined) return void work(...chosen)
    const soonest = Math.min(...open.map(([, line]) => line.notBefore))
    if (soonest !== Number.POSITIVE_INFINITY) timer = setTimeout(next, soonest - now)
  }

  const work = async (key: string, line: Line) => {
    busy = true
    const { check, settle } = line.waiting.shift()!
    lines.delete(key)
    lines.set(key, line)
    const outcome = await check().then(
      (found): Outcome => {
        if (found === 'right') return { ok: true, value: 'right' }
        line.notBefore = monotonic() + pauseAfter(found.wrong, pace)
        return { ok: true, value: 'wrong' }
      },
      (error: unknown): Outcome => ({ ok: false, error }),
    )
    busy = false
    settle(outcome)
    next()
  }

  return {
    run: async ({ share, emergency }, check) => {
      const key = `${emergency} ${share}`
      const line = lines.get(key) ?? { emergency, waiting: [], notBefore: Number.NEGATIVE_INFINITY }
      if (line.waiting.length >= pace.mostWaiting) return 'full'
      lines.set(key, line)
      const outcome = await new Promise<Outcome>((settle) => {
        line.waiting.push({ check, settle })
        next()
      })
      if (!outcome.ok) throw outcome.error
      return outcome.value
    },
  }
}

/** @param wrong how many were wrong lately, this one among them. */
function pauseAfter(wrong: number, { free, firstMillis, mostMillis }: PasswordPace): number {
  return wrong < free ? 0 : Math.min(mostMillis, firstMillis * 2 ** Math.min(wrong - free, 20))
}
