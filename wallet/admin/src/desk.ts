import type { ChallengeView, TransactionStatus } from '@waiaas/core'
import type { Api, Fault, OwnerAction, Progress } from './api.ts'
import { findContradiction } from './check-message.ts'
import type { OwnerWallet } from './owner-wallets/owner-wallet.ts'

/** Where the owner's decision stands. */
export type Desk =
  | { step: 'loading' }
  /** There is nothing to decide here. */
  | { step: 'closed'; fault: Fault }
  /** `fault`: why the last try did not go through. */
  | { step: 'asking'; challenge: ChallengeView; fault: Fault | undefined }
  | { step: 'signing'; challenge: ChallengeView; action: OwnerAction; walletName: string }
  | { step: 'sending'; challenge: ChallengeView; action: OwnerAction }
  /** `action` is undefined when somebody else decided, or this page was opened again. */
  | { step: 'decided'; challenge: ChallengeView | undefined; action: OwnerAction | undefined; progress: Progress }

export type DeskParts = {
  api: Api
  transactionId: string
  /** Unix seconds. */
  now: () => number
  onChange: (desk: Desk) => void
  /** Resolves after so many milliseconds. */
  wait: (millis: number) => Promise<void>
}

export type DeskActions = {
  load: () => Promise<void>
  /** Gets a fresh question, has it signed and hands the answer in. */
  decide: (action: OwnerAction, wallet: OwnerWallet) => Promise<void>
}

const FINAL: readonly TransactionStatus[] = ['CONFIRMED', 'FAILED', 'CANCELLED', 'EXPIRED']
/** Seconds between two looks at a transaction that is on its way. */
const LOOKS = [1, 1, 2, 2, 3, 5, 5, 10, 10, 15, 15, 30, 30, 60, 60]
/** A question with less time than this left is not worth signing. */
const MARGIN_SECONDS = 45

export function createDesk(parts: DeskParts): DeskActions {
  const { api, transactionId, onChange } = parts
  let shown: ChallengeView | undefined
  /** A second click while the first is on its way is no second answer. */
  let isDeciding = false

  const ask = (challenge: ChallengeView, fault?: Fault) => {
    shown = challenge
    onChange({ step: 'asking', challenge, fault })
  }
  /** Nothing waits any more: follows the transaction if it is known where it is, else says why. */
  const close = async (fault: Fault, action: OwnerAction | undefined) => {
    if (fault.transaction === undefined) return onChange({ step: 'closed', fault })
    await follow(fault.transaction, action)
  }
  const follow = (progress: Progress, action: OwnerAction | undefined) =>
    followTransaction(parts, progress, (now) => onChange({ step: 'decided', challenge: shown, action, progress: now }))
  /** The question to sign: the one on the screen while it is fresh, else a new one that asks the same. */
  const question = async (action: OwnerAction): Promise<ChallengeView | undefined> => {
    const current = shown
    if (current === undefined) return undefined
    if (current.action === action && current.expiresAt - parts.now() > MARGIN_SECONDS) return current
    const answer = await api.challenge(action, transactionId)
    if (!answer.ok) {
      if (RETRYABLE.includes(answer.fault.code)) ask(current, answer.fault)
      else await close(answer.fault, undefined)
      return undefined
    }
    if (asksTheSame(current, answer.value)) return answer.value
    ask(answer.value, CHANGED)
    return undefined
  }

  const decide = async (action: OwnerAction, wallet: OwnerWallet) => {
    const challenge = await question(action)
    if (challenge === undefined || shown === undefined) return
    const contradiction = findContradiction(challenge)
    if (contradiction !== undefined) return ask(shown, contradicted(contradiction))
    onChange({ step: 'signing', challenge: shown, action, walletName: wallet.name })
    const signed = await wallet.sign(challenge)
    if (!signed.ok) return ask(shown, signed.fault)
    onChange({ step: 'sending', challenge: shown, action })
    const answer = await api.answer(challenge, signed.value)
    if (answer.ok) return follow(answer.value, action)
    const renewed = await api.challenge('approve', transactionId)
    if (renewed.ok) ask(renewed.value, answer.fault)
    else await close({ ...answer.fault, ...pick(renewed.fault.transaction) }, action)
  }

  return {
    load: async () => {
      onChange({ step: 'loading' })
      const answer = await api.challenge('approve', transactionId)
      if (answer.ok) ask(answer.value)
      else await close(answer.fault, undefined)
    },
    decide: async (action, wallet) => {
      if (isDeciding) return
      isDeciding = true
      try {
        await decide(action, wallet)
      } finally {
        isDeciding = false
      }
    },
  }
}

/** Tells where the transaction is, now and with every change until its end, or until looking is no longer worth it. */
async function followTransaction(parts: DeskParts, first: Progress, tell: (progress: Progress) => void): Promise<void> {
  tell(first)
  if (FINAL.includes(first.status)) return
  for (const seconds of LOOKS) {
    await parts.wait(seconds * 1000)
    // A challenge for what no longer waits is refused, and the refusal tells where the transaction is.
    const answer = await parts.api.challenge('reject', parts.transactionId)
    const next = answer.ok ? undefined : answer.fault.transaction
    if (next === undefined) continue
    tell(next)
    if (FINAL.includes(next.status)) return
  }
}

const RETRYABLE = ['unreachable', 'unreadable', 'RATE_LIMIT_EXCEEDED', 'SHUTTING_DOWN']

const CHANGED: Fault = {
  code: 'changed',
  message: 'This payment changed while the page was open.',
  hint: 'Look at it again before you decide.',
}

function contradicted(what: string): Fault {
  return {
    code: 'contradiction',
    message: `Not signed: ${what} than this page shows.`,
    hint: 'Do not approve this payment. Reload the page; if it stays, tell the operator of this wallet.',
  }
}

const pick = (transaction: Progress | undefined) => (transaction === undefined ? {} : { transaction })

/** What the owner decides by. The digest behind the short code covers it; the fields are compared, too. */
function asksTheSame(a: ChallengeView, b: ChallengeView): boolean {
  const essence = ({ ownerAddress, approval }: ChallengeView) => {
    const { network, from, effects, maxFee, shortCode, expiresAt, agent } = approval
    return JSON.stringify([ownerAddress, network, from, effects, maxFee, shortCode, expiresAt, agent])
  }
  return essence(a) === essence(b)
}
