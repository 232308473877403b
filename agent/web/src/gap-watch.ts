/** A frame that is still missing after this long was lost: asking for the whole history brings it. */
const PATIENCE_MS = 2_000

export type GapWatch = {
  /** Call after every frame. */
  look: () => void
  stop: () => void
}

/**
 * Waits for frames that are missing in the middle of a session.
 *
 * @param parts.missing number of the first frame that is missing.
 * @param parts.askForHistory called once for each missing frame that does not come by itself.
 * @param parts.skip called when the whole history has not closed the gap either: nobody has these frames.
 */
export function watchGaps(parts: {
  missing: () => number | undefined
  askForHistory: () => void
  skip: () => void
}): GapWatch {
  let timer: ReturnType<typeof setTimeout> | undefined
  let askedFor: number | undefined
  const late = () => {
    timer = undefined
    const missing = parts.missing()
    if (missing === undefined) return
    if (missing === askedFor) return parts.skip()
    askedFor = missing
    parts.askForHistory()
  }
  return {
    look: () => {
      if (timer === undefined && parts.missing() !== undefined) timer = setTimeout(late, PATIENCE_MS)
    },
    stop: () => clearTimeout(timer),
  }
}
