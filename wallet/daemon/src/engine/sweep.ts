import {
  canonicalHash,
  type Json,
  type NetworkName,
  namedTokens,
  policiesInForce,
  type TransactionRequest,
} from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Account, ChainAdapter } from '../chains/chain-adapter.ts'
import { tokensSpent } from '../store/ledger.ts'
import { homeOf } from '../store/owners.ts'
import { policiesOf } from '../store/policies.ts'
import type { Tables } from '../store/tables.ts'
import { listedTokens } from '../store/tokens.ts'
import { insertTransaction, openSweep, type TransactionRow } from '../store/transactions.ts'
import { newRow, walletOn } from './accept.ts'
import { fault } from './fault.ts'
import { agentOf, spendingFault } from './judge.ts'
import type { Context } from './parts.ts'

/** How much of the native coin can leave a wallet; `empty` where the rest does not pay for its own transfer. */
export type Sweepable =
  | { kind: 'amount'; amount: bigint }
  | { kind: 'empty'; left: bigint }
  | { kind: 'unknown'; message: string }

type Holding = Extract<Awaited<ReturnType<ChainAdapter['holdings']>>, { ok: true }>['holdings'][number]

/** A token that a wallet has: the request that moves all of it, or why it cannot be moved. */
export type SweepableToken = Holding & ({ request: TransactionRequest } | { why: string })

/** One payment home. There is never more than one of `what` on its way from a wallet. */
export type Sweep = {
  agentId: string
  network: NetworkName
  to: string
  /** The asset, or the account that is emptied. */
  what: string
  request: TransactionRequest
}

export type Sweeps = {
  /** What a sweep of the native coin to `to` would move now. */
  sweepable: (agentId: string, network: NetworkName, to: string) => Promise<Sweepable>
  /**
   * Every token that the wallet has some of, and how to move it to `to`. What strangers gave it unasked is told and
   * not moved: their tokens would cost more than they are worth.
   */
  sweepableTokens: (
    agentId: string,
    network: NetworkName,
    to: string,
  ) => Promise<{ ok: true; tokens: SweepableToken[] } | { ok: false; message: string }>
  /** What takes the deposits of empty token accounts back; undefined where there are none. */
  closable: (agentId: string, network: NetworkName) => Promise<TransactionRequest | undefined>
  /**
   * Stores a payment of everything to the owner; no policy is asked. The one that is on its way already, if there is.
   *
   * @throws AppError SYSTEM_LOCKED, WITHDRAW_LOCKED_ONLY.
   */
  sweep: (sweep: Sweep) => Promise<TransactionRow>
}

export function createSweeps(context: Context): Sweeps {
  const unserved = (network: NetworkName) => `This daemon is not connected to ${network}.`
  return {
    sweepable: async (agentId, network, to) => {
      const adapter = context.adapters.get(network)
      if (adapter === undefined) return { kind: 'unknown', message: unserved(network) }
      return await measure(adapter, accountOf(await walletOn(context.db, agentId, network)), to)
    },
    sweepableTokens: async (agentId, network, to) => {
      const adapter = context.adapters.get(network)
      if (adapter === undefined) return { ok: false, message: unserved(network) }
      const account = accountOf(await walletOn(context.db, agentId, network))
      const held = await holdingsOf(context.db, adapter, agentId, account)
      if (!held.ok) return held
      const tokens: SweepableToken[] = []
      for (const holding of held.holdings.filter(({ amount }) => amount > 0n)) {
        const found = held.known.has(holding.address) ? await wayHome(adapter, account, holding, to) : UNKNOWN_TOKEN
        if ('unanswered' in found) return { ok: false, message: found.unanswered }
        tokens.push({ ...holding, ...found })
      }
      return { ok: true, tokens }
    },
    closable: async (agentId, network) => {
      const adapter = context.adapters.get(network)
      const { address } = await walletOn(context.db, agentId, network)
      const found = await adapter?.tokenAccounts?.closing(address)
      return found?.ok === true ? found.request : undefined
    },
    sweep: async ({ agentId, network, to, what, request }) =>
      await context.write(async (db) => {
        const agent = await agentOf(db, agentId)
        const refusal = spendingFault(agent, 'owner-sweep')
        if (refusal !== undefined) throw refusal
        if ((await homeOf(db, agent, network)) !== to) {
          throw fault('WITHDRAW_LOCKED_ONLY', 'The owner has changed meanwhile.')
        }
        const key = `owner-sweep ${network} ${what} `
        const under = await openSweep(db, agentId, key)
        if (under !== undefined) return under
        const row = await newRow(context, db, { id: context.newId(), agent, sessionId: null, request })
        const stored: TransactionRow = {
          ...row,
          origin: 'owner-sweep',
          idempotency_key: `${key}${context.newId()}`,
          fingerprint: canonicalHash(request as Json),
        }
        const event = { type: 'TX_REQUESTED', actor: 'owner-sweep', data: { request: request as Json } }
        await insertTransaction(db, stored, event)
        return stored
      }),
  }
}

function accountOf(wallet: { address: string; public_key: string }): Account {
  return { address: wallet.address, publicKey: wallet.public_key }
}

/** Drafts with half of the balance to learn the fee, then with all that is left of it. */
async function measure(adapter: ChainAdapter, account: Account, to: string): Promise<Sweepable> {
  const asked = await adapter.balance(account.address)
  if (!asked.ok) return unknown(asked.message)
  const balance = asked.amount
  if (balance === 0n) return { kind: 'empty', left: 0n }
  const network = adapter.network.name
  const draft = (amount: bigint) => adapter.draft({ type: 'TRANSFER', network, to, amount: amount.toString() }, account)
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

/** Tokens of the list, of the policies, of earlier payments, and all others where the chain can tell them. */
async function holdingsOf(db: Kysely<Tables>, adapter: ChainAdapter, agentId: string, { address }: Account) {
  const { network } = adapter
  const all = (await adapter.tokenAccounts?.held(address)) ?? { ok: true as const, tokens: [] }
  if (!all.ok) return all
  const policies = policiesInForce(await policiesOf(db, agentId), agentId, network.name)
  const known = new Set([
    ...(await listedTokens(db, network.name)).map((token) => token.address),
    ...namedTokens(policies, network.name),
    ...(await tokensSpent(db, agentId, network.name)),
  ])
  const held = await adapter.holdings(address, [...new Set([...known, ...all.tokens])].sort())
  return held.ok ? { ...held, known } : held
}

const UNKNOWN_TOKEN = { why: 'It is no token of yours: list it with POST /v1/tokens to bring it home.' }

/** The first request that would work now. */
async function wayHome(
  adapter: ChainAdapter,
  from: Account,
  { address, amount }: Holding,
  to: string,
): Promise<{ request: TransactionRequest } | { why: string } | { unanswered: string }> {
  const network = adapter.network.name
  const plain: TransactionRequest = {
    type: 'TOKEN_TRANSFER',
    network,
    to,
    token: { address },
    amount: amount.toString(),
  }
  const closing = await adapter.tokenAccounts?.emptying(from.address, address, amount, to)
  let why = ''
  for (const request of closing === undefined ? [plain] : [closing, plain]) {
    const drafted = await adapter.draft(request, from)
    if (drafted.ok) return { request }
    if (drafted.code === 'CHAIN_ERROR') return { unanswered: drafted.message }
    why = drafted.message
  }
  return { why }
}

function unknown(message: string): Sweepable {
  return { kind: 'unknown', message }
}
