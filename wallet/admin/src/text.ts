/** Text with every character that hides or turns others made visible: names and symbols come from strangers. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    return `\u27e8U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}\u27e9`
  })
}

/** Time that is left, for a countdown: `59 s`, `14:05`, `2 h 05 min`. */
export function timeLeft(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${`${seconds % 60}`.padStart(2, '0')}`
  return `${Math.floor(minutes / 60)} h ${`${minutes % 60}`.padStart(2, '0')} min`
}

/** An address in groups of four, which people can compare. A leading `0x` stands with the first group. */
export function addressGroups(address: string): string[] {
  const [, prefix = '', rest = ''] = /^(0x)?(.*)$/s.exec(address) ?? []
  const groups = rest.match(/.{1,4}/gs) ?? []
  return groups.map((group, index) => (index === 0 ? prefix + group : group))
}

/** Base units with a thin space between thousands: `600 000 000 000 000 000`. */
export function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, '\u202f')
}

/** Local time of day, with the date where it is another day: `14:05`, `3 Mar, 14:05`. */
export function timeOfDay(unixSeconds: number): string {
  const moment = new Date(unixSeconds * 1000)
  const isToday = moment.toDateString() === new Date().toDateString()
  const date = isToday ? {} : ({ day: 'numeric', month: 'short' } as const)
  return moment.toLocaleString('en-GB', { ...date, hour: '2-digit', minute: '2-digit' })
}
