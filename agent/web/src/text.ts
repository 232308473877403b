/**
 * Text as it is, with every character that hides or turns others made visible: names, arguments and addresses come
 * from strangers, and a card must not look other than what it approves.
 */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    if (character === '\n' || character === '\t') return character
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

/** When something happened, from far away: `now`, `5 min`, `3 h`, `yesterday`, else a date. */
export function timeAgo(at: number, now: number): string {
  const seconds = now - at
  if (seconds < 60) return 'now'
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`
  if (seconds < 172_800) return 'yesterday'
  return new Date(at * 1000).toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
}

/** Transaction hashes, signatures and addresses in a text, which people want to copy. */
export function splitCopyable(text: string): { text: string; copyable: boolean }[] {
  const pattern = /\b(0x[0-9a-fA-F]{64}|0x[0-9a-fA-F]{40}|[1-9A-HJ-NP-Za-km-z]{80,90}|[1-9A-HJ-NP-Za-km-z]{43,44})\b/
  return text
    .split(pattern)
    .map((piece, index) => ({ text: piece, copyable: index % 2 === 1 }))
    .filter((piece) => piece.text !== '')
}
