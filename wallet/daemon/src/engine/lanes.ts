import type { NetworkName, TransactionRequest } from '@waiaas/core'
import type { ChainAdapter } from '../chains/chain-adapter.ts'
import { gapOwner } from '../store/lanes.ts'
import { createLane, type Lane } from './lane.ts'
import { readNumbers } from './numbers.ts'
import type { Context } from './parts.ts'
import { keepSignature, signDraft } from './signature.ts'
import type { Wallet } from './wallet-source.ts'

export type Lanes = {
  of: (network: NetworkName, address: string) => Lane
  /** Closes the gaps of one account, where later numbers wait for them; what does not work is tried again later. */
  repair: (network: NetworkName, wallet: Wallet) => Promise<void>
  /** The same for every account that ever signed here. */
  repairAll: () => Promise<void>
  /** The same for accounts that still need it. */
  repairBroken: () => Promise<void>
}

export function createLanes(context: Context): Lanes {
  const lanes = new Map<string, Lane>()
  const broken = new Map<string, { network: NetworkName; wallet: Wallet }>()
  const of = (network: NetworkName, address: string) => {
    const key = `${network} ${address}`
    const lane =
      lanes.get(key) ?? createLane(() => readNumbers(context, adapterOf(context, network), { network, address }))
    lanes.set(key, lane)
    return lane
  }
  const repair = async (network: NetworkName, wallet: Wallet) => {
    const lane = of(network, wallet.address)
    broken.set(`${network} ${wallet.address}`, { network, wallet })
    for (;;) {
      const answer = await lane.fillGap((sequence, next) => fill(context, { network, wallet, sequence, next }))
      if (answer === 'no gap') broken.delete(`${network} ${wallet.address}`)
      if (answer !== 'filled') return
    }
  }
  return {
    of,
    repair,
    repairBroken: async () => {
      for (const { network, wallet } of [...broken.values()]) await repair(network, wallet)
    },
    repairAll: async () => {
      const known = await context.db
        .selectFrom('lanes')
        .innerJoin('wallets', 'wallets.address', 'lanes.address')
        .selectAll('wallets')
        .select('lanes.network')
        .execute()
      for (const { network, ...wallet } of known) if (context.adapters.has(network)) await repair(network, wallet)
    },
  }
}

/**
 * Uses a number up with a payment of nothing to the account itself, so that the payments behind it can go.
 * It belongs to the transaction whose signature with this number died, or to the first that waits behind it.
 */
async function fill(
  context: Context,
  gap: { network: NetworkName; wallet: Wallet; sequence: bigint; next: bigint },
): Promise<boolean> {
  const { network, wallet, sequence, next } = gap
  const owner = await gapOwner(context.db, network, wallet.address, sequence)
  if (owner === undefined) {
    context.log.error({ network, address: wallet.address, sequence: sequence.toString() }, 'nobody waits for a number')
    return false
  }
  const adapter = adapterOf(context, network)
  const nothing: TransactionRequest = { type: 'TRANSFER', network, to: wallet.address, amount: '0' }
  const drafted = await adapter.draft(nothing, { address: wallet.address, publicKey: wallet.public_key })
  if (!drafted.ok) {
    context.log.warn({ network, address: wallet.address, code: drafted.code }, drafted.message)
    return false
  }
  const signed = await signDraft(context, adapter, wallet, drafted.draft, sequence)
  if (!signed.ok) return false
  const attempt = await context.write((db) =>
    keepSignature(db, context.now(), {
      transactionId: owner,
      network,
      address: wallet.address,
      signed: signed.signed,
      purpose: 'FILL',
      next,
      replaces: null,
    }),
  )
  context.handOvers.note(attempt.id, context.clock.millis())
  const answer = await adapter.broadcast({ ...signed.signed, from: wallet.address })
  if (answer.kind !== 'accepted') context.log.warn({ network, hash: attempt.hash, answer: answer.kind }, answer.message)
  return true
}

function adapterOf(context: Context, network: NetworkName): ChainAdapter {
  const adapter = context.adapters.get(network)
  if (adapter === undefined) throw new Error(`not connected to ${network}`)
  return adapter
}
