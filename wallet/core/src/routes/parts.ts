import { z } from 'zod'

/** What many routes have in common. */
export const Id = z.object({ id: z.uuid() })
export const ok = <Schema extends z.ZodType>(schema: Schema, description = 'OK') => ({ 200: { description, schema } })
export const created = <Schema extends z.ZodType>(schema: Schema) => ({ 201: { description: 'Created', schema } })
export const list = <Schema extends z.ZodType>(item: Schema) => z.object({ items: z.array(item) })

/** Codes of drafting and judging a payment: at the request, and again at the approval. */
export const judgeErrors = [
  'INVALID_ADDRESS',
  'INSUFFICIENT_BALANCE',
  'INSUFFICIENT_TOKEN_BALANCE',
  'WALLET_NOT_SIGNER',
  'TOKEN_NOT_FOUND',
  'BATCH_NOT_SUPPORTED',
  'BATCH_SIZE_EXCEEDED',
  'SIMULATION_FAILED',
  'CHAIN_ERROR',
  'CHAIN_NOT_SUPPORTED',
  'ENVIRONMENT_NETWORK_MISMATCH',
  'AGENT_SUSPENDED',
  'AGENT_TERMINATED',
  'CONSTRAINT_VIOLATED',
  'SESSION_REVOKED',
  'POLICY_DENIED',
  'SPENDING_LIMIT_EXCEEDED',
  'FEE_TOO_HIGH',
  'RATE_LIMIT_EXCEEDED',
  'WHITELIST_DENIED',
  'TOKEN_NOT_ALLOWED',
  'CONTRACT_CALL_DISABLED',
  'CONTRACT_NOT_WHITELISTED',
  'METHOD_NOT_WHITELISTED',
  'APPROVE_DISABLED',
  'SPENDER_NOT_APPROVED',
  'APPROVE_AMOUNT_EXCEEDED',
  'UNLIMITED_APPROVE_BLOCKED',
] as const

/** Codes of a request for a payment, stored or only tried. */
export const sendErrors = [
  'IDEMPOTENCY_KEY_REQUIRED',
  'IDEMPOTENCY_CONFLICT',
  'IDEMPOTENCY_IN_PROGRESS',
  'EQUAL_REQUEST_OPEN',
  'TOO_MANY_QUEUED',
  ...judgeErrors,
] as const
