import { setTimeout } from 'node:timers/promises'
import type { WAIaaSClient } from '@waiaas/sdk'
import { PATIENCE_MILLIS, within } from '../load.ts'

type Listing = Pick<WAIaaSClient, 'listTransactions'>
type Payment = Awaited<ReturnType<WAIaaSClient['listTransactions']>>['items'][number]

const POLL_MILLIS = 50
/** A payment in one of these will never be confirmed. */
const ENDS: readonly string[] = ['FAILED', 'CANCELLED', 'EXPIRED']

/**
 * Waits until the newest 100 payments of an agent are confirmed: those that were only answered go on afterwards, and
 * would slow down what is measured next.
 *
 * @throws Error with each open payment, its status and its notice, when one has failed or `millis` have passed.
 */
export async function allConfirmed(client: Listing, millis = PATIENCE_MILLIS): Promise<void> {
  let open: Payment[] = []
  const describe = () => `${open.length} payments:\n${open.map(line).join('\n')}`
  await within(millis, describe, async (signal) => {
    while (!signal.aborted) {
      const { items } = await client.listTransactions({ limit: 100 })
      open = items.filter(({ status }) => status !== 'CONFIRMED')
      const failed = open.filter(({ status }) => ENDS.includes(status))
      if (failed.length > 0) throw new Error(`${failed.length} payments failed:\n${failed.map(line).join('\n')}`)
      if (open.length === 0) return
      await setTimeout(POLL_MILLIS)
    }
  })
}

function line({ id, status, notice, error, hash }: Payment): string {
  const reason = notice ?? error
  return `  ${id} ${status} ${hash ?? 'without a hash'} ${reason === undefined ? '' : JSON.stringify(reason)}`
}
