import type { NetworkName, TransactionRequest } from '@waiaas/core'
import type { ChainAdapter } from '../chains/chain-adapter.ts'
import { anyInBlock, waitsBehind } from '../store/lanes.ts'
import { reserve } from '../store/ledger.ts'
import { insertTransaction, type TransactionRow } from '../store/transactions.ts'
import { newRow } from './accept.ts'
import { broadcast } from './broadcast.ts'
import { agentOf, nativeAsset } from './judge.ts'
import { createLane, type Lane } from './lane.ts'
import { type NumbersMemory, readNumbers } from './numbers.ts'
import type { Context } from './parts.ts'
import { keepSignature, signDraft } from './signature.ts'
import { draftColumns } from './stored-draft.ts'
import type { Wallet } from './wallet-source.ts'

export type Lanes = {
  of: (network: NetworkName, address: string) => Lane
  /** Reads where every account stands that ever signed here, and says where that contradicts what is stored. */
  readAll: () => Promise<void>
  /** Looks for numbers that nobody uses, and closes those that keep later ones waiting. */
  repairAll: () => Promise<void>
}

/** A number that nobody seems to use is filled when it has been so for this long. */
const GAP_PATIENCE_MS = 60_000
/** How often an account with something out is looked at for such numbers, while none is known. */
const GAP_LOOK_MS = 15_000

export function createLanes(context: Context): Lanes {
  const lanes = new Map<string, Lane>()
  /** Since when an account has a number that nobody uses, monotonic ms. */
  const gapSince = new Map<string, number>()
  /** When an account was last looked at for such a number, monotonic ms. */
  const lastLook = new Map<string, number>()
  const of = (network: NetworkName, address: string) => {
    const key = `${network} ${address}`
    const known = lanes.get(key)
    if (known !== undefined) return known
    const adapter = adapterOf(context, network)
    const memory: NumbersMemory = { isRead: false, foreignSince: undefined }
    const lane = createLane({
      numbers: () => readNumbers(context, adapter, { network, address }, memory),
      funds: (which) => adapter.funds!(address, which),
      inBlocks: (sequences) => anyInBlock(context.db, network, address, sequences),
    })
    lanes.set(key, lane)
    return lane
  }
  const repair = async (network: NetworkName, wallet: Wallet) => {
    const key = `${network} ${wallet.address}`
    const now = context.timers.monotonic()
    const isSeen = now - (lastLook.get(key) ?? Number.NEGATIVE_INFINITY) < GAP_LOOK_MS
    if (isSeen && !gapSince.has(key)) return
    lastLook.set(key, now)
    const lane = of(network, wallet.address)
    lane.doubt()
    for (;;) {
      const answer = await lane.fillGap(async (sequence, next) => {
        if (!(await waitsBehind(context.db, network, wallet.address, sequence))) return false
        const since = gapSince.get(key) ?? context.timers.monotonic()
        gapSince.set(key, since)
        if (context.timers.monotonic() - since < GAP_PATIENCE_MS) return false
        return await fill(context, { network, wallet, sequence, next })
      })
      if (answer === 'no gap') gapSince.delete(key)
      if (answer !== 'filled') return
    }
  }
  return {
    of,
    readAll: async () => {
      const known = await context.db.selectFrom('lanes').select(['network', 'address']).execute()
      for (const { network, address } of known) {
        if (context.adapters.get(network)?.sequence !== undefined) await of(network, address).fillGap(async () => false)
      }
    },
    repairAll: async () => {
      // Only accounts with something out can have somebody waiting behind a gap.
      const open = await context.db
        .selectFrom('attempts')
        .innerJoin('wallets', 'wallets.address', 'attempts.address')
        .selectAll('wallets')
        .select('attempts.network')
        .distinct()
        .where('attempts.state', '=', 'LIVE')
        .where('attempts.purpose', '<>', 'OUTSIDE')
        .where('attempts.sequence', 'is not', null)
        .execute()
      for (const { network, ...wallet } of open) {
        if (context.adapters.has(network) && !context.lock.locked()) await repair(network, wallet)
      }
    },
  }
}

/**
 * Uses a number up with a payment of nothing to the account itself, so that the payments behind it can go. It is a
 * transaction of the daemon, whose fee counts against the limits of the agent.
 */
async function fill(
  context: Context,
  gap: { network: NetworkName; wallet: Wallet; sequence: bigint; next: bigint },
): Promise<boolean> {
  const { network, wallet, sequence, next } = gap
  const adapter = adapterOf(context, network)
  const drafted = await adapter.filler!({ address: wallet.address, publicKey: wallet.public_key })
  if (!drafted.ok) {
    context.log.warn({ network, address: wallet.address, code: drafted.code }, drafted.message)
    return false
  }
  const { draft } = drafted
  const made = await signDraft(context, adapter, wallet, draft, sequence)
  if (!made.ok) return false
  const { signed } = made
  const request: TransactionRequest = { type: 'TRANSFER', network, to: wallet.address, amount: '0' }
  const id = context.newId()
  const kept = await context.write(async (db) => {
    const now = context.now()
    const agent = await agentOf(db, wallet.agent_id)
    const blank = await newRow(context, db, { id, agent, sessionId: null, request })
    const row: TransactionRow = {
      ...blank,
      ...draftColumns(draft),
      type: 'FILL',
      origin: 'daemon',
      idempotency_key: null,
      fingerprint: '',
      status: 'SUBMITTED',
      outcome_unknown: 1,
      tier: 'INSTANT',
      reasons: JSON.stringify([{ rule: 'FILL', tier: 'INSTANT', message: 'Nobody uses this number of the account.' }]),
      hash: signed.hash,
    }
    const data = { hash: signed.hash, sequence: sequence.toString() }
    await insertTransaction(db, row, { type: 'TX_SEQUENCE_FILLED', actor: 'daemon', data })
    const fee = { kind: 'fee' as const, asset: nativeAsset(network), amount: draft.maxFee, usdMicros: undefined }
    await reserve(db, { transactionId: id, agentId: wallet.agent_id, sessionId: null, at: now }, [fee])
    const attempt = await keepSignature(
      db,
      { id: context.newId(), now },
      {
        transactionId: id,
        network,
        address: wallet.address,
        signed,
        purpose: 'CANCEL',
        next,
        replaces: null,
      },
    )
    return { row, attempt }
  })
  await broadcast(context, adapter, kept.attempt, kept.row)
  return true
}

function adapterOf(context: Context, network: NetworkName): ChainAdapter {
  const adapter = context.adapters.get(network)
  if (adapter === undefined) throw new Error(`not connected to ${network}`)
  return adapter
}
