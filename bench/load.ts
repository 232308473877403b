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

async function inParallel(count: number, width: number, call: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await call(next++)
  }
  await Promise.all(Array.from({ length: width }, worker))
}
