/**
 * What a node may answer where it does not give a result.
 * `error`: it has an objection to the question.
 * `unable`: it does not offer the method, or lacks the state or history that was asked for; another node may have it.
 * `withheld`: the request was not sent, because it may not leave any more.
 * `unreachable`: everything else: no connection, a cut one, silence, a gateway that is overloaded or refuses access, an
 * answer that cannot be read.
 */
export type RpcFailure =
  | { kind: 'error'; code: number; message: string; data?: unknown }
  | { kind: 'unable'; code: number; message: string; data?: unknown }
  | { kind: 'withheld'; message: string }
  /** `retryAfterMs`: how long the node asks clients to wait. */
  | { kind: 'unreachable'; message: string; retryAfterMs?: number }

export type RpcResult<Value> = { ok: true; value: Value } | { ok: false; failure: RpcFailure }

export function unreachable(why: string, retryAfterMs?: number): { ok: false; failure: RpcFailure } {
  const message = `The node did not answer as it should: ${why}.`
  return { ok: false, failure: { kind: 'unreachable', message, ...(retryAfterMs !== undefined && { retryAfterMs }) } }
}
