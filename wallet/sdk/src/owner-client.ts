import type { ChallengeView, TransactionView } from '@waiaas/core'
import { checkId } from './check-input.ts'
import { type ClientOptions, createTransport, type Transport } from './transport.ts'

/**
 * The owner's wallet: signs `challenge.message` (typed data as JSON for scheme `eip712`, text for `solana`)
 * and answers the signature: 0x hex for EVM, base58 for Solana.
 */
export type OwnerSign = (challenge: ChallengeView) => Promise<string>

/** What the owner says to transactions that wait. Every answer is signed; there is no token. */
export class WAIaaSOwnerClient {
  readonly #transport: Transport
  readonly #sign: OwnerSign

  constructor(options: ClientOptions & { sign: OwnerSign }) {
    this.#transport = createTransport(options, () => ({}))
    this.#sign = options.sign
  }

  /** The message to sign, with everything to look at before. Good for one use within five minutes. */
  async challenge(action: 'approve' | 'reject', transactionId: string): Promise<ChallengeView> {
    const { id } = checkId(transactionId)
    const body = { action, resourceId: id }
    const asked = await this.#transport.call<'challenge'>('post', '/v1/owner/challenges', { body })
    return asked as ChallengeView
  }

  /** Asks, signs and approves. */
  async approve(transactionId: string): Promise<TransactionView> {
    const challenge = await this.challenge('approve', transactionId)
    return await this.answer(challenge, await this.#sign(challenge))
  }

  /** Asks, signs and rejects. */
  async reject(transactionId: string): Promise<TransactionView> {
    const challenge = await this.challenge('reject', transactionId)
    return await this.answer(challenge, await this.#sign(challenge))
  }

  /** Hands in the signature over a challenge's message. */
  async answer(challenge: ChallengeView, signature: string): Promise<TransactionView> {
    const call = {
      params: { id: challenge.approval.transactionId },
      headers: {
        'X-Owner-Address': challenge.ownerAddress,
        'X-Owner-Message': base64url(challenge.message),
        'X-Owner-Signature': signature,
      },
    }
    return challenge.action === 'approve'
      ? await this.#transport.call<'approve'>('post', '/v1/transactions/:id/approve', call)
      : await this.#transport.call<'reject'>('post', '/v1/transactions/:id/reject', call)
  }
}

function base64url(text: string): string {
  const binary = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}
