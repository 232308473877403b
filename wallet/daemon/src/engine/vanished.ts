import type { ChainAdapter } from '../chains/chain-adapter.ts'
import { type AttemptRow, forgetBlocks, newestFinal } from '../store/attempts.ts'
import { readSetting, writeSetting } from '../store/settings.ts'
import type { TransactionRow } from '../store/transactions.ts'
import { bookVanished } from './book.ts'
import type { Lanes } from './lanes.ts'
import type { Context } from './parts.ts'

export type Vanished = {
  /** On a chain of one's own: opens again what was paid in blocks that counted as final and are gone. */
  reopen: (adapter: ChainAdapter) => Promise<void>
}

/** How many final signatures are looked at where the newest of them has vanished. */
const MOST = 200

/**
 * A chain of one's own may be taken back beyond what counted as final. Where it was reset instead, what was paid
 * on the one before stays as it is.
 */
export function createVanished(context: Context, lanes: Lanes): Vanished {
  return {
    reopen: async (adapter) => {
      if (!adapter.startsAnew || adapter.standing === undefined) return
      const { name } = adapter.network
      const [newest] = await newestFinal(context.db, name, 1)
      if (newest === undefined) return
      const [first] = await look(adapter, [newest])
      if (first === undefined) return
      const key = `chain.genesis.${name}`
      const known = await readSetting(context.db, key)
      if (known !== first.genesis) {
        await context.write(async (db) => {
          await writeSetting(db, key, first.genesis)
          if (known !== undefined) await forgetBlocks(db, name)
        })
      }
      if (first.stands || (known !== undefined && known !== first.genesis)) return
      const gone = (await look(adapter, await newestFinal(context.db, name, MOST))).filter(({ stands }) => !stands)
      const changed = await context.write(async (db) => {
        const rows: TransactionRow[] = []
        for (const { attempt } of gone) rows.push(...(await bookVanished(context, db, attempt)))
        return rows
      })
      for (const { attempt } of gone) {
        if (attempt.sequence !== null) lanes.of(name, attempt.address).doubt()
      }
      for (const row of changed) context.changes.changed(row)
    },
  }
}

type Look = { attempt: AttemptRow; stands: boolean; genesis: string }

/** Nothing where the node does not tell. */
async function look(adapter: ChainAdapter, attempts: readonly AttemptRow[]): Promise<Look[]> {
  const blocks = attempts.map((each) => ({ number: BigInt(each.block_number!), hash: each.block_hash! }))
  const asked = await adapter.standing!(blocks)
  if (!asked.ok) return []
  return attempts.map((attempt, index) => ({ attempt, stands: asked.standing[index]!, genesis: asked.genesis }))
}
