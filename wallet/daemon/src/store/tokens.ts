import type { NetworkName } from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import type { Tables } from './tables.ts'

export type TokenRow = Selectable<Tables['tokens']>

/** Listed tokens, of one network or of all. */
export async function listedTokens(db: Kysely<Tables>, network?: NetworkName): Promise<TokenRow[]> {
  const query = db.selectFrom('tokens').selectAll().orderBy('network').orderBy('address')
  return await (network === undefined ? query : query.where('network', '=', network)).execute()
}

/** Lists a token, or answers the row that lists it. `fresh`: it was not listed before. */
export async function insertToken(db: Kysely<Tables>, row: TokenRow): Promise<{ fresh: boolean; row: TokenRow }> {
  const { network, address } = row
  const known = await db
    .selectFrom('tokens')
    .selectAll()
    .where('network', '=', network)
    .where('address', '=', address)
    .executeTakeFirst()
  if (known !== undefined) return { fresh: false, row: known }
  await db.insertInto('tokens').values(row).execute()
  return { fresh: true, row }
}

/** False where it was not listed. */
export async function deleteToken(db: Kysely<Tables>, network: NetworkName, address: string): Promise<boolean> {
  const gone = await db
    .deleteFrom('tokens')
    .where('network', '=', network)
    .where('address', '=', address)
    .executeTakeFirst()
  return gone.numDeletedRows > 0n
}
