import { fail } from './fail.ts'

/**
 * The header Idempotency-Key: a structured-field string ("…") or the bare value, 1 to 128 printable characters.
 *
 * @throws AppError IDEMPOTENCY_KEY_REQUIRED when it is missing, VALIDATION_FAILED when it is malformed.
 */
export function idempotencyKey(headers: Headers): string {
  const raw = headers.get('idempotency-key')
  if (raw === null || raw === '') {
    throw fail('IDEMPOTENCY_KEY_REQUIRED', 'This call moves value and needs the header Idempotency-Key.')
  }
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(raw)
  const key = quoted === null ? raw : quoted[1]!.replace(/\\(["\\])/g, '$1')
  const malformed = quoted === null && raw.startsWith('"')
  if (malformed || !/^[\x20-\x7e]{1,128}$/.test(key)) {
    const message = 'must be 1 to 128 printable ASCII characters, bare or as a quoted string'
    throw fail('VALIDATION_FAILED', `Idempotency-Key ${message}.`, {
      details: { issues: [{ in: 'header', path: 'Idempotency-Key', message }] },
    })
  }
  return key
}

const MAX_WAIT_SECONDS = 60

/** Seconds of `Prefer: wait=N` (RFC 7240), at most 60; 0 without it. A preference that cannot be read is ignored. */
export function preferredWait(headers: Headers): number {
  const match = /(?:^|[,;\s])wait=(\d{1,6})(?:$|[,;\s])/i.exec(headers.get('prefer') ?? '')
  return match === null ? 0 : Math.min(Number(match[1]), MAX_WAIT_SECONDS)
}

/** The token after `Bearer`, or `undefined`. */
export function bearerToken(headers: Headers): string | undefined {
  return /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(headers.get('authorization') ?? '')?.[1]
}
