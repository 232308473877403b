import { newId } from '@openpista/common'
import { canonicalHash, type Json, type NetworkName, type TransactionRequest } from '@waiaas/core'
import type { ChainAdapter } from '../chains/chain-adapter.ts'
import { insertTransaction, type TransactionRow } from '../store/transactions.ts'
import { newRow, walletOn } from './accept.ts'
import { fault } from './fault.ts'
import { agentOf, spendingFault } from './judge.ts'
import type { Context } from './parts.ts'
import type { Wallet } from './signature.ts'

/** How much of the native coin can leave a wallet; `empty` where the rest does not pay for its own transfer. */
export type Sweepable =
  | { kind: 'amount'; amount: bigint }
  | { kind: 'empty'; left: bigint }
  | { kind: 'unknown'; message: string }

export type Sweeps = {
  /** What a sweep of the native coin to `to` would move now. */
  sweepable: (agentId: string, network: NetworkName, to: string) => Promise<Sweepable>
  /** Stores a payment of everything to the owner; no policy is asked. @throws AppError SYSTEM_LOCKED, AGENT_TERMINATED. */
  sweep: (agentId: string, network: NetworkName, to: string, amount: bigint) => Promise<TransactionRow>
}

export function createSweeps(context: Context): Sweeps {
  return {
    sweepable: async (agentId, network, to) => {
      const adapter = context.adapters.get(network)
      if (adapter === undefined) return { kind: 'unknown', message: `This daemon is not connected to ${network}.` }
      return await measure(adapter, await walletOn(context.db, agentId, network), to)
    },
    sweep: async (agentId, network, to, amount) => {
      const request: TransactionRequest = { type: 'TRANSFER', network, to, amount: amount.toString() }
      return await context.write(async (db) => {
        const agent = await agentOf(db, agentId)
        const refusal = await spendingFault(db, agent, 'owner-sweep')
        if (refusal !== undefined) throw refusal
        if (agent.owner_address !== to) throw fault('WITHDRAW_LOCKED_ONLY', 'The owner has changed meanwhile.')
        const row = await newRow(context, db, { agent, sessionId: null, request })
        const stored: TransactionRow = {
          ...row,
          origin: 'owner-sweep',
          idempotency_key: `owner-sweep ${newId()}`,
          fingerprint: canonicalHash(request as Json),
        }
        const event = { type: 'TX_REQUESTED', actor: 'owner-sweep', data: { request: request as Json } }
        await insertTransaction(db, stored, event)
        return stored
      })
    },
  }
}

/** Drafts with half of the balance to learn the fee, then with all that is left of it. */
async function measure(adapter: ChainAdapter, wallet: Wallet, to: string): Promise<Sweepable> {
  const asked = await adapter.balance(wallet.address)
  if (!asked.ok) return { kind: 'unknown', message: asked.message }
  const balance = asked.amount
  if (balance === 0n) return { kind: 'empty', left: 0n }
  const draft = (amount: bigint) =>
    adapter.draft(
      { type: 'TRANSFER', network: adapter.network.name, to, amount: amount.toString() },
      { address: wallet.address, publicKey: wallet.public_key },
    )
  const trial = await draft(balance / 2n)
  if (!trial.ok) return trial.code === 'CHAIN_ERROR' ? unknown(trial.message) : { kind: 'empty', left: balance }
  const most = balance - trial.draft.maxFee
  for (const amount of [most, most - (adapter.leastRemainder ?? 0n)]) {
    if (amount <= 0n) break
    const drafted = await draft(amount)
    if (drafted.ok) return { kind: 'amount', amount }
    if (drafted.code === 'CHAIN_ERROR') return unknown(drafted.message)
  }
  return { kind: 'empty', left: balance }
}

function unknown(message: string): Sweepable {
  return { kind: 'unknown', message }
}
