/** Resolves after so many milliseconds, or as soon as the signal aborts. Never rejects. */
export function sleep(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, millis)
    signal.addEventListener('abort', done, { once: true })
  })
}
