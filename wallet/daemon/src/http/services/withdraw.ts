import { type Clock, immediate } from '@openpista/common'
import {
  assetKey,
  type ChainFamily,
  commandDigest,
  humanUnits,
  isFinal,
  type NetworkName,
  networkOf,
  type TransactionView,
  type WithdrawView,
} from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import type { ChainAdapter } from '../../chains/chain-adapter.ts'
import type { Engine, EngineStops } from '../../engine/engine.ts'
import type { Sweep } from '../../engine/sweep.ts'
import { appendEvent } from '../../store/events.ts'
import { homeOf, nameWithdrawAddress, ownerLivesOn } from '../../store/owners.ts'
import type { Tables } from '../../store/tables.ts'
import type { OwnerIdentity } from '../auth/identity.ts'
import { fail, isWireError } from '../fail.ts'
import { parseOwner } from './owner-account.ts'

export type Withdrawals = {
  /**
   * Sends everything home: tokens first, as long as there are coins for their fees, then the coins. Asking again,
   * also after a crash, goes on where it stopped: what is on its way is told and not sent twice.
   *
   * @throws AppError AGENT_NOT_FOUND, NO_OWNER, WITHDRAW_LOCKED_ONLY, SWEEP_TOTAL_FAILURE.
   */
  withdraw: (agentId: string) => Promise<WithdrawView>
  /** What the owner has signed for. @throws AppError INVALID_ADDRESS, INVALID_SIGNATURE. */
  nameAddress: (agentId: string, address: string, proof: OwnerIdentity) => Promise<NamedAddress>
  /** @throws AppError AGENT_NOT_EMPTY, CHAIN_ERROR where that cannot be told. */
  assertEmpty: (agent: AgentRow) => Promise<void>
}

export type NamedAddress = { agentId: string; chain: ChainFamily; address: string }

export type WithdrawParts = {
  db: Kysely<Tables>
  clock: Clock
  engine: Pick<EngineStops, 'sweepable' | 'sweepableTokens' | 'closable' | 'sweep'> & Pick<Engine, 'wait'>
  adapters: ReadonlyMap<NetworkName, Pick<ChainAdapter, 'balance'>>
}

type AgentRow = Selectable<Tables['agents']>
type Skipped = WithdrawView['skipped'][number]
/** `failed`: might go better another time. */
type Brought = { items: TransactionView[]; skipped: Skipped[]; failed: boolean }

/** What one answer waits for the chain at most, in seconds. */
const PATIENCE = 20

export function createWithdrawals(parts: WithdrawParts): Withdrawals {
  return {
    withdraw: (agentId) => withdraw(parts, agentId),
    nameAddress: (agentId, address, proof) => nameAddress(parts, agentId, address, proof),
    assertEmpty: (agent) => assertEmpty(parts, agent),
  }
}

/**
 * The address that a command of the owner is about.
 *
 * @throws AppError INVALID_ADDRESS; also for a chain where everything goes to the owner's own address anyway.
 */
export function withdrawTarget(agent: AgentRow, text: string): { address: string; chain: ChainFamily } {
  const { address, family, network } = parseOwner(text)
  if (network !== null) throw fail('INVALID_ADDRESS', 'Give the plain address of a key.')
  if (family === agent.owner_family && agent.owner_network === null) {
    throw fail('INVALID_ADDRESS', `On ${family} networks everything goes to the owner's own address.`)
  }
  return { address, chain: family }
}

async function nameAddress(
  { db, clock }: WithdrawParts,
  agentId: string,
  text: string,
  proof: OwnerIdentity,
): Promise<NamedAddress> {
  return await immediate(db, async (transaction) => {
    const agent = await findAgent(transaction, agentId)
    const withdrawTo = withdrawTarget(agent, text)
    const digest = commandDigest({ command: 'withdraw_address', agent: { id: agentId }, withdrawTo })
    if (proof.agentId !== agentId || proof.digest !== digest || proof.ownerAddress !== agent.owner_address) {
      throw fail('INVALID_SIGNATURE', 'The owner has signed for another address.')
    }
    const now = clock.seconds()
    const { address, chain } = withdrawTo
    const named = { agent_id: agentId, family: chain, address, named_by: proof.ownerAddress, created_at: now }
    await nameWithdrawAddress(transaction, named)
    const { challengeId, signature } = proof
    const data = { chain, address, owner: { address: proof.ownerAddress, challengeId, digest, signature } }
    const actor = `owner:${proof.ownerAddress}`
    await appendEvent(transaction, now, { type: 'WITHDRAW_ADDRESS_SET', actor, agentId, data })
    return { agentId, chain, address }
  })
}

async function findAgent(db: Kysely<Tables>, id: string): Promise<AgentRow> {
  const agent = await db.selectFrom('agents').selectAll().where('id', '=', id).executeTakeFirst()
  if (agent === undefined) throw fail('AGENT_NOT_FOUND', `There is no agent ${id}.`)
  return agent
}

async function chainsOf(parts: WithdrawParts, agentId: string) {
  const wallets = await parts.db.selectFrom('wallets').selectAll().where('agent_id', '=', agentId).execute()
  return [...parts.adapters.keys()].flatMap((network) => {
    const wallet = wallets.find(({ chain }) => chain === networkOf(network).family)
    return wallet === undefined ? [] : [{ network, address: wallet.address }]
  })
}

/** What could be sent home must be sent home first; dust that pays for no transfer may stay. */
async function assertEmpty(parts: WithdrawParts, agent: AgentRow): Promise<void> {
  for (const { network, address } of await chainsOf(parts, agent.id)) {
    const target = (await homeOf(parts.db, agent, network)) ?? address
    const [coins, held] = await Promise.all([
      parts.engine.sweepable(agent.id, network, target),
      parts.engine.sweepableTokens(agent.id, network, target),
    ])
    if (coins.kind === 'unknown') throw unanswered(network, coins.message)
    if (!held.ok) throw unanswered(network, held.message)
    const token = held.tokens.find((each) => 'request' in each)
    const there = coins.kind === 'amount' ? { amount: coins.amount } : token
    if (there === undefined) continue
    throw fail('AGENT_NOT_EMPTY', `There is still money on ${network}.`, {
      details: { network, amount: there.amount.toString(), ...('symbol' in there ? { symbol: there.symbol } : {}) },
    })
  }
}

function unanswered(network: NetworkName, message: string) {
  return fail('CHAIN_ERROR', `The balance on ${network} is not known: ${message}`)
}

async function withdraw(parts: WithdrawParts, id: string): Promise<WithdrawView> {
  const agent = await findAgent(parts.db, id)
  if (agent.owner_address === null) throw fail('NO_OWNER', 'No owner is registered for this agent.')
  if (agent.owner_verified_at === null) {
    throw fail('WITHDRAW_LOCKED_ONLY', 'The owner has never signed, so the address may be a mistake.')
  }
  const chains = await chainsOf(parts, id)
  const all = await Promise.all(
    chains.map(async ({ network, address }) => {
      const to = await homeOf(parts.db, agent, network)
      if (to === undefined) return { skipped: [noHome(agent, network)], items: [], failed: false, left: [] }
      const brought = await bringHome(parts, id, network, to)
      return { ...brought, left: await whatIsLeft(parts, id, { network, address, to }, brought) }
    }),
  )
  const items = all.flatMap((each) => each.items)
  const skipped = all.flatMap((each) => each.skipped)
  if (items.length === 0 && all.some(({ failed }) => failed)) {
    throw fail('SWEEP_TOTAL_FAILURE', 'Nothing could be sent to the owner.', { details: { skipped } })
  }
  return { items, skipped, left: all.flatMap((each) => each.left) }
}

function noHome(agent: AgentRow, network: NetworkName): Skipped {
  const where = ownerLivesOn({ ...agent, owner_network: null }, network) ? 'another network' : agent.owner_family
  const hint = 'Let the owner name an address for it: PUT /v1/agents/:id/withdraw-address.'
  return { network, why: `The owner's address is on ${where}. ${hint}` }
}

async function bringHome(parts: WithdrawParts, agentId: string, network: NetworkName, to: string): Promise<Brought> {
  const tokens = await bringTokens(parts, agentId, network, to)
  const ends = await Promise.all(tokens.items.map(({ id }) => parts.engine.wait(id, PATIENCE)))
  const sent = { ...tokens, items: ends }
  const fault = ends.find(({ error }) => error !== undefined)
  const before = fault === undefined ? sent : { ...sent, failed: true }
  if (ends.every(({ status }) => isFinal(status))) return join(before, await bringCoins(parts, agentId, network, to))
  const why = 'The coins wait until the tokens are gone. Ask again.'
  return { ...before, skipped: [...before.skipped, { network, why }] }
}

async function bringTokens(parts: WithdrawParts, agentId: string, network: NetworkName, to: string): Promise<Brought> {
  const held = await parts.engine.sweepableTokens(agentId, network, to)
  if (!held.ok) return { items: [], skipped: [{ network, why: held.message }], failed: true }
  let brought: Brought = { items: [], skipped: [], failed: false }
  for (const token of held.tokens) {
    const asset = assetKey({ network, address: token.address })
    const about = { asset, symbol: token.symbol }
    brought = join(
      brought,
      'why' in token
        ? { items: [], skipped: [{ network, ...about, why: token.why }], failed: false }
        : await send(parts, { agentId, network, to, what: asset, request: token.request }, about),
    )
  }
  const request = await parts.engine.closable(agentId, network)
  if (request === undefined) return brought
  return join(brought, await send(parts, { agentId, network, to, what: 'empty accounts', request }, {}))
}

async function bringCoins(parts: WithdrawParts, agentId: string, network: NetworkName, to: string): Promise<Brought> {
  const coins = await parts.engine.sweepable(agentId, network, to)
  if (coins.kind === 'unknown') return { items: [], skipped: [{ network, why: coins.message }], failed: true }
  if (coins.kind === 'empty') {
    const why = `Nothing that pays for its transfer: ${coins.left} base units.`
    return { items: [], skipped: [{ network, why }], failed: false }
  }
  const request = { type: 'TRANSFER' as const, network, to, amount: coins.amount.toString() }
  return await send(parts, { agentId, network, to, what: assetKey({ network }), request }, {})
}

async function send(parts: WithdrawParts, sweep: Sweep, about: Omit<Skipped, 'network' | 'why'>): Promise<Brought> {
  const skip = (why: string): Brought => {
    return { items: [], skipped: [{ network: sweep.network, ...about, why }], failed: true }
  }
  try {
    const view = await parts.engine.sweep(sweep)
    return view.error === undefined ? { items: [view], skipped: [], failed: false } : skip(view.error.message)
  } catch (error) {
    if (!isWireError(error)) throw error
    return skip(error.message)
  }
}

function join(a: Brought, b: Brought): Brought {
  return { items: [...a.items, ...b.items], skipped: [...a.skipped, ...b.skipped], failed: a.failed || b.failed }
}

/** The truth of the chain, once nothing is on its way any more. */
async function whatIsLeft(
  parts: WithdrawParts,
  agentId: string,
  { network, address, to }: { network: NetworkName; address: string; to: string },
  { items }: Brought,
): Promise<WithdrawView['left']> {
  const ends = await Promise.all(items.map(({ id }) => parts.engine.wait(id, PATIENCE)))
  if (!ends.every(({ status }) => isFinal(status))) return []
  const [coins, held] = await Promise.all([
    parts.adapters.get(network)!.balance(address),
    parts.engine.sweepableTokens(agentId, network, to),
  ])
  if (!coins.ok || !held.ok) return []
  const { native } = networkOf(network)
  const there: { address?: string; symbol: string; decimals: number; amount: bigint }[] = [
    { ...native, amount: coins.amount },
    ...held.tokens,
  ]
  return there
    .filter(({ amount }) => amount > 0n)
    .map(({ address: token, symbol, amount, ...unit }) => ({
      network,
      ...(token === undefined ? {} : { address: token }),
      symbol,
      balance: amount.toString(),
      humanBalance: humanUnits(amount, unit),
    }))
}
