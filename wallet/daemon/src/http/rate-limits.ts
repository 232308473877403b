import type { Clock } from '@openpista/common'

/** `news`: the first refusal of this bucket within a minute. */
export type RateLimit = { limit: number; remaining: number; resetSeconds: number; allowed: boolean; news: boolean }

export type RateLimits = {
  /** Takes one from the bucket of `key`, which holds `perMinute` and refills evenly. */
  take: (key: string, perMinute: number) => RateLimit
}

type Bucket = { tokens: number; at: number; refusedAt: number }

const MAX_BUCKETS = 10_000

/**
 * Token buckets in memory, one per key, so that nobody spends another's share. When there are too many,
 * the one unused for longest goes: it is full again anyway, or its owner had to touch ten thousand others.
 */
export function createRateLimits(clock: Clock): RateLimits {
  const buckets = new Map<string, Bucket>()
  return {
    take: (key, perMinute) => {
      const now = clock.millis()
      const known = buckets.get(key)
      const idle = known === undefined ? 0 : Math.max(0, now - known.at)
      const tokens = known === undefined ? perMinute : Math.min(perMinute, known.tokens + (idle * perMinute) / 60_000)
      const allowed = tokens >= 1
      const left = allowed ? tokens - 1 : tokens
      buckets.delete(key)
      const refusedAt = known?.refusedAt ?? Number.NEGATIVE_INFINITY
      const news = !allowed && now - refusedAt >= 60_000
      buckets.set(key, { tokens: left, at: now, refusedAt: news ? now : refusedAt })
      if (buckets.size > MAX_BUCKETS) buckets.delete(buckets.keys().next().value!)
      const resetSeconds = Math.ceil(allowed ? ((perMinute - left) * 60) / perMinute : ((1 - left) * 60) / perMinute)
      return { limit: perMinute, remaining: Math.floor(left), resetSeconds, allowed, news }
    },
  }
}
