import { systemTimers } from '@openpista/common'
import { type ChainAdapter, FEE_HEADROOM_PERCENT, type ServedNetwork } from './chain-adapter.ts'
import { httpExchange } from './exchange.ts'
import { createAdapters } from './index.ts'
import type { Transport } from './json-rpc.ts'

/** Sockets and timers of this machine. */
export const systemTransport: Transport = { exchange: httpExchange, timers: systemTimers }

/** Adapters as the daemon makes them, for nodes on this machine. */
export function testAdapters(config: readonly ServedNetwork[]): ChainAdapter[] {
  return createAdapters(config, { ...systemTransport, feeHeadroomPercent: FEE_HEADROOM_PERCENT })
}
