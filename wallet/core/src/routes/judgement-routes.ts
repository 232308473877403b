import { SignRequest } from '../requests/sign.ts'
import type { Route } from '../route.ts'
import { TraceView } from '../trace.ts'
import { TransactionView } from '../transaction.ts'
import { Id, ok, sendErrors } from './parts.ts'

/** Transactions made elsewhere, and why a transaction was treated as it was. */
export const judgementRoutes = {
  sign: {
    method: 'post',
    path: '/v1/transactions/sign',
    authentication: ['session'],
    tag: 'transactions',
    summary: 'Sign a transaction made elsewhere, if the policy allows what it does; the caller sends it',
    body: SignRequest,
    idempotent: true,
    responses: {
      201: { description: 'Allowed; signedTransaction is what to send', schema: TransactionView },
      202: { description: 'Waits (DELAY or APPROVAL); ask for it again', schema: TransactionView },
    },
    errors: [
      ...sendErrors,
      'INVALID_TRANSACTION',
      'UNSUPPORTED_TX_TYPE',
      'CHAIN_ID_MISMATCH',
      'TX_ALREADY_PROCESSED',
      'TX_EXPIRED',
      'KEYSTORE_LOCKED',
    ],
  },
  getTrace: {
    method: 'get',
    path: '/v1/transactions/:id/trace',
    authentication: ['session', 'master'],
    tag: 'transactions',
    summary: 'Every judgement of a transaction: facts, rules, policy version, hash',
    params: Id,
    responses: ok(TraceView),
    errors: ['TX_NOT_FOUND'],
  },
} as const satisfies Record<string, Route>
