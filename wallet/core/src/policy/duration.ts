/** `least`: a single day is said as 24 hours. */
const units = [
  { name: 'day', seconds: 86_400, least: 2 },
  { name: 'hour', seconds: 3600, least: 1 },
  { name: 'minute', seconds: 60, least: 1 },
] as const

/** "24 hours", "7 days", "90 seconds": in the largest unit that gives a whole number. */
export function durationText(seconds: number): string {
  const unit = units.find((unit) => seconds % unit.seconds === 0 && seconds / unit.seconds >= unit.least)
  const { name, count } =
    unit === undefined ? { name: 'second', count: seconds } : { name: unit.name, count: seconds / unit.seconds }
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
