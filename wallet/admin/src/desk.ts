import type { ChallengeView, TransactionStatus } from '@waiaas/core'
import type { Api, Fault, OwnerAction } from './api.ts'
import { findContradiction } from './check-message.ts'
import type { OwnerWallet } from './owner-wallets/owner-wallet.ts'
import type { Progress } from './progress.ts'

/** Where the owner's decision stands. */
export type Desk =
  | { step: 'loading' }
  /** There is nothing to decide here. */
  | { step: 'closed'; fault: Fault }
  /** `fault`: why the last try did not go through. */
  | { step: 'asking'; challenge: ChallengeView; fault: Fault | undefined }
  | { step: 'signing'; challenge: ChallengeView; action: OwnerAction; walletName: string }
  | { step: 'sending'; challenge: ChallengeView; action: OwnerAction }
  | ({ step: 'decided'; challenge: ChallengeView | undefined; progress: Progress; lost: Lost | undefined } & Decided)

/** What the owner did on this page. Both are undefined where somebody else decided, or the page was opened again. */
export type Decided = {
  /** An answer that the daemon accepted. */
  action: OwnerAction | undefined
  /** Why the daemon did not accept the owner's answer. */
  refusal: Fault | undefined
}

/** The daemon no longer says where the transaction is. */
export type Lost = { fault: Fault; lastSeen: number }

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
/** Seconds between two looks at a transaction that is not over; the last one repeats. */
const LOOKS = [1, 1, 2, 2, 3, 5, 5, 10, 10, 15, 15, 30, 30]
const LAST_LOOK = 60
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
  const close = async (fault: Fault, decided: Decided = UNDECIDED) => {
    if (fault.transaction === undefined) return onChange({ step: 'closed', fault })
    await follow(fault.transaction, decided)
  }
  /** Shows where the transaction is, now and with every change until its end, or until the owner is asked once more. */
  const follow = async (first: Progress, decided: Decided) => {
    let progress = first
    let lastSeen = parts.now()
    const show = (lost?: Lost) => onChange({ step: 'decided', challenge: shown, progress, lost, ...decided })
    show()
    for (let look = 0; !FINAL.includes(progress.status); look += 1) {
      await parts.wait((LOOKS[look] ?? LAST_LOOK) * 1000)
      const answer = await api.challenge('approve', transactionId)
      if (answer.ok) return ask(answer.value, ASKED_AGAIN)
      const { fault } = answer
      if (fault.transaction !== undefined) {
        progress = fault.transaction
        lastSeen = parts.now()
        show()
      } else if (RETRYABLE.includes(fault.code)) {
        show({ fault, lastSeen })
      } else {
        return onChange({ step: 'closed', fault })
      }
    }
  }
  /** The question to sign: the one on the screen while it is fresh, else a new one that asks the same. */
  const question = async (action: OwnerAction): Promise<ChallengeView | undefined> => {
    const current = shown
    if (current === undefined) return undefined
    if (current.action === action && current.expiresAt - parts.now() > MARGIN_SECONDS) return current
    const answer = await api.challenge(action, transactionId)
    if (!answer.ok) {
      if (RETRYABLE.includes(answer.fault.code)) ask(current, answer.fault)
      else await close(answer.fault)
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
    if (answer.ok) return follow(answer.value, { action, refusal: undefined })
    const { fault } = answer
    const renewed = await api.challenge('approve', transactionId)
    if (renewed.ok) return ask(renewed.value, fault)
    // Without a response of the daemon, the owner's answer may have arrived all the same.
    const refusal = UNHEARD.includes(fault.code) ? undefined : fault
    const { transaction } = renewed.fault
    await close({ ...(refusal ?? renewed.fault), ...pick(transaction) }, { action: undefined, refusal })
  }

  return {
    load: async () => {
      onChange({ step: 'loading' })
      const answer = await api.challenge('approve', transactionId)
      if (answer.ok) ask(answer.value)
      else await close(answer.fault)
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

const UNHEARD = ['unreachable', 'unreadable']
const RETRYABLE = [...UNHEARD, 'RATE_LIMIT_EXCEEDED', 'SHUTTING_DOWN']
const UNDECIDED: Decided = { action: undefined, refusal: undefined }

const ASKED_AGAIN: Fault = {
  code: 'asked_again',
  message: 'This payment needs your decision once more.',
  hint: 'The wallet checked it again before it was signed. Nothing was paid so far.',
}

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
