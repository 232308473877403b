import { z } from 'zod'

type Spec = { status: number; retryable?: true; hint?: string }

/** Every code the daemon can answer with. Append-only. `retryable`: the same call may succeed later. */
export const errorCodes = {
  INVALID_TOKEN: { status: 401, hint: 'Ask the operator for a session token.' },
  TOKEN_EXPIRED: { status: 401, hint: 'Renew the session, or ask the operator for a new token.' },
  SESSION_REVOKED: { status: 401, hint: 'Ask the operator for a new session token.' },
  INVALID_SIGNATURE: { status: 401 },
  INVALID_NONCE: { status: 401, hint: 'Ask for a new challenge; each one is good for one use within 5 minutes.' },
  INVALID_MASTER_PASSWORD: { status: 401 },
  MASTER_PASSWORD_LOCKED: {
    status: 429,
    retryable: true,
    hint: 'Somebody at this address entered wrong passwords. Try again in a few seconds; the command line has its own limit.',
  },
  SYSTEM_LOCKED: { status: 503, hint: 'The kill switch is on. Only the operator and the owner can release it.' },
  SESSION_NOT_FOUND: { status: 404 },
  SESSION_EXPIRED: { status: 401, hint: 'The session is over for good. Ask the operator for a new one.' },
  SESSION_LIMIT_EXCEEDED: { status: 403, hint: 'Revoke a session of this agent first.' },
  CONSTRAINT_VIOLATED: { status: 403, hint: 'The session token does not allow this. Ask the operator.' },
  RENEWAL_LIMIT_REACHED: { status: 403 },
  SESSION_ABSOLUTE_LIFETIME_EXCEEDED: { status: 403 },
  RENEWAL_TOO_EARLY: { status: 403, retryable: true, hint: 'Renew after half of the lifetime has passed.' },
  SESSION_RENEWAL_MISMATCH: { status: 403 },
  RENEWAL_CONFLICT: { status: 409, hint: 'Somebody renewed this session first. Read the token file again.' },
  INSUFFICIENT_BALANCE: { status: 400, hint: 'Lower the amount, or ask the owner to fund the wallet.' },
  INVALID_ADDRESS: { status: 400, hint: 'Check the address and that it belongs to this chain.' },
  TX_NOT_FOUND: { status: 404 },
  TX_EXPIRED: { status: 410 },
  TX_ALREADY_PROCESSED: { status: 409, hint: 'The message says why. Read the transaction to see its state.' },
  CHAIN_ERROR: {
    status: 502,
    retryable: true,
    hint: 'Try again later; repeat a payment with the same Idempotency-Key.',
  },
  SIMULATION_FAILED: { status: 422 },
  TOKEN_NOT_FOUND: { status: 404, hint: 'Check the token address and the network.' },
  INSUFFICIENT_TOKEN_BALANCE: { status: 400, hint: 'Lower the amount, or ask the owner to send tokens to the wallet.' },
  BATCH_NOT_SUPPORTED: { status: 400, hint: 'Send the instructions one by one.' },
  BATCH_SIZE_EXCEEDED: { status: 400, hint: 'Send fewer instructions at once.' },
  INVALID_TRANSACTION: {
    status: 400,
    hint: 'Give one complete unsigned transaction, in hex (EVM) or base64 (Solana).',
  },
  WALLET_NOT_SIGNER: { status: 400, hint: 'Build the transaction for the address of this wallet.' },
  UNSUPPORTED_TX_TYPE: { status: 400, hint: 'Build it as EIP-1559 (EVM), or as version 0 (Solana).' },
  CHAIN_ID_MISMATCH: { status: 400, hint: 'Build the transaction for the network that the request names.' },
  ABI_ENCODING_FAILED: { status: 400, hint: 'Compare functionName and args with the ABI.' },
  OWNER_SIGNATURE_REQUIRED: {
    status: 401,
    hint: 'Ask POST /v1/owner/challenges for a message, and send it with its signature in the X-Owner-* headers.',
  },
  KILL_SWITCH_ACTIVE: { status: 409 },
  KILL_SWITCH_NOT_ACTIVE: { status: 409 },
  RECOVERY_ALREADY_STARTED: { status: 409, hint: 'GET /v1/admin/kill-switch says when it ends.' },
  ROTATION_TOO_RECENT: { status: 429, hint: 'Tokens signed with the previous key are still valid. Wait 5 minutes.' },
  NO_OWNER: { status: 404, hint: 'Register an owner address for this agent first.' },
  WITHDRAW_LOCKED_ONLY: { status: 403, hint: 'Let the owner sign once: POST /v1/agents/:id/owner/verify.' },
  SWEEP_TOTAL_FAILURE: { status: 500, retryable: true },
  AGENT_NOT_EMPTY: { status: 409, hint: 'POST /v1/agents/:id/withdraw sends everything to the owner.' },
  POLICY_NOT_FOUND: { status: 404 },
  POLICY_DENIED: { status: 403, hint: 'The policy does not allow this. Do not retry; tell the owner.' },
  SPENDING_LIMIT_EXCEEDED: { status: 403, hint: 'Lower the amount, or ask the owner to raise the limit.' },
  RATE_LIMIT_EXCEEDED: { status: 429, retryable: true, hint: 'Wait, then try again.' },
  TOKEN_NOT_ALLOWED: { status: 403, hint: 'Ask the operator to allow the token (ALLOWED_TOKENS or token_limits).' },
  CONTRACT_CALL_DISABLED: { status: 403, hint: 'Ask the operator for a CONTRACT_WHITELIST policy with this contract.' },
  CONTRACT_NOT_WHITELISTED: { status: 403, hint: 'Ask the operator to add the contract to CONTRACT_WHITELIST.' },
  METHOD_NOT_WHITELISTED: { status: 403, hint: 'Call a listed method, or ask the operator to list this one.' },
  APPROVE_DISABLED: { status: 403, hint: 'Ask the operator for an APPROVED_SPENDERS policy with this spender.' },
  SPENDER_NOT_APPROVED: { status: 403, hint: 'Ask the operator to add the spender to APPROVED_SPENDERS.' },
  APPROVE_AMOUNT_EXCEEDED: { status: 403, hint: 'Grant less, or ask the owner to raise the limit.' },
  UNLIMITED_APPROVE_BLOCKED: { status: 403, hint: 'Grant the amount that is needed, not an unlimited one.' },
  WHITELIST_DENIED: { status: 403, hint: 'The recipient is not on the allow-list. Ask the owner.' },
  OWNER_ALREADY_CONNECTED: { status: 409 },
  OWNER_APPROVAL_REQUIRED: {
    status: 403,
    hint: 'Only the owner may loosen this policy. A change that only tightens it needs no signature.',
  },
  OWNER_NOT_CONNECTED: { status: 404, hint: 'Register an owner address for this agent first.' },
  APPROVAL_TIMEOUT: { status: 410, hint: 'Send the payment again; it will ask for a new approval.' },
  APPROVAL_NOT_FOUND: { status: 404 },
  KEYSTORE_LOCKED: { status: 503, retryable: true },
  CHAIN_NOT_SUPPORTED: { status: 400 },
  SHUTTING_DOWN: { status: 503, retryable: true },
  ENVIRONMENT_NETWORK_MISMATCH: { status: 400, hint: 'This daemon serves the other environment (mainnet or testnet).' },
  AGENT_NOT_FOUND: { status: 404 },
  AGENT_NAME_TAKEN: { status: 409, hint: 'Choose another name: people and commands pick agents by it.' },
  AGENT_SUSPENDED: { status: 409 },
  AGENT_TERMINATED: { status: 410 },
  IDEMPOTENCY_KEY_REQUIRED: {
    status: 400,
    hint: 'Send the header Idempotency-Key: a new random value per payment, the same over retries.',
  },
  IDEMPOTENCY_CONFLICT: { status: 422, hint: 'This Idempotency-Key was used for a different request. Use a new key.' },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    retryable: true,
    hint: 'The first request is still running. Ask for its transaction.',
  },
  EQUAL_REQUEST_OPEN: {
    status: 409,
    hint: 'An equal payment was given up and may still be made. Wait for its end, or name it in `despite` to risk paying twice.',
  },
  OUTCOME_UNKNOWN: { status: 409, hint: 'Poll the transaction. Do not send it again with another key.' },
  VALIDATION_FAILED: { status: 400, hint: 'Correct the fields named in details.issues.' },
  SKILL_NOT_FOUND: { status: 404 },
  NOT_FOUND: { status: 404, hint: 'GET /doc lists every path.' },
  FORBIDDEN_ORIGIN: { status: 403, hint: 'Add the name to daemon.allowed_hosts in config.toml if it is yours.' },
  PAYLOAD_TOO_LARGE: { status: 413 },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, hint: 'Send the body as application/json.' },
  INTERNAL_ERROR: { status: 500 },
  FEE_TOO_HIGH: { status: 403, hint: 'Build the transaction again with a fee near the market price.' },
  TOO_MANY_QUEUED: { status: 429, hint: 'Cancel payments that wait, or send again when some of them have run.' },
  TOO_MANY_STREAMS: { status: 429, hint: 'Close an event stream that is open with this credential first.' },
} as const satisfies Record<string, Spec>

export type ErrorCode = keyof typeof errorCodes

/** HTTP status, whether to retry, and the default hint of a code. */
export function errorSpec(code: ErrorCode): Spec {
  return errorCodes[code]
}

/** The body of every answer that is not a success. */
export const ErrorBody = z
  .object({
    code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
    message: z.string(),
    retryable: z.boolean(),
    hint: z.string().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
    requestId: z.string(),
  })
  .meta({ id: 'Error' })
export type ErrorBody = z.infer<typeof ErrorBody>
