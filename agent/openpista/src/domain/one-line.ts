const LONGEST = 200

/** Text on one line, without characters that could forge another, for cards and logs. */
export function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim()
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}…`.toWellFormed()
}
