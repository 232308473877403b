import type { Finding } from './repository.ts'

/** A known-true exception to a check of ours. One that no longer applies is a fault itself. */
export type Exception = {
  /** The check's or style rule's name. */
  rule: string
  /** A file, or a folder that ends with a slash. */
  path: string
  reason: string
}

/** Every exception in the repository, with its reason. */
export const exceptions: readonly Exception[] = [
  {
    rule: 'no-module-state',
    path: 'common/src/id.ts',
    reason:
      'RFC 9562 asks that ids of one process rise, whoever asks for them; the counter has to be the process itself',
  },
  {
    rule: 'classes-have-a-life',
    path: 'wallet/sdk/src/client.ts',
    reason: 'the published name is `new WAIaaSClient`, the same as in the Python client; it holds the session token',
  },
  {
    rule: 'classes-have-a-life',
    path: 'wallet/sdk/src/owner-client.ts',
    reason: 'the published name is `new WAIaaSOwnerClient`, beside the two other clients',
  },
]

/** Findings that are left, and the exceptions that covered none. */
export function applyExceptions(
  rule: string,
  findings: readonly Finding[],
  all: readonly Exception[],
): { left: Finding[]; unused: Exception[] } {
  const own = all.filter((exception) => exception.rule === rule)
  const covers = (exception: Exception, finding: Finding): boolean =>
    exception.path.endsWith('/') ? finding.path.startsWith(exception.path) : finding.path === exception.path
  return {
    left: findings.filter((finding) => !own.some((exception) => covers(exception, finding))),
    unused: own.filter((exception) => !findings.some((finding) => covers(exception, finding))),
  }
}
