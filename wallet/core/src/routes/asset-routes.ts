import { z } from 'zod'
import { AddToken, EncodeCalldata, TokenView, WalletAssetsView } from '../asset.ts'
import { NetworkRef } from '../network.ts'
import type { Route } from '../route.ts'
import { created, list, ok } from './parts.ts'

/** What wallets have, the tokens they look for, and how a call of a contract is written. */
export const assetRoutes = {
  walletAssets: {
    method: 'get',
    path: '/v1/wallet/assets',
    authentication: ['session'],
    tag: 'wallet',
    summary: 'Balances of the native coin and of every listed or allowed token on a network',
    query: z.object({ network: NetworkRef.optional() }),
    responses: ok(WalletAssetsView),
    errors: ['CHAIN_ERROR', 'CHAIN_NOT_SUPPORTED', 'ENVIRONMENT_NETWORK_MISMATCH'],
  },
  listTokens: {
    method: 'get',
    path: '/v1/tokens',
    authentication: ['session', 'master'],
    tag: 'wallet',
    summary: 'Tokens whose balances wallets show',
    query: z.object({ network: NetworkRef.optional() }),
    responses: ok(list(TokenView)),
    errors: [],
  },
  addToken: {
    method: 'post',
    path: '/v1/tokens',
    authentication: ['master'],
    tag: 'wallet',
    summary: 'List a token, with the symbol and decimals that its chain tells; allows nothing by itself',
    body: AddToken,
    responses: created(TokenView),
    errors: [
      'INVALID_ADDRESS',
      'TOKEN_NOT_FOUND',
      'SIMULATION_FAILED',
      'CHAIN_ERROR',
      'CHAIN_NOT_SUPPORTED',
      'ENVIRONMENT_NETWORK_MISMATCH',
    ],
  },
  removeToken: {
    method: 'delete',
    path: '/v1/tokens',
    authentication: ['master'],
    tag: 'wallet',
    summary: 'Take a token off the list',
    query: z.object({ network: NetworkRef, address: z.string().min(1).max(128) }),
    responses: ok(z.object({ ok: z.literal(true) })),
    errors: ['INVALID_ADDRESS', 'TOKEN_NOT_FOUND'],
  },
  encodeCalldata: {
    method: 'post',
    path: '/v1/utils/encode-calldata',
    authentication: ['session', 'master'],
    tag: 'transactions',
    summary: 'Calldata for a function of an ABI',
    body: EncodeCalldata,
    responses: ok(z.object({ calldata: z.string(), selector: z.string() })),
    errors: ['ABI_ENCODING_FAILED'],
  },
} as const satisfies Record<string, Route>
