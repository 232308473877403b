import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ErrorCode, errorCodes, errorSpec, type Route, routes } from '@waiaas/core'
import { expect, test } from 'vitest'
import { errorsOf } from './openapi.ts'

const codes = Object.keys(errorCodes) as ErrorCode[]

/** Answered where there is no route, so that no route documents it; the schema of errors does. */
const withoutRoute: readonly ErrorCode[] = ['NOT_FOUND']

/** Codes that nothing throws yet: each with the part that will. Empty where all is built. */
const later: Partial<Record<ErrorCode, string>> = {}

test('every code is thrown by something, and nothing is listed that is', () => {
  const wallet = join(import.meta.dirname, '../../..')
  const files = globSync(['core/src/**/*.ts', 'daemon/src/**/*.ts'], { cwd: wallet }).filter(
    (path) =>
      !/\.test\.ts$|\.fixture\.ts$|\.conformance\.ts$|\/testing\/|\/scenarios\/|core\/src\/(error\.ts|routes\/)/.test(
        path,
      ),
  )
  const source = files
    .filter((path) => !path.endsWith('http/openapi.ts'))
    .map((path) => readFileSync(join(wallet, path), 'utf8'))
    .join('\n')
  const thrown = codes.filter((code) => source.includes(`'${code}'`))
  expect(codes.filter((code) => !thrown.includes(code) && later[code] === undefined)).toEqual([])
  expect(Object.keys(later).filter((code) => thrown.includes(code as ErrorCode))).toEqual([])
})

test('every code is documented with a route that answers it', () => {
  const documented = new Set((Object.values(routes) as Route[]).flatMap(errorsOf))
  const missing = codes.filter((code) => !documented.has(code) && later[code] === undefined)
  expect(missing).toEqual(withoutRoute)
})

/** The codes of the first versions with their HTTP statuses. */
const published: Readonly<Record<string, number>> = {
  ...statuses(401, 'INVALID_TOKEN TOKEN_EXPIRED SESSION_REVOKED INVALID_SIGNATURE INVALID_NONCE SESSION_EXPIRED'),
  ...statuses(401, 'INVALID_MASTER_PASSWORD'),
  ...statuses(429, 'MASTER_PASSWORD_LOCKED RATE_LIMIT_EXCEEDED ROTATION_TOO_RECENT'),
  ...statuses(503, 'SYSTEM_LOCKED KEYSTORE_LOCKED SHUTTING_DOWN ADAPTER_NOT_AVAILABLE'),
  ...statuses(404, 'SESSION_NOT_FOUND TX_NOT_FOUND TOKEN_NOT_FOUND POLICY_NOT_FOUND OWNER_NOT_CONNECTED'),
  ...statuses(404, 'OWNER_NOT_FOUND APPROVAL_NOT_FOUND AGENT_NOT_FOUND NO_OWNER SKILL_NOT_FOUND'),
  ...statuses(403, 'SESSION_LIMIT_EXCEEDED CONSTRAINT_VIOLATED RENEWAL_LIMIT_REACHED RENEWAL_TOO_EARLY'),
  ...statuses(403, 'SESSION_ABSOLUTE_LIFETIME_EXCEEDED SESSION_RENEWAL_MISMATCH TOKEN_NOT_ALLOWED'),
  ...statuses(403, 'CONTRACT_CALL_DISABLED CONTRACT_NOT_WHITELISTED METHOD_NOT_WHITELISTED APPROVE_DISABLED'),
  ...statuses(403, 'SPENDER_NOT_APPROVED APPROVE_AMOUNT_EXCEEDED UNLIMITED_APPROVE_BLOCKED POLICY_DENIED'),
  ...statuses(403, 'SPENDING_LIMIT_EXCEEDED WHITELIST_DENIED WITHDRAW_LOCKED_ONLY BATCH_POLICY_VIOLATION'),
  ...statuses(409, 'TX_ALREADY_PROCESSED OWNER_ALREADY_CONNECTED KILL_SWITCH_ACTIVE KILL_SWITCH_NOT_ACTIVE'),
  ...statuses(409, 'AGENT_SUSPENDED PIPELINE_HALTED RENEWAL_CONFLICT OUTCOME_UNKNOWN IDEMPOTENCY_IN_PROGRESS'),
  ...statuses(410, 'TX_EXPIRED APPROVAL_TIMEOUT AGENT_TERMINATED'),
  ...statuses(400, 'INSUFFICIENT_BALANCE INVALID_ADDRESS INSUFFICIENT_TOKEN_BALANCE BATCH_NOT_SUPPORTED'),
  ...statuses(400, 'BATCH_SIZE_EXCEEDED CHAIN_NOT_SUPPORTED ENVIRONMENT_NETWORK_MISMATCH INVALID_TRANSACTION'),
  ...statuses(400, 'WALLET_NOT_SIGNER UNSUPPORTED_TX_TYPE CHAIN_ID_MISMATCH ABI_ENCODING_FAILED'),
  ...statuses(400, 'INSUFFICIENT_FOR_FEE VALIDATION_FAILED IDEMPOTENCY_KEY_REQUIRED'),
  ...statuses(422, 'SIMULATION_FAILED IDEMPOTENCY_CONFLICT'),
  ...statuses(500, 'SWEEP_TOTAL_FAILURE INTERNAL_ERROR'),
  ...statuses(502, 'CHAIN_ERROR'),
}

/** Published codes that this daemon does not have, and what it answers instead. */
const replaced: Readonly<Record<string, string>> = {
  PIPELINE_HALTED: 'waiting is a status, and the answer to it is 202',
  BATCH_POLICY_VIOLATION: 'the code of the rule that denies an instruction is the answer to the batch',
  OWNER_NOT_FOUND: 'NO_OWNER and OWNER_NOT_CONNECTED say which call needs one',
  ADAPTER_NOT_AVAILABLE: 'CHAIN_NOT_SUPPORTED where there is no node, CHAIN_ERROR where it does not answer',
  INSUFFICIENT_FOR_FEE: 'INSUFFICIENT_BALANCE names amount and fee',
}

test('published codes have their published status', () => {
  for (const [code, status] of Object.entries(published)) {
    if (replaced[code] === undefined) expect([code, errorSpec(code as ErrorCode)?.status]).toEqual([code, status])
  }
  expect(Object.keys(replaced).filter((code) => Object.hasOwn(errorCodes, code))).toEqual([])
})

function statuses(status: number, names: string): Record<string, number> {
  return Object.fromEntries(names.split(' ').map((name) => [name, status]))
}
