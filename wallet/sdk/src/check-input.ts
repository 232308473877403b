import { WAIaaSError } from './error.ts'
import type { BodyOf } from './route-types.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** @throws WAIaaSError VALIDATION_FAILED. */
export function checkId(id: string): { id: string } {
  if (!UUID.test(id)) throw WAIaaSError.invalid(`'${id}' is not an id (a UUID).`)
  return { id }
}

/** Catches what can only be a mistake before anything is sent. @throws WAIaaSError VALIDATION_FAILED. */
export function checkSend(request: BodyOf<'send'>): void {
  if (request.type !== undefined && request.type !== 'TRANSFER') return
  if (typeof request.to !== 'string' || request.to === '') throw WAIaaSError.invalid('`to` must be an address.')
  if ((request.amount === undefined) === (request.humanAmount === undefined)) {
    throw WAIaaSError.invalid('Give exactly one of `amount` (base units) and `humanAmount`.')
  }
  if (request.amount !== undefined && !/^\d{1,78}$/.test(request.amount)) {
    throw WAIaaSError.invalid('`amount` must be base units as decimal digits in a string.')
  }
  if (request.humanAmount !== undefined && !/^\d{1,60}(\.\d{1,36})?$/.test(request.humanAmount)) {
    throw WAIaaSError.invalid('`humanAmount` must be a decimal number in a string, such as "0.5".')
  }
}
