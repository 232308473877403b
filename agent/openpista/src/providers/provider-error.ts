import type { ProviderErrorCode, ProviderEvent } from './provider.ts'

type ErrorEvent = Extract<ProviderEvent, { type: 'error' }>

/** The parts of the library's errors that tell what happened; all of them may be missing. */
type Failure = {
  name?: string
  message?: string
  statusCode?: number
  responseHeaders?: Record<string, string>
  cause?: unknown
  data?: unknown
  type?: unknown
  code?: unknown
}

const LONGEST_MESSAGE = 500
/** What services call their own faults in the middle of a stream. */
const OWN_FAULTS: ReadonlySet<string> = new Set(['server_error', 'overloaded_error', 'api_error'])

/** What the library threw or streamed, as the last event of our stream. */
export function toProviderError(error: unknown, provider: string, signal: AbortSignal): ErrorEvent {
  if (signal.aborted) return { type: 'error', code: 'ABORTED', message: 'Stopped.' }
  const failure: Failure = typeof error === 'object' && error !== null ? error : { message: String(error) }
  const code = codeOf(failure)
  const retryAfterMs = readRetryAfter(failure.responseHeaders)
  return {
    type: 'error',
    code,
    message: wordsFor(code, failure, provider),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}

function codeOf(failure: Failure): ProviderErrorCode {
  const { statusCode } = failure
  if (failure.name === 'AI_APICallError') {
    if (statusCode === undefined || statusCode < 300) return failure.cause === undefined ? 'BAD_RESPONSE' : 'NETWORK'
    return codeOfStatus(statusCode)
  }
  // A stream that ends before the model said that it was done was cut on its way.
  if (failure.name === 'AI_InvalidResponseDataError' && failure.data === undefined) return 'NETWORK'
  if (OWN_FAULTS.has(String(failure.type)) || OWN_FAULTS.has(String(failure.code))) return 'OVERLOADED'
  if (failure.type === 'rate_limit_error' || failure.code === 'rate_limit_exceeded') return 'RATE_LIMIT'
  return 'BAD_RESPONSE'
}

function codeOfStatus(status: number): ProviderErrorCode {
  if (status === 401 || status === 403) return 'AUTH'
  if (status === 429) return 'RATE_LIMIT'
  if (status === 408 || status >= 500) return 'OVERLOADED'
  return 'BAD_REQUEST'
}

function wordsFor(code: ProviderErrorCode, failure: Failure, provider: string): string {
  const said = (failure.message ?? 'no reason given').slice(0, LONGEST_MESSAGE)
  switch (code) {
    case 'AUTH':
      return `Authentication required: ${said} Check the API key, or sign in again: openpista auth login -p ${provider}`
    case 'RATE_LIMIT':
      return `Rate limit exceeded: ${said}`
    case 'OVERLOADED':
      return `The model service has a problem of its own: ${said}`
    case 'NETWORK':
      return `The connection to the model failed: ${said}`
    case 'BAD_REQUEST':
      return `The model service refused the request: ${said}`
    case 'BAD_RESPONSE':
      return `Invalid response from LLM: ${said}`
    case 'ABORTED':
      return 'Stopped.'
  }
}

/** Milliseconds from `Retry-After-Ms`, or from `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3). */
function readRetryAfter(headers: Record<string, string> | undefined): number | undefined {
  const millis = Number(headers?.['retry-after-ms'] ?? Number.NaN)
  if (millis >= 0) return millis
  const value = headers?.['retry-after']
  if (value === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return Math.ceil(Number(value) * 1000)
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}
