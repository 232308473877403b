import type { Timers } from '@openpista/common'
import type { RpcClient } from './json-rpc.ts'
import type { RpcFailure, RpcResult } from './rpc-result.ts'

/** Which of the nodes of a network. */
export type NodeRef = {
  /** Its place in the configuration, from 0. */
  index: number
  /** Host and port of its address: the rest often carries an access key. */
  host: string
}

/** Asks one node, and says which. */
export type NodeReader = Pick<RpcClient, 'read'> & {
  node: NodeRef
  /**
   * Has the node show once more that it serves its network. Endpoints have been switched to another chain for a while
   * without a failed request (DefiLlama/chainlist#3168): where more than a wait depends on what a node said, it
   * is asked together with it.
   */
  confirm: () => Promise<RpcResult<null>>
}

/** Asks a node whether it serves its network; the value says what is wrong. */
export type CheckNode = (rpc: Pick<NodeReader, 'read'>) => Promise<RpcResult<string | undefined>>

/** One of the nodes of a network, and what is known of it. */
export type Endpoint = {
  /** How messages call it. */
  name: string
  reader: NodeReader
  client: RpcClient
  timers: Timers
  /** What is wrong with the chain it serves; `null` for the right one, `undefined` before it was asked. */
  fault: string | null | undefined
  faultSince: number
  checking: Promise<RpcResult<null>> | undefined
  failures: number
  retryAt: number
  isBehind: boolean
}

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 60_000
/** How long what is wrong with a node's chain is taken to last. */
const FAULT_MS = 10_000

export function createEndpoint(
  name: string,
  node: NodeRef,
  client: RpcClient,
  { check, timers }: { check: CheckNode; timers: Timers },
): Endpoint {
  const unknown = { fault: undefined, faultSince: 0, checking: undefined, failures: 0, retryAt: 0, isBehind: false }
  const confirm = () => ask(endpoint, check)
  const endpoint: Endpoint = { name, reader: { read: client.read, node, confirm }, client, timers, ...unknown }
  return endpoint
}

/** Whether a node may be used: it has shown that it serves the network, and has not failed since. */
export async function admitEndpoint(endpoint: Endpoint): Promise<RpcResult<null>> {
  if (endpoint.fault === null) return right
  if (endpoint.fault !== undefined && endpoint.timers.monotonic() - endpoint.faultSince < FAULT_MS) {
    return refused(endpoint.fault)
  }
  endpoint.checking ??= endpoint.reader.confirm().finally(() => {
    endpoint.checking = undefined
  })
  return await endpoint.checking
}

const right: RpcResult<null> = { ok: true, value: null }

function refused(message: string): { ok: false; failure: RpcFailure } {
  return { ok: false, failure: { kind: 'unreachable', message } }
}

async function ask(endpoint: Endpoint, check: CheckNode): Promise<RpcResult<null>> {
  const answer = await check(endpoint.reader)
  if (!answer.ok) {
    pause(endpoint, answer.failure)
    return answer
  }
  endpoint.fault = answer.value === undefined ? null : `${endpoint.name} ${answer.value}`
  endpoint.faultSince = endpoint.timers.monotonic()
  return endpoint.fault === null ? right : refused(endpoint.fault)
}

/** What an answer tells about the node that gave it. */
export function note(endpoint: Endpoint, answer: RpcResult<unknown>): void {
  if (answer.ok || answer.failure.kind === 'error') endpoint.failures = 0
  else if (answer.failure.kind === 'unreachable') pause(endpoint, answer.failure)
}

/** The node is asked after the others until the pause is over, and has to show again what it serves. */
function pause(endpoint: Endpoint, failure: RpcFailure): void {
  const now = endpoint.timers.monotonic()
  // Questions that failed together are one failure.
  if (endpoint.failures > 0 && now < endpoint.retryAt) return
  const doubled = FIRST_PAUSE_MS * 2 ** Math.min(endpoint.failures, 16)
  const asked = failure.kind === 'unreachable' ? (failure.retryAfterMs ?? 0) : 0
  endpoint.failures += 1
  endpoint.retryAt = now + Math.min(Math.max(doubled, asked), LONGEST_PAUSE_MS)
  endpoint.fault = undefined
}

/** True for what is wrong with the node, and not with the question: another node may answer. */
export function concernsNode({ kind }: RpcFailure): boolean {
  return kind === 'unreachable' || kind === 'unable'
}
