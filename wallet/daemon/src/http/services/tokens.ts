import { type Clock, immediate } from '@openpista/common'
import { type AddToken, type NetworkName, networkOf, parseAddress, type TokenView } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { ChainAdapter } from '../../chains/chain-adapter.ts'
import { appendEvent } from '../../store/events.ts'
import type { Tables } from '../../store/tables.ts'
import { deleteToken, insertToken, listedTokens, type TokenRow } from '../../store/tokens.ts'
import { fail } from '../fail.ts'

/** The list of tokens whose balances wallets show. Being listed allows no payment. */
export type Tokens = {
  list: (network: NetworkName | undefined) => Promise<TokenView[]>
  /** Asks the chain what the token is. @throws AppError INVALID_ADDRESS, TOKEN_NOT_FOUND, VALIDATION_FAILED, CHAIN_ERROR. */
  add: (token: AddToken) => Promise<TokenView>
  /** @throws AppError INVALID_ADDRESS, TOKEN_NOT_FOUND. */
  remove: (network: NetworkName, address: string) => Promise<void>
}

export function createTokens(parts: {
  db: Kysely<Tables>
  clock: Clock
  /** The adapter of a network that this daemon serves. @throws AppError. */
  adapterOn: (network: NetworkName) => Pick<ChainAdapter, 'token'>
}): Tokens {
  const { db, clock, adapterOn } = parts
  return {
    list: async (network) => (await listedTokens(db, network)).map(tokenView),
    add: async ({ network, ...declared }) => {
      const found = await adapterOn(network).token(declared)
      if (!found.ok) throw fail(found.code, found.message)
      const { address, symbol, decimals } = found.token
      const row = { network, address, symbol, decimals, created_at: clock.seconds() }
      return await immediate(db, async (transaction) => {
        const listed = await insertToken(transaction, row)
        const data = { network, address, symbol, decimals }
        if (listed.fresh) await appendEvent(transaction, row.created_at, { type: 'TOKEN_ADDED', actor: 'admin', data })
        return tokenView(listed.row)
      })
    },
    remove: async (network, text) => {
      const address = parseAddress(networkOf(network).family, text)
      if (!address.ok) throw fail('INVALID_ADDRESS', `${text} is not a valid address on ${network}: ${address.fault}.`)
      await immediate(db, async (transaction) => {
        if (!(await deleteToken(transaction, network, address.address))) {
          throw fail('TOKEN_NOT_FOUND', `${address.address} is not listed on ${network}.`)
        }
        const data = { network, address: address.address }
        await appendEvent(transaction, clock.seconds(), { type: 'TOKEN_REMOVED', actor: 'admin', data })
      })
    },
  }
}

function tokenView({ created_at, ...row }: TokenRow): TokenView {
  return { ...row, createdAt: created_at }
}
