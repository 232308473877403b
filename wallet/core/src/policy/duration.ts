const units = [
  { name: 'day', seconds: 86_400 },
  { name: 'hour', seconds: 3600 },
  { name: 'minute', seconds: 60 },
] as const

/** "24 hours", "7 days", "90 seconds": in the largest unit that gives a whole number of at least two. */
export function durationText(seconds: number): string {
  const unit = units.find((unit) => seconds % unit.seconds === 0 && seconds / unit.seconds > 1)
  if (unit !== undefined) return `${seconds / unit.seconds} ${unit.name}s`
  if (seconds === 60) return '1 minute'
  return seconds === 1 ? '1 second' : `${seconds} seconds`
}
