import { createHash, timingSafeEqual } from 'node:crypto'

/** The header by which a program that may read the data directory has a share of its own. It proves nothing else. */
export const LOCAL_KEY_HEADER = 'x-waiaas-local-key'

/**
 * Whose share of limits and password checks a request takes from. Everything that arrives over loopback is one: a
 * process there can choose any of its addresses. Of an IPv6 network it is the /64, which one host has to itself.
 * A request that carries the key in `run/daemon.json` takes from the share of the command line, which nobody who
 * cannot read the data directory can use up. `X-Forwarded-*` is never read: a local process could write it.
 */
export function shareOf(address: string, headers: Headers, localKey: string): string {
  const key = headers.get(LOCAL_KEY_HEADER)
  if (key !== null && timingSafeEqual(digest(key), digest(localKey))) return 'command line'
  const plain = address
    .toLowerCase()
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/, '')
  if (plain === '::1' || plain.startsWith('127.')) return 'loopback'
  return plain.includes(':') ? `${prefix64(plain)}/64` : plain
}

function prefix64(address: string): string {
  const [head, tail] = address.split('::') as [string, string | undefined]
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0')
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':')
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}
