import type { Broadcast } from '../chain-adapter.ts'
import { clip } from '../clip.ts'
import type { RpcFailure } from '../rpc-result.ts'

/** What a failed `sendTransaction` (without preflight) says. Nothing of it proves that the bytes are not out. */
export function readBroadcastFailure(failure: RpcFailure): Broadcast {
  if (failure.kind !== 'error') return { kind: 'not accepted', message: failure.message, unheard: true }
  if (/already (been )?processed|AlreadyProcessed/i.test(failure.message)) return { kind: 'accepted' }
  return { kind: 'not accepted', message: clip(failure.message) }
}
