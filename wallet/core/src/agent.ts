import { z } from 'zod'
import { NetworkRef } from './network.ts'
import { SessionConstraints } from './session-constraints.ts'
import { TransactionView } from './transaction.ts'

export const AgentStatus = z.enum(['ACTIVE', 'SUSPENDED', 'TERMINATED'])
export type AgentStatus = z.infer<typeof AgentStatus>

/** NONE: no owner address. GRACE: registered, never signed. LOCKED: has signed; only the owner can change it. */
export const OwnerState = z.enum(['NONE', 'GRACE', 'LOCKED'])
export type OwnerState = z.infer<typeof OwnerState>

export const WalletView = z
  .object({
    id: z.uuid(),
    chain: z.enum(['evm', 'solana']),
    address: z.string(),
    publicKey: z.string(),
    networks: z.array(z.string()),
  })
  .meta({ id: 'Wallet' })
export type WalletView = z.infer<typeof WalletView>

export const AgentView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    status: AgentStatus,
    ownerAddress: z.string().optional(),
    ownerState: OwnerState,
    /** Where the owner is a contract: its network. */
    ownerNetwork: z.string().optional(),
    defaultNetwork: z.string(),
    wallets: z.array(WalletView),
    /** Of the default wallet, for readers of the first version. */
    chain: z.string(),
    network: z.string(),
    publicKey: z.string(),
    createdAt: z.number().int(),
    updatedAt: z.number().int(),
  })
  .meta({ id: 'Agent' })
export type AgentView = z.infer<typeof AgentView>

const Name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}\p{Cf}\u2028\u2029]*$/u, 'must be one line of visible characters')

/** An address, or the CAIP-10 account (`eip155:8453:0x…`) of an owner that is a contract. */
const OwnerText = z.string().min(1).max(128)

export const CreateAgent = z.strictObject({
  name: Name,
  /** Chains to make a key for; the first one's network is the default. */
  chains: z
    .array(z.enum(['evm', 'solana']))
    .min(1)
    .max(2)
    .default(['evm', 'solana']),
  defaultNetwork: NetworkRef.optional(),
  ownerAddress: OwnerText.optional(),
})

/** The body of POST /v1/agents/:id/wallets: the chain to make a key on. */
export const AddWallet = z.strictObject({ chain: z.enum(['evm', 'solana']) })

export const UpdateAgent = z.strictObject({ name: Name })

export const SetOwner = z.strictObject({ ownerAddress: OwnerText })

/** Of a key on the chain where the owner's own address is no good. */
export const NameWithdrawAddress = z.strictObject({ address: z.string().min(1).max(128) })

export const CreateSession = z.strictObject({
  agentId: z.uuid(),
  /** Lifetime in seconds. */
  ttl: z.number().int().min(300).max(604_800).default(86_400),
  constraints: SessionConstraints.default({}),
})

export const SessionView = z
  .object({
    id: z.uuid(),
    agentId: z.uuid(),
    status: z.enum(['ACTIVE', 'EXPIRED', 'REVOKED']),
    renewalCount: z.number().int(),
    maxRenewals: z.number().int(),
    expiresAt: z.number().int(),
    absoluteExpiresAt: z.number().int(),
    createdAt: z.number().int(),
    /** As given, in their full form. */
    constraints: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Session' })
export type SessionView = z.infer<typeof SessionView>

/** POST /v1/agents/:id/withdraw: what goes home, and what stays and why. */
export const WithdrawView = z
  .object({
    /** What is on its way, or arrived. */
    items: z.array(TransactionView),
    /** What was not sent, whole networks or one asset; ask again later for what could not be told. */
    skipped: z.array(
      z.object({ network: z.string(), asset: z.string().optional(), symbol: z.string().optional(), why: z.string() }),
    ),
    /** What lies there now, on networks where everything that was sent has come to its end. */
    left: z.array(
      z.object({
        network: z.string(),
        address: z.string().optional(),
        symbol: z.string(),
        balance: z.string(),
        humanBalance: z.string(),
      }),
    ),
  })
  .meta({ id: 'Withdraw' })
export type WithdrawView = z.infer<typeof WithdrawView>
