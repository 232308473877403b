import type { ChallengeView } from '@waiaas/core'
import type { Result } from '../api.ts'

/** What there is to sign, and by whom. */
export type ToSign = Pick<ChallengeView, 'scheme' | 'message' | 'ownerAddress'>

/** Something in this browser that holds the owner's key and can sign. */
export type OwnerWallet = {
  id: string
  name: string
  /** A data: address, as wallets announce it. */
  icon?: string
  scheme: ChallengeView['scheme']
  /** Signs without a person; for networks whose money is worth nothing. */
  isPlayMoney: boolean
  /** The signature over `challenge.message` by `challenge.ownerAddress`, in the daemon's form. */
  sign: (challenge: ToSign) => Promise<Result<string>>
}

/** The owner's account is not among those that the wallet gives this page. */
export function wrongAccount(walletName: string, connected: readonly string[], needed: string): Result<never> {
  const found = connected.length === 0 ? 'no account' : connected.join(', ')
  return {
    ok: false,
    fault: {
      code: 'wrong_account',
      message: `${walletName} is connected with ${found}.`,
      hint: `This needs the owner ${needed}. Choose that account in ${walletName}, then try again.`,
    },
  }
}

/** What a wallet threw. EIP-1193 code 4001: the person declined. */
export function walletFault(walletName: string, error: unknown): Result<never> {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  if (code === 4001 || /reject|declin|denied|cancel/i.test(`${message}`)) {
    return { ok: false, fault: { code: 'declined', message: `You declined in ${walletName}. Nothing was sent.` } }
  }
  if (code === -32002) {
    const hint = 'Open the wallet and answer what it asks, then try again.'
    return { ok: false, fault: { code: 'busy', message: `${walletName} is waiting for you already.`, hint } }
  }
  const words = typeof message === 'string' ? message.slice(0, 200) : 'no reason given'
  return { ok: false, fault: { code: 'wallet_failed', message: `${walletName} could not sign: ${words}` } }
}
