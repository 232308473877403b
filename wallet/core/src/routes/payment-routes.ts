import { z } from 'zod'
import { WalletView } from '../agent.ts'
import { ChallengeView } from '../approval.ts'
import { HoldingView } from '../asset.ts'
import { NetworkRef } from '../network.ts'
import { CommandChallengeView, CreateChallenge } from '../owner-command.ts'
import { PolicyChallengeView } from '../policy-change.ts'
import type { Route } from '../route.ts'
import { SimulationView, TransactionRequest, TransactionStatus, TransactionView } from '../transaction.ts'
import { created, Id, judgeErrors, list, ok, sendErrors } from './parts.ts'

const ByNetwork = z.object({ network: NetworkRef.optional() })

const Page = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.uuid().optional(),
})

export const EventView = z
  .object({
    seq: z.number().int(),
    type: z.string(),
    agentId: z.string().optional(),
    transactionId: z.string().optional(),
    data: z.record(z.string(), z.unknown()),
    at: z.number().int(),
  })
  .meta({ id: 'Event' })
export type EventView = z.infer<typeof EventView>

/** What agents do with their wallet, what owners say to it, and what both may watch. */
export const paymentRoutes = {
  wallet: {
    method: 'get',
    path: '/v1/wallet',
    authentication: ['session'],
    tag: 'wallet',
    summary: 'The calling agent and its wallets; with include=balances also what they have',
    query: z.object({ include: z.literal('balances').optional() }),
    responses: ok(
      z.object({
        agentId: z.uuid(),
        name: z.string(),
        status: z.string(),
        defaultNetwork: z.string(),
        wallets: z.array(WalletView),
        /** By network; a network whose node did not answer has `fault` instead of `assets`. */
        balances: z
          .array(
            z.object({
              network: z.string(),
              address: z.string(),
              assets: z.array(HoldingView).optional(),
              fault: z.string().optional(),
            }),
          )
          .optional(),
      }),
    ),
    errors: [],
  },
  walletAddress: {
    method: 'get',
    path: '/v1/wallet/address',
    authentication: ['session'],
    tag: 'wallet',
    summary: 'Address on a network',
    query: ByNetwork,
    responses: ok(z.object({ agentId: z.uuid(), network: z.string(), chain: z.string(), address: z.string() })),
    errors: ['CHAIN_NOT_SUPPORTED', 'ENVIRONMENT_NETWORK_MISMATCH'],
  },
  walletBalance: {
    method: 'get',
    path: '/v1/wallet/balance',
    authentication: ['session'],
    tag: 'wallet',
    summary: 'Balance of the native coin',
    query: ByNetwork,
    responses: ok(
      z.object({
        network: z.string(),
        address: z.string(),
        balance: z.string(),
        humanBalance: z.string(),
        symbol: z.string(),
        decimals: z.number().int(),
      }),
    ),
    errors: ['CHAIN_ERROR', 'CHAIN_NOT_SUPPORTED', 'ENVIRONMENT_NETWORK_MISMATCH'],
  },
  send: {
    method: 'post',
    path: '/v1/transactions/send',
    authentication: ['session'],
    tag: 'transactions',
    summary: 'Send a payment',
    body: TransactionRequest,
    idempotent: true,
    waits: true,
    responses: {
      201: { description: 'Allowed (INSTANT or NOTIFY); on its way or final', schema: TransactionView },
      202: { description: 'Waits (DELAY or APPROVAL)', schema: TransactionView },
    },
    errors: sendErrors,
  },
  simulate: {
    method: 'post',
    path: '/v1/transactions/simulate',
    authentication: ['session'],
    tag: 'transactions',
    summary: 'Effects, fee and verdict; nothing is stored',
    body: TransactionRequest,
    responses: ok(SimulationView),
    errors: sendErrors,
  },
  listTransactions: {
    method: 'get',
    path: '/v1/transactions',
    authentication: ['session', 'master'],
    tag: 'transactions',
    summary:
      'Transactions, newest first: of the calling agent; for the operator, of all agents or of the one in agentId',
    query: Page.extend({
      status: TransactionStatus.optional(),
      agentId: z.uuid().optional().meta({ description: 'Only those of this agent' }),
      open: z.literal('true').optional().meta({ description: 'Only those that are not final' }),
    }),
    responses: ok(z.object({ items: z.array(TransactionView), cursor: z.string().optional(), hasMore: z.boolean() })),
    errors: [],
  },
  listPending: {
    method: 'get',
    path: '/v1/transactions/pending',
    authentication: ['session'],
    tag: 'transactions',
    summary: 'Transactions of the calling agent that are not decided yet, or wait for time or for the owner',
    responses: ok(list(TransactionView)),
    errors: [],
  },
  getTransaction: {
    method: 'get',
    path: '/v1/transactions/:id',
    authentication: ['session', 'master'],
    tag: 'transactions',
    summary: 'One transaction',
    params: Id,
    responses: ok(TransactionView),
    errors: ['TX_NOT_FOUND'],
  },
  cancel: {
    method: 'post',
    path: '/v1/transactions/:id/cancel',
    authentication: ['session', 'master'],
    tag: 'transactions',
    summary: 'Cancel a payment that is not final; one whose bytes are out is closed',
    params: Id,
    responses: {
      200: { description: 'Cancelled; nothing was paid', schema: TransactionView },
      202: {
        description: 'Out, and closing; it is CANCELLED or CONFIRMED when that is proven',
        schema: TransactionView,
      },
    },
    errors: ['TX_NOT_FOUND', 'TX_ALREADY_PROCESSED'],
  },
  approve: {
    method: 'post',
    path: '/v1/transactions/:id/approve',
    authentication: ['owner'],
    ownerAction: 'approve',
    tag: 'owner',
    summary: 'The owner approves a waiting transaction',
    params: Id,
    responses: ok(TransactionView),
    errors: [
      'TX_NOT_FOUND',
      'TX_ALREADY_PROCESSED',
      'APPROVAL_TIMEOUT',
      'APPROVAL_NOT_FOUND',
      'INVALID_SIGNATURE',
      'INVALID_NONCE',
      ...judgeErrors,
    ],
  },
  reject: {
    method: 'post',
    path: '/v1/transactions/:id/reject',
    authentication: ['owner'],
    ownerAction: 'reject',
    tag: 'owner',
    summary: 'The owner rejects a waiting transaction',
    params: Id,
    responses: ok(TransactionView),
    errors: ['TX_NOT_FOUND', 'TX_ALREADY_PROCESSED', 'APPROVAL_NOT_FOUND', 'INVALID_SIGNATURE', 'INVALID_NONCE'],
  },
  challenge: {
    method: 'post',
    path: '/v1/owner/challenges',
    authentication: 'public',
    tag: 'owner',
    summary: 'Ask for the message that the owner signs',
    emergency: (body) => (body as CreateChallenge | undefined)?.action === 'kill_switch',
    body: CreateChallenge,
    whileLocked: true,
    responses: created(z.union([ChallengeView, PolicyChallengeView, CommandChallengeView])),
    errors: [
      'TX_NOT_FOUND',
      'TX_ALREADY_PROCESSED',
      'APPROVAL_TIMEOUT',
      'APPROVAL_NOT_FOUND',
      'OWNER_NOT_CONNECTED',
      'AGENT_NOT_FOUND',
      'POLICY_NOT_FOUND',
      'OWNER_APPROVAL_REQUIRED',
      'INVALID_ADDRESS',
    ],
  },
  events: {
    method: 'get',
    path: '/v1/events',
    authentication: ['session', 'master'],
    tag: 'system',
    summary: 'Server-sent events of what the caller may see',
    query: z.object({ after: z.coerce.number().int().min(0).optional() }),
    stream: true,
    responses: ok(EventView, 'text/event-stream; each data line is one event'),
    errors: ['TOO_MANY_STREAMS'],
  },
} as const satisfies Record<string, Route>
