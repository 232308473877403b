import type { Store } from '../store/store.ts'
import type { PaymentOrigin, PaymentStore } from './payments.ts'

const LAST_SEQ = 'payment.seq'

/** Keeps what the relay remembers among the settings of the agent's database. */
export function createPaymentStore(store: Pick<Store, 'db' | 'write'>): PaymentStore {
  const read = async (key: string) => {
    const row = await store.db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst()
    return row?.value
  }
  const put = async (key: string, value: string) => {
    await store.write((transaction) =>
      transaction
        .insertInto('settings')
        .values({ key, value })
        .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
        .execute(),
    )
  }
  return {
    saveOrigin: (transactionId, origin) => put(`payment.origin.${transactionId}`, JSON.stringify(origin)),
    origin: async (transactionId) => {
      const value = await read(`payment.origin.${transactionId}`)
      return value === undefined ? undefined : (JSON.parse(value) as PaymentOrigin)
    },
    lastSeq: async () => {
      const value = await read(LAST_SEQ)
      return value === undefined ? undefined : Number(value)
    },
    saveLastSeq: (seq) => put(LAST_SEQ, String(seq)),
    mark: (what) => put(`payment.mark.${what}`, ''),
    isMarked: async (what) => (await read(`payment.mark.${what}`)) !== undefined,
  }
}
