import type { ChallengeView, ErrorBody, PolicyChallengeView } from '@waiaas/core'
import { base64url } from './bytes.ts'
import { type Progress, readProgress } from './progress.ts'

/** Why something did not work: `code` of the daemon, or one of this page's own in lower case. */
export type Fault = {
  code: string
  message: string
  hint?: string
  /** Where the transaction is, when the daemon says so. */
  transaction?: Progress
}

export type OwnerAction = ChallengeView['action']
export type Result<Value> = { ok: true; value: Value } | { ok: false; fault: Fault }

/** What the link to this page carries: which agent's owner is asked, and about which change. */
export type PolicyProposal = { resourceId: unknown; change: unknown }

/** The daemon, as far as an owner needs it. Nothing here throws: a fault is a value. */
export type Api = {
  challenge: (action: OwnerAction, transactionId: string) => Promise<Result<ChallengeView>>
  /** The question whether a policy may be loosened; the proposal is handed on as the link has it. */
  policyChallenge: (proposal: PolicyProposal) => Promise<Result<PolicyChallengeView>>
  /** Hands in the owner's signature over the challenge's message. */
  answer: (challenge: ChallengeView, signature: string) => Promise<Result<Progress>>
  /** Where the demo owner signs, if this is a demo. */
  demoOwnerUrl: () => Promise<string | undefined>
}

export function createApi(fetchIt: typeof fetch): Api {
  return {
    challenge: (action, resourceId) =>
      call(fetchIt, '/v1/owner/challenges', { body: JSON.stringify({ action, resourceId }) }, readChallenge),
    policyChallenge: ({ resourceId, change }) => {
      const body = JSON.stringify({ action: 'policy_change', resourceId, change })
      return call(fetchIt, '/v1/owner/challenges', { body }, readPolicyChallenge)
    },
    answer: (challenge, signature) => {
      const headers = {
        'X-Owner-Address': challenge.ownerAddress,
        'X-Owner-Message': base64url(challenge.message),
        'X-Owner-Signature': signature,
      }
      const path = `/v1/transactions/${challenge.approval.transactionId}/${challenge.action}`
      return call(fetchIt, path, { headers }, readProgress)
    },
    demoOwnerUrl: async () => {
      try {
        const response = await fetchIt('/approve/config.json')
        const { demoOwnerUrl } = (response.ok ? await response.json() : {}) as { demoOwnerUrl?: unknown }
        return typeof demoOwnerUrl === 'string' ? demoOwnerUrl : undefined
      } catch {
        // Without an answer this is no demo; that the daemon is away is told by the next question.
        return undefined
      }
    },
  }
}

async function call<Value>(
  fetchIt: typeof fetch,
  path: string,
  options: { body?: string; headers?: Record<string, string> },
  read: (body: unknown) => Value | undefined,
): Promise<Result<Value>> {
  const headers = { accept: 'application/json', ...(options.body === undefined ? {} : JSON_BODY), ...options.headers }
  let response: Response
  let body: unknown
  try {
    response = await fetchIt(path, { method: 'POST', headers, cache: 'no-store', ...pick(options.body) })
    body = await response.json()
  } catch {
    // No answer, or half of one: the same as far as this page can tell.
    return { ok: false, fault: UNREACHABLE }
  }
  if (!response.ok) return { ok: false, fault: readFault(body) }
  const value = read(body)
  return value === undefined ? { ok: false, fault: UNREADABLE } : { ok: true, value }
}

const JSON_BODY = { 'content-type': 'application/json' }
const UNREACHABLE: Fault = { code: 'unreachable', message: 'The wallet does not answer.' }
const UNREADABLE: Fault = {
  code: 'unreadable',
  message: 'The wallet answered something this page does not understand.',
}

const pick = (body: string | undefined) => (body === undefined ? {} : { body })

function readFault(body: unknown): Fault {
  const { code, message, hint, details } = (body ?? {}) as Partial<ErrorBody>
  if (typeof code !== 'string' || typeof message !== 'string') return UNREADABLE
  const transaction = readProgress(details)
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(transaction === undefined ? {} : { transaction }),
  }
}

function readChallenge(body: unknown): ChallengeView | undefined {
  const { message, scheme, approval } = (body ?? {}) as Partial<ChallengeView>
  const isWhole = typeof message === 'string' && typeof scheme === 'string' && Array.isArray(approval?.effects)
  return isWhole ? (body as ChallengeView) : undefined
}

function readPolicyChallenge(body: unknown): PolicyChallengeView | undefined {
  const { message, scheme, policyChange } = (body ?? {}) as Partial<PolicyChallengeView>
  const isWhole = typeof message === 'string' && typeof scheme === 'string' && Array.isArray(policyChange?.lines)
  return isWhole ? (body as PolicyChallengeView) : undefined
}
