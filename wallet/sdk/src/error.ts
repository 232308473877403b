/**
 * Why a call did not succeed. `code` is the daemon's, or NETWORK_ERROR when no answer came, VALIDATION_FAILED
 * (status 0) when the input was refused before anything was sent.
 */
export class WAIaaSError extends Error {
  readonly code: string
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly retryable: boolean
  readonly hint: string | undefined
  readonly details: Readonly<Record<string, unknown>> | undefined
  readonly requestId: string | undefined

  constructor(facts: {
    code: string
    message: string
    status: number
    retryable: boolean
    hint?: string | undefined
    details?: Record<string, unknown> | undefined
    requestId?: string | undefined
    cause?: unknown
  }) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = 'WAIaaSError'
    this.code = facts.code
    this.status = facts.status
    this.retryable = facts.retryable
    this.hint = facts.hint
    this.details = facts.details
    this.requestId = facts.requestId
  }

  /** The error in an answer that is not a success; also when it is not one of the daemon's own. */
  static async fromResponse(response: Response): Promise<WAIaaSError> {
    const body = await readObject(response)
    const text = (key: string) => (typeof body[key] === 'string' ? body[key] : undefined)
    return new WAIaaSError({
      code: text('code') ?? `HTTP_${response.status}`,
      message: text('message') ?? `The daemon answered ${response.status}.`,
      status: response.status,
      retryable: typeof body.retryable === 'boolean' ? body.retryable : response.status >= 500,
      hint: text('hint'),
      details: typeof body.details === 'object' && body.details !== null ? { ...body.details } : undefined,
      requestId: text('requestId') ?? response.headers.get('x-request-id') ?? undefined,
    })
  }

  /** Input that the daemon would refuse. */
  static invalid(message: string): WAIaaSError {
    return new WAIaaSError({ code: 'VALIDATION_FAILED', message, status: 0, retryable: false })
  }
}

async function readObject(response: Response): Promise<Record<string, unknown>> {
  try {
    const body: unknown = await response.json()
    return typeof body === 'object' && body !== null ? { ...body } : {}
  } catch {
    // A proxy in between may answer with something else than JSON; the status says enough then.
    return {}
  }
}
