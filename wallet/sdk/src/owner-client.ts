import type {
  ChallengeView,
  CommandChallengeView,
  KillSwitchView,
  PolicyChallengeView,
  TransactionView,
} from '@waiaas/core'
import { checkId } from './check-input.ts'
import type { AnswerOf, BodyOf } from './route-types.ts'
import { type ClientOptions, createTransport, type Transport } from './transport.ts'

/** What an owner is asked to sign: a payment or a looser policy with everything to look at, or a command. */
export type Challenge = ChallengeView | PolicyChallengeView | CommandChallengeView

/** A change of the policies, as `POST /v1/owner/challenges` takes it. */
export type PolicyChange = Extract<BodyOf<'challenge'>, { action: 'policy_change' }>['change']

/**
 * The owner's wallet: signs `challenge.message` and answers the signature, 0x hex for EVM, base58 for Solana.
 * The scheme says how: `eip712` is typed data as JSON, `siwe` a text for personal_sign, `solana` a text.
 */
export type OwnerSign = (challenge: Challenge) => Promise<string>

/** Headers that carry an owner's signature beside an operator's credential. */
export type OwnerProof = Readonly<Record<string, string>>

/** What the owner says to transactions that wait, and to the wallet. Every answer is signed; there is no token. */
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
    return (await this.#ask({ action, resourceId: id })) as ChallengeView
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
    const call = { params: { id: challenge.approval.transactionId }, headers: ownerProof(challenge, signature) }
    return challenge.action === 'approve'
      ? await this.#transport.call<'approve'>('post', '/v1/transactions/:id/approve', call)
      : await this.#transport.call<'reject'>('post', '/v1/transactions/:id/reject', call)
  }

  /** Proves the address: from then on the agent is handed over by its owner only. */
  async verify(agentId: string): Promise<AnswerOf<'verifyOwner'>> {
    const params = checkId(agentId)
    const headers = await this.#prove({ action: 'verify', resourceId: params.id })
    return await this.#transport.call<'verifyOwner'>('post', '/v1/agents/:id/owner/verify', { params, headers })
  }

  /** Stops everything, as the owner of this agent. */
  async activateKillSwitch(agentId: string): Promise<KillSwitchView> {
    const headers = await this.#prove({ action: 'kill_switch', resourceId: checkId(agentId).id })
    return await this.#transport.call<'killSwitch'>('post', '/v1/admin/kill-switch', { headers })
  }

  /** The owner's part of a recovery; the operator hands it in. */
  async proveRecovery(agentId: string): Promise<OwnerProof> {
    return await this.#prove({ action: 'recover', resourceId: checkId(agentId).id })
  }

  /** The owner's part of a hand-over to another owner; the operator hands it in. */
  async proveHandOver(agentId: string, newOwner: string): Promise<OwnerProof> {
    return await this.#prove({ action: 'set_owner', resourceId: checkId(agentId).id, newOwner })
  }

  /** Says where everything goes on the chain where the owner's own address is no good. */
  async nameWithdrawAddress(agentId: string, address: string): Promise<AnswerOf<'nameWithdrawAddress'>> {
    const params = checkId(agentId)
    const headers = await this.#prove({ action: 'withdraw_address', resourceId: params.id, address })
    const call = { params, headers, body: { address } }
    return await this.#transport.call<'nameWithdrawAddress'>('put', '/v1/agents/:id/withdraw-address', call)
  }

  /** The owner's part of a looser policy; the operator hands it in with exactly this change. */
  async provePolicyChange(agentId: string, change: PolicyChange): Promise<OwnerProof> {
    return await this.#prove({ action: 'policy_change', resourceId: checkId(agentId).id, change })
  }

  async #ask(body: BodyOf<'challenge'>): Promise<Challenge> {
    return await this.#transport.call<'challenge'>('post', '/v1/owner/challenges', { body })
  }

  async #prove(body: BodyOf<'challenge'>): Promise<OwnerProof> {
    const challenge = await this.#ask(body)
    return ownerProof(challenge, await this.#sign(challenge))
  }
}

/** The headers that carry a signature over a challenge's message. */
export function ownerProof(challenge: Pick<Challenge, 'ownerAddress' | 'message'>, signature: string): OwnerProof {
  return {
    'X-Owner-Address': challenge.ownerAddress,
    'X-Owner-Message': base64url(challenge.message),
    'X-Owner-Signature': signature,
  }
}

function base64url(text: string): string {
  const binary = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}
