/** Runs `count` calls, `width` of them at once, and answers how many ended per second. Rejects with the first fault. */
export async function throughput(
  count: number,
  width: number,
  call: (index: number) => Promise<void>,
): Promise<number> {
  const started = performance.now()
  await inParallel(count, width, call)
  return (count / (performance.now() - started)) * 1000
}

/** Milliseconds that each of `count` calls took, `width` of them at once. */
export async function latencies(
  count: number,
  width: number,
  call: (index: number) => Promise<void>,
): Promise<number[]> {
  const millis: number[] = []
  await inParallel(count, width, async (index) => {
    const started = performance.now()
    await call(index)
    millis.push(performance.now() - started)
  })
  return millis
}

/** The value in the middle: one run that another program got in the way of does not show. */
export async function medianOf(rounds: number, measure: (round: number) => Promise<number>): Promise<number> {
  const values: number[] = []
  for (let round = 0; round < rounds; round++) values.push(await measure(round))
  return values.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!
}

/** A call that takes so long is not slow but stuck, however busy the machine is. */
export const PATIENCE_MILLIS = 120_000

/**
 * Waits for `call`, but no longer than `millis`: then rejects with what it waits for, so that a benchmark ends and
 * says why. `call` gets a signal that is aborted then.
 *
 * @param describe says what has not happened, such as which payment is in which status.
 */
export async function within<Result>(
  millis: number,
  describe: () => string | Promise<string>,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const stuck = new AbortController()
  const overdue = Promise.withResolvers<never>()
  const timer = setTimeout(async () => {
    stuck.abort()
    const what = await Promise.resolve()
      .then(describe)
      .catch((error: unknown) => `(cannot be described: ${error})`)
    overdue.reject(new Error(`gave up after ${millis / 1000} s, waiting for ${what}`))
  }, millis)
  try {
    return await Promise.race([call(stuck.signal), overdue.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** After the first fault no further call begins. */
async function inParallel(count: number, width: number, call: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) {
      const index = next++
      try {
        await within(
          PATIENCE_MILLIS,
          () => `call ${index + 1} of ${count}`,
          () => call(index),
        )
      } catch (error) {
        next = count
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
}
