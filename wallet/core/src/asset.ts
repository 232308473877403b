import { z } from 'zod'
import { NetworkRef } from './network.ts'
import { AddressText } from './requests/parts.ts'

/** A token as the wallet lists it. Symbol and decimals are what its chain said when it was added. */
export const TokenView = z
  .object({
    network: z.string(),
    address: z.string(),
    symbol: z.string(),
    decimals: z.number().int(),
    createdAt: z.number().int(),
  })
  .meta({ id: 'Token' })
export type TokenView = z.infer<typeof TokenView>

/** The body of POST /v1/tokens. What is said of the token must be what its chain says, or it is refused. */
export const AddToken = z.strictObject({
  network: NetworkRef,
  address: AddressText,
  symbol: z.string().min(1).max(32).optional(),
  decimals: z.number().int().min(0).max(255).optional(),
})
export type AddToken = z.infer<typeof AddToken>

/** How much of one asset a wallet has, in base units and in human units. Decimals come from the chain. */
export const HoldingView = z
  .object({
    /** Token contract or mint; absent for the native coin. */
    address: z.string().optional(),
    symbol: z.string(),
    decimals: z.number().int(),
    balance: z.string(),
    /** As wallets show it: of a token whose mint scales amounts, after its multiplier. */
    humanBalance: z.string(),
    multiplier: z.string().optional(),
    unscaledBalance: z.string().optional(),
    /** What the issuer may do to every holder, and how amounts are shown: in words. */
    notes: z.array(z.string()).optional(),
  })
  .meta({ id: 'Holding' })
export type HoldingView = z.infer<typeof HoldingView>

/** What a wallet has on one network: the native coin first, then every token that is listed or that a policy allows. */
export const WalletAssetsView = z
  .object({ network: z.string(), address: z.string(), assets: z.array(HoldingView) })
  .meta({ id: 'WalletAssets' })
export type WalletAssetsView = z.infer<typeof WalletAssetsView>

/** The body of POST /v1/utils/encode-calldata. Whole numbers above 2^53 are given as digits in quotes. */
export const EncodeCalldata = z.strictObject({
  abi: z.array(z.record(z.string(), z.unknown())).min(1).max(500),
  functionName: z.string().min(1).max(256),
  args: z.array(z.unknown()).max(64).default([]),
})
