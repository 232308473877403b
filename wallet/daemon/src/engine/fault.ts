import { AppError } from '@openpista/common'
import { type ErrorCode, errorSpec } from '@waiaas/core'

/** An expected failure that leaves the engine: code of the contract, its hint, and what concerns this case. */
export function fault(code: ErrorCode, message: string, details?: Record<string, unknown>): AppError<ErrorCode> {
  const { hint } = errorSpec(code)
  return new AppError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
  })
}
