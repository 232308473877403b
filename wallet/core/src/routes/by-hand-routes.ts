import { z } from 'zod'
import { NetworkRef } from '../network.ts'
import type { Route } from '../route.ts'
import { TransactionView } from '../transaction.ts'
import { Id, list, ok } from './parts.ts'

const HeldAccountView = z
  .object({ network: z.string(), address: z.string(), why: z.string() })
  .meta({ id: 'HeldAccount' })

const Amount = z.string().regex(/^\d{1,78}$/, 'base units as decimal digits')

/** What the operator decides about payments whose end is not proven, and about accounts that contradict the database. */
export const byHandRoutes = {
  continueTransaction: {
    method: 'post',
    path: '/v1/transactions/:id/continue',
    authentication: ['master'],
    tag: 'transactions',
    summary: 'Take back that a payment was given up, as long as nothing is out that ends it',
    params: Id,
    responses: ok(TransactionView),
    errors: ['TX_NOT_FOUND', 'TX_ALREADY_PROCESSED'],
  },
  raiseMaxFee: {
    method: 'post',
    path: '/v1/transactions/:id/max-fee',
    authentication: ['master'],
    tag: 'transactions',
    summary: 'Allow a higher fee for what ends a payment that was given up; base units of the native coin',
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
    summary: 'Prove on a node of your choice what became of a payment, and end it if that is certain',
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
    summary: 'End a payment without a proof: as paid, or as unpaid with its amount typed once more',
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
    summary: 'Accounts for which nothing is signed until they are released, and why',
    responses: ok(list(HeldAccountView)),
    errors: [],
  },
  releaseAccount: {
    method: 'post',
    path: '/v1/admin/accounts/release',
    authentication: ['master'],
    tag: 'admin',
    summary: 'Sign for a held account again, once its history was looked at',
    body: z.strictObject({ network: NetworkRef, address: z.string().min(1).max(64) }),
    responses: ok(z.object({ released: z.boolean() })),
    errors: [],
  },
} as const satisfies Record<string, Route>
