import { z } from 'zod'
import { NetworkRef } from '../network.ts'
import type { Route } from '../route.ts'
import { TransactionView } from '../transaction.ts'
import { Id, list, ok } from './parts.ts'

const HeldAccountView = z
  .object({ network: z.string(), address: z.string(), why: z.string() })
  .meta({ id: 'HeldAccount' })

const Amount = z.string().regex(/^\d{1,78}$/, 'must be a whole number of base units, in digits')

/** What the operator decides about payments whose end is not proven, and about accounts that contradict the database. */
export const byHandRoutes = {
  continueTransaction: {
    method: 'post',
    path: '/v1/transactions/:id/continue',
    authentication: ['master'],
    tag: 'transactions',
    summary: 'Continue a payment that was given up, unless the transaction that replaces it is already signed',
    params: Id,
    responses: ok(TransactionView),
    errors: ['TX_NOT_FOUND', 'TX_ALREADY_PROCESSED', 'AGENT_SUSPENDED', 'AGENT_TERMINATED'],
  },
  raiseMaxFee: {
    method: 'post',
    path: '/v1/transactions/:id/max-fee',
    authentication: ['master'],
    tag: 'transactions',
    summary: 'Set the highest fee for closing a payment that was given up; base units of the native coin',
    params: Id,
    body: z.strictObject({ maxFee: Amount }),
    responses: ok(TransactionView),
    errors: ['TX_NOT_FOUND', 'TX_ALREADY_PROCESSED', 'VALIDATION_FAILED'],
  },
  proveTransaction: {
    method: 'post',
    path: '/v1/transactions/:id/prove',
    authentication: ['master'],
    tag: 'transactions',
    summary: 'Prove the outcome of a payment on a node of your choice, and end the payment if it is certain',
    params: Id,
    body: z.strictObject({ rpcUrl: z.url({ protocol: /^https?$/ }) }),
    responses: ok(TransactionView),
    errors: ['TX_NOT_FOUND', 'TX_ALREADY_PROCESSED', 'CHAIN_ERROR', 'OUTCOME_UNKNOWN'],
  },
  writeOffTransaction: {
    method: 'post',
    path: '/v1/transactions/:id/write-off',
    authentication: ['master'],
    tag: 'transactions',
    summary: 'End a payment without a proof: as paid, or as unpaid with its amount repeated',
    params: Id,
    body: z.discriminatedUnion('as', [
      z.strictObject({ as: z.literal('paid') }),
      z.strictObject({ as: z.literal('unpaid'), amount: Amount }),
    ]),
    responses: ok(TransactionView),
    errors: ['TX_NOT_FOUND', 'TX_ALREADY_PROCESSED', 'VALIDATION_FAILED', 'CHAIN_ERROR'],
  },
  listHeldAccounts: {
    method: 'get',
    path: '/v1/admin/accounts/held',
    authentication: ['master'],
    tag: 'admin',
    summary: 'Held accounts, for which nothing is signed until they are released, and why',
    responses: ok(list(HeldAccountView)),
    errors: [],
  },
  releaseAccount: {
    method: 'post',
    path: '/v1/admin/accounts/release',
    authentication: ['master'],
    tag: 'admin',
    summary: 'Release a held account after you have checked its history: payments are signed for it again',
    body: z.strictObject({ network: NetworkRef, address: z.string().min(1).max(64) }),
    responses: ok(z.object({ released: z.boolean() })),
    errors: ['INVALID_ADDRESS'],
  },
} as const satisfies Record<string, Route>
