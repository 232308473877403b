import { z } from 'zod'
import type { Route } from '../route.ts'
import { list, ok } from './parts.ts'

const AuditEntryView = z
  .object({
    seq: z.number().int(),
    at: z.number().int(),
    type: z.string(),
    actor: z.string(),
    agentId: z.string().optional(),
    transactionId: z.string().optional(),
    data: z.record(z.string(), z.unknown()),
    previousHash: z.string(),
    hash: z.string(),
  })
  .meta({ id: 'AuditEntry' })

/** The daemon itself and the operator's desk. */
export const systemRoutes = {
  health: {
    method: 'get',
    path: '/health',
    authentication: 'public',
    tag: 'system',
    summary: 'Is the daemon up',
    responses: ok(
      z.object({ status: z.literal('ok'), version: z.string(), uptime: z.number().int(), timestamp: z.number().int() }),
    ),
    errors: [],
  },
  openApi: {
    method: 'get',
    path: '/doc',
    authentication: 'public',
    tag: 'system',
    summary: 'This API as OpenAPI 3.1',
    responses: ok(z.record(z.string(), z.unknown())),
    errors: [],
  },
  login: {
    method: 'post',
    path: '/v1/admin/login',
    authentication: 'public',
    tag: 'admin',
    summary: 'Operator login',
    body: z.strictObject({ password: z.string().min(1).max(1024) }),
    responses: ok(z.object({ token: z.string(), expiresAt: z.number().int(), idleSeconds: z.number().int() })),
    errors: ['INVALID_MASTER_PASSWORD', 'MASTER_PASSWORD_LOCKED'],
  },
  logout: {
    method: 'post',
    path: '/v1/admin/logout',
    authentication: ['master'],
    tag: 'admin',
    summary: 'End this operator login',
    responses: ok(z.object({ ok: z.literal(true) })),
    errors: [],
  },
  adminStatus: {
    method: 'get',
    path: '/v1/admin/status',
    authentication: ['master'],
    tag: 'admin',
    summary: 'State of the daemon',
    responses: ok(
      z.object({
        version: z.string(),
        uptime: z.number().int(),
        agentCount: z.number().int(),
        activeSessionCount: z.number().int(),
        openTransactions: z.number().int(),
        killSwitchState: z.enum(['NORMAL', 'ACTIVATED', 'RECOVERING']),
        networks: z.array(z.string()),
      }),
    ),
    errors: [],
  },
  shutdown: {
    method: 'post',
    path: '/v1/admin/shutdown',
    authentication: ['master'],
    tag: 'admin',
    summary: 'Stop the daemon',
    responses: ok(z.object({ ok: z.literal(true) })),
    errors: [],
  },
  listAudit: {
    method: 'get',
    path: '/v1/admin/audit',
    authentication: ['master'],
    tag: 'admin',
    summary: 'Read the audit log',
    query: z.object({
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(1000).default(100),
    }),
    responses: ok(list(AuditEntryView)),
    errors: [],
  },
  verifyAudit: {
    method: 'post',
    path: '/v1/admin/audit/verify',
    authentication: ['master'],
    tag: 'admin',
    summary: 'Check the hash chain of the audit log',
    responses: ok(
      z.object({
        ok: z.boolean(),
        entries: z.number().int(),
        firstBad: z.number().int().optional(),
        why: z.string().optional(),
      }),
    ),
    errors: [],
  },
} as const satisfies Record<string, Route>
