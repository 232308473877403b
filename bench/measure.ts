/**
 * How often a function runs per second of processor time: after a warm-up, the best of several rounds, for a busy
 * machine can only make a round slower.
 */
export function perSecond(call: () => unknown, options: { rounds: number; roundMs: number }): number {
  runFor(call, options.roundMs / 2)
  const rounds = Array.from({ length: options.rounds }, () => runFor(call, options.roundMs))
  return Math.max(...rounds)
}

/** The value below which the given share of the values lies, by nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('a percentile of nothing')
  const sorted = values.toSorted((a, b) => a - b)
  const rank = Math.ceil(share * sorted.length)
  return sorted[Math.min(Math.max(rank, 1), sorted.length) - 1]!
}

function runFor(call: () => unknown, millis: number): number {
  const started = process.cpuUsage()
  let calls = 0
  let elapsed = 0
  do {
    for (let i = 0; i < 100; i++) call()
    calls += 100
    const { user, system } = process.cpuUsage(started)
    elapsed = (user + system) / 1000
  } while (elapsed < millis)
  return (calls / elapsed) * 1000
}
