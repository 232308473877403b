import { fail } from './fail.ts'

export type GuardOptions = {
  /** Host names besides the loopback ones that the daemon answers to. */
  allowedHosts: readonly string[]
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * Refuses a request that was made for another name (DNS rebinding) or by a page of another origin.
 *
 * @returns the host and port that the caller used.
 * @throws AppError FORBIDDEN_ORIGIN.
 */
export function guardRequest(headers: Headers, options: GuardOptions): string {
  const host = headers.get('host')?.toLowerCase()
  const name = host === undefined ? undefined : hostName(host)
  if (host === undefined || name === undefined || !(LOOPBACK.includes(name) || options.allowedHosts.includes(name))) {
    throw fail('FORBIDDEN_ORIGIN', 'This daemon does not answer to that host name.')
  }
  const origin = headers.get('origin')
  if (origin !== null && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw fail('FORBIDDEN_ORIGIN', 'Pages of another origin may not call this daemon.', {
      hint: 'Call it from a program, or from a page that the daemon itself serves.',
    })
  }
  return host
}

function hostName(host: string): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/.exec(host)?.[1]
}

/** True for an address that only this machine can reach. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '::1' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
