/**
 * What a node may answer. `error` is the node's own word; `withheld` was not sent, because it may not leave any more;
 * `unreachable` is everything else: no connection, a cut one, silence, an overloaded gateway, an answer that cannot
 * be read.
 */
export type RpcFailure =
  | { kind: 'error'; code: number; message: string; data?: unknown }
  | { kind: 'unreachable'; message: string }
  | { kind: 'withheld'; message: string }

export type RpcResult<Value> = { ok: true; value: Value } | { ok: false; failure: RpcFailure }

export function unreachable(why: string): { ok: false; failure: RpcFailure } {
  return { ok: false, failure: { kind: 'unreachable', message: `The node did not answer as it should: ${why}.` } }
}
