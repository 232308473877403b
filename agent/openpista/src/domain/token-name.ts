const LONGEST = 16

/**
 * What a token calls itself, which anybody can choose: a short word of plain letters, in which nothing can be said.
 * Which token it is its address tells.
 */
export function tokenName(symbol: string): string {
  const plain = symbol.replace(/[^A-Za-z0-9$.+-]+/g, '?')
  return plain.length <= LONGEST ? plain || '?' : `${plain.slice(0, LONGEST - 1)}?`
}
