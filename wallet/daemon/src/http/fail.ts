import { AppError } from '@openpista/common'
import { type ErrorBody, type ErrorCode, errorCodes, errorSpec } from '@waiaas/core'

/** An error with a code of the wire contract. */
export function fail(
  code: ErrorCode,
  message: string,
  options: { hint?: string; details?: Record<string, unknown>; cause?: unknown } = {},
): AppError<ErrorCode> {
  return new AppError(code, message, options)
}

/** True for an error whose code the wire contract knows, so that its message may leave the process. */
export function isWireError(error: unknown): error is AppError<ErrorCode> {
  return error instanceof AppError && Object.hasOwn(errorCodes, error.code)
}

/** The answer for an error: a wire error as it is, everything else INTERNAL_ERROR with nothing of its inside. */
export function errorAnswer(error: unknown, requestId: string): { status: number; body: ErrorBody } {
  const known = isWireError(error) ? error : fail('INTERNAL_ERROR', 'Something went wrong inside the daemon.')
  const spec = errorSpec(known.code)
  const hint = known.hint ?? spec.hint
  return {
    status: spec.status,
    body: {
      code: known.code,
      message: known.message,
      retryable: spec.retryable === true,
      ...(hint === undefined ? {} : { hint }),
      ...(known.details === undefined ? {} : { details: { ...known.details } }),
      requestId,
    },
  }
}
