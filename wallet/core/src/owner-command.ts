import { z } from 'zod'
import { canonicalHash } from './canonical.ts'
import { type ChainFamily, type NetworkName, networkOf } from './network.ts'
import { PolicyChange } from './policy-change.ts'
import { formatSignIn, namesChain, signInText } from './sign-in.ts'

/**
 * What an owner may sign besides payments. `set_owner` hands the agent to another address; `withdraw_address` says
 * where everything goes that lies on a chain where the owner's own address is no good.
 */
export const OwnerCommand = z.enum(['verify', 'kill_switch', 'recover', 'set_owner', 'withdraw_address'])
export type OwnerCommand = z.infer<typeof OwnerCommand>

/** What a signed command says yes to. */
export type OwnerCommandContent = {
  command: OwnerCommand
  agent: { id: string; name: string }
  owner: { address: string; family: ChainFamily; network?: NetworkName }
  /** `set_owner`: who owns the agent then. */
  newOwner?: string
  /** `withdraw_address`: where everything goes that lies on networks of this chain. */
  withdrawTo?: { address: string; chain: ChainFamily }
  /** Host and port of the daemon. */
  domain: string
  /** Unix seconds. */
  issuedAt: number
  expiresAt: number
  /** Single use, at least eight letters and digits. */
  nonce: string
}

/** SHA-256 over what the command does, 64 hex digits. Time and nonce are not part of it. */
export function commandDigest({ command, agent, newOwner, withdrawTo }: OwnerCommandDigest): string {
  return canonicalHash({ command, agentId: agent.id, newOwner, withdrawTo })
}
type OwnerCommandDigest = Pick<OwnerCommandContent, 'command' | 'newOwner' | 'withdrawTo'> & { agent: { id: string } }

/** The text that the owner signs: EIP-4361 for an Ethereum account, the same form for a Solana one. */
export function commandMessage(content: OwnerCommandContent): string {
  const { owner } = content
  const chainId = networkOf(owner.network ?? 'ethereum-mainnet').chainId
  return formatSignIn({
    family: owner.family,
    domain: content.domain,
    address: owner.address,
    statement: signInText(statements[content.command](content)),
    uri: `http://${content.domain}`,
    version: '1',
    ...(namesChain(owner.family) ? { chainId: String(chainId) } : {}),
    nonce: content.nonce,
    issuedAt: new Date(content.issuedAt * 1000).toISOString(),
    expirationTime: new Date(content.expiresAt * 1000).toISOString(),
    requestId: content.agent.id,
    resources: [`urn:waiaas:${content.command}:${commandDigest(content)}`],
  })
}

const statements: Record<OwnerCommand, (content: OwnerCommandContent) => string> = {
  verify: ({ agent }) => `I am the owner of agent ${agent.name}. From now on only I can hand it to another owner.`,
  kill_switch: () => 'Turn the kill switch on: nothing is signed or sent any more, and all sessions end.',
  recover: () => 'Turn the kill switch off again, after the waiting time.',
  withdraw_address: ({ agent, withdrawTo }) =>
    `When agent ${agent.name} is emptied, everything on ${withdrawTo?.chain} networks goes to ${withdrawTo?.address}.`,
  set_owner: ({ agent, newOwner }) => `Hand agent ${agent.name} over to the new owner ${newOwner}.`,
}

/** POST /v1/owner/challenges for everything but payments: what to sign. */
export const CommandChallengeView = z
  .object({
    id: z.uuid(),
    action: OwnerCommand,
    /** The text to sign; exactly what goes back, base64url, in X-Owner-Message. */
    message: z.string(),
    scheme: z.enum(['siwe', 'solana']),
    ownerAddress: z.string(),
    expiresAt: z.number().int(),
  })
  .meta({ id: 'CommandChallenge' })
export type CommandChallengeView = z.infer<typeof CommandChallengeView>

export const CreateChallenge = z.discriminatedUnion('action', [
  z.strictObject({ action: z.enum(['approve', 'reject']), resourceId: z.uuid() }),
  z.strictObject({ action: z.enum(['verify', 'kill_switch', 'recover']), resourceId: z.uuid() }),
  z.strictObject({ action: z.literal('set_owner'), resourceId: z.uuid(), newOwner: z.string().min(1).max(128) }),
  z.strictObject({ action: z.literal('withdraw_address'), resourceId: z.uuid(), address: z.string().min(1).max(128) }),
  /** `resourceId`: the agent whose owner is to sign. */
  z.strictObject({ action: z.literal('policy_change'), resourceId: z.uuid(), change: PolicyChange }),
])
export type CreateChallenge = z.infer<typeof CreateChallenge>
