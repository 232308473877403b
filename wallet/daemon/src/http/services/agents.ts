import { type Clock, immediate, newId } from '@openpista/common'
import {
  type AgentView,
  type ChainFamily,
  commandDigest,
  type Environment,
  type NetworkName,
  networkOf,
  type OwnerState,
  type WalletView,
} from '@waiaas/core'
import type { Kysely, Selectable } from 'kysely'
import type { CreatedKey, Signer } from '../../signer/signer.ts'
import { appendEvent } from '../../store/events.ts'
import type { Tables } from '../../store/tables.ts'
import type { OwnerIdentity } from '../auth/identity.ts'
import { fail } from '../fail.ts'
import { type OwnerAccount, parseOwner } from './owner-account.ts'

type NewAgent = {
  name: string
  chains: readonly ChainFamily[]
  defaultNetwork?: NetworkName | undefined
  ownerAddress?: string | undefined
}

export type Agents = {
  /** Makes a key for every chain, then the agent. @throws AppError AGENT_NAME_TAKEN. */
  create: (input: NewAgent) => Promise<AgentView>
  list: () => Promise<AgentView[]>
  /** @throws AppError AGENT_NOT_FOUND. */
  get: (id: string) => Promise<AgentView>
  /** @throws AppError AGENT_NOT_FOUND, AGENT_NAME_TAKEN. */
  rename: (id: string, name: string) => Promise<AgentView>
  /** Makes a key on a chain, unless the agent has one there. @throws AppError AGENT_NOT_FOUND, AGENT_TERMINATED. */
  addWallet: (id: string, chain: ChainFamily) => Promise<AgentView>
  /** @throws AppError OWNER_ALREADY_CONNECTED where the owner has locked in and did not sign for this; INVALID_ADDRESS. */
  setOwner: (id: string, ownerAddress: string, proof: OwnerIdentity | undefined) => Promise<AgentView>
  /** Nothing where there is none. @throws AppError OWNER_ALREADY_CONNECTED where the owner has locked in. */
  removeOwner: (id: string) => Promise<AgentView>
  /** @throws AppError where this daemon does not serve the network. */
  assertServed: (network: NetworkName) => void
  /** The wallet that serves a network (the agent's default network when none is named). */
  walletOn: (id: string, network: NetworkName | undefined) => Promise<{ network: NetworkName; address: string }>
}

type AgentRow = Selectable<Tables['agents']>
type WalletRow = Selectable<Tables['wallets']>

type AgentParts = {
  db: Kysely<Tables>
  signer: Pick<Signer, 'createKey'>
  clock: Clock
  environment: Environment
  /** Networks that this daemon is connected to, the preferred ones first. */
  networks: readonly NetworkName[]
}

export function createAgents(parts: AgentParts): Agents {
  const { db, clock, networks } = parts
  const view = (agent: AgentRow, wallets: readonly WalletRow[]) => agentView(agent, wallets, networks)

  const get = async (id: string): Promise<AgentView> => {
    const agent = await db.selectFrom('agents').selectAll().where('id', '=', id).executeTakeFirst()
    if (agent === undefined) throw fail('AGENT_NOT_FOUND', `There is no agent ${id}.`)
    return view(agent, await db.selectFrom('wallets').selectAll().where('agent_id', '=', id).orderBy('id').execute())
  }

  return {
    create: async (input) => await get(await createAgent(parts, input)),
    list: async () => {
      const [agents, wallets] = await Promise.all([
        db.selectFrom('agents').selectAll().orderBy('id').execute(),
        db.selectFrom('wallets').selectAll().orderBy('id').execute(),
      ])
      const byAgent = Map.groupBy(wallets, (wallet) => wallet.agent_id)
      return agents.map((agent) => view(agent, byAgent.get(agent.id) ?? []))
    },
    get,
    rename: async (id, name) => {
      await immediate(db, async (transaction) => {
        const now = clock.seconds()
        await assertNameFree(transaction, name, id)
        const changed = await transaction
          .updateTable('agents')
          .set({ name, updated_at: now })
          .where('id', '=', id)
          .executeTakeFirst()
        if (changed.numUpdatedRows === 0n) throw fail('AGENT_NOT_FOUND', `There is no agent ${id}.`)
        await appendEvent(transaction, now, { type: 'AGENT_RENAMED', actor: 'admin', agentId: id, data: { name } })
      })
      return await get(id)
    },
    addWallet: async (id, chain) => {
      const agent = await get(id)
      if (agent.status === 'TERMINATED') throw fail('AGENT_TERMINATED', `The agent ${agent.name} was terminated.`)
      if (!agent.wallets.some((wallet) => wallet.chain === chain)) await addWallet(parts, id, chain)
      return await get(id)
    },
    setOwner: async (id, ownerAddress, proof) => {
      const owner = parseOwner(ownerAddress)
      await immediate(db, (transaction) => changeOwner(transaction, clock.seconds(), id, owner, proof))
      return await get(id)
    },
    removeOwner: async (id) => {
      await immediate(db, (transaction) => removeOwner(transaction, clock.seconds(), id))
      return await get(id)
    },
    assertServed: (network) => assertServed(parts, network),
    walletOn: async (id, wanted) => {
      const agent = await get(id)
      const network = wanted ?? (agent.defaultNetwork as NetworkName)
      assertServed(parts, network)
      const wallet = agent.wallets.find(({ chain }) => chain === networkOf(network).family)
      if (wallet === undefined) throw fail('CHAIN_NOT_SUPPORTED', `This agent has no wallet for ${network}.`)
      return { network, address: wallet.address }
    },
  }
}

/** @returns the new agent's id. */
async function createAgent(parts: AgentParts, input: NewAgent): Promise<string> {
  const { db, clock, signer } = parts
  await assertNameFree(db, input.name)
  const chains = [...new Set(input.chains)]
  const network = chooseNetwork(parts, chains, input.defaultNetwork)
  const owner = input.ownerAddress === undefined ? undefined : parseOwner(input.ownerAddress)
  const keys: (CreatedKey & { chain: ChainFamily })[] = []
  for (const chain of chains) keys.push({ chain, ...(await signer.createKey(chain)) })
  const now = clock.seconds()
  const agent: AgentRow = {
    id: newId(),
    name: input.name,
    status: 'ACTIVE',
    owner_address: owner?.address ?? null,
    owner_family: owner?.family ?? null,
    owner_verified_at: null,
    owner_network: owner?.network ?? null,
    default_network: network,
    created_at: now,
    updated_at: now,
  }
  await immediate(db, async (transaction) => {
    await assertNameFree(transaction, input.name)
    await transaction.insertInto('agents').values(agent).execute()
    for (const key of keys) await insertWallet(transaction, now, agent.id, key)
    const addresses = Object.fromEntries(keys.map(({ chain, address }) => [chain, address]))
    const data = { name: input.name, defaultNetwork: network, addresses }
    await appendEvent(transaction, now, { type: 'AGENT_CREATED', actor: 'admin', agentId: agent.id, data })
    if (owner !== undefined) await appendOwnerSet(transaction, now, agent.id, owner.text, null, 'admin')
  })
  return agent.id
}

/** Names are how people pick agents: two that look alike to a reader are one. Those of terminated agents are free. */
async function assertNameFree(db: Kysely<Tables>, name: string, ownId?: string): Promise<void> {
  const others = await db.selectFrom('agents').select(['id', 'name']).where('status', '<>', 'TERMINATED').execute()
  const taken = others.find((other) => other.id !== ownId && comparable(other.name) === comparable(name))
  if (taken === undefined) return
  throw fail('AGENT_NAME_TAKEN', `There is an agent ${taken.name} already (${taken.id}).`)
}

function comparable(name: string): string {
  return name.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ')
}

async function addWallet({ db, clock, signer }: AgentParts, agentId: string, chain: ChainFamily): Promise<void> {
  const key = { chain, ...(await signer.createKey(chain)) }
  await immediate(db, async (transaction) => {
    const wallets = transaction.selectFrom('wallets').select('id').where('agent_id', '=', agentId)
    if ((await wallets.where('chain', '=', chain).executeTakeFirst()) !== undefined) return
    const now = clock.seconds()
    await insertWallet(transaction, now, agentId, key)
    const data = { chain, address: key.address }
    await appendEvent(transaction, now, { type: 'WALLET_ADDED', actor: 'admin', agentId, data })
  })
}

async function insertWallet(
  transaction: Kysely<Tables>,
  now: number,
  agentId: string,
  { chain, keyId, address, publicKey }: CreatedKey & { chain: ChainFamily },
): Promise<void> {
  const key = { chain, address, public_key: publicKey, key_id: keyId }
  await transaction
    .insertInto('wallets')
    .values({ id: newId(), agent_id: agentId, ...key, created_at: now })
    .execute()
}

function agentView(agent: AgentRow, rows: readonly WalletRow[], networks: readonly NetworkName[]): AgentView {
  const wallets = rows.map((row): WalletView => {
    const served = networks.filter((name) => networkOf(name).family === row.chain)
    return { id: row.id, chain: row.chain, address: row.address, publicKey: row.public_key, networks: served }
  })
  const main = wallets.find(({ chain }) => chain === networkOf(agent.default_network).family)
  return {
    id: agent.id,
    name: agent.name,
    status: agent.status,
    ...(agent.owner_address === null ? {} : { ownerAddress: agent.owner_address }),
    ownerState: ownerState(agent),
    ...(agent.owner_network === null ? {} : { ownerNetwork: agent.owner_network }),
    defaultNetwork: agent.default_network,
    wallets,
    chain: networkOf(agent.default_network).family,
    network: agent.default_network,
    publicKey: main?.publicKey ?? '',
    createdAt: agent.created_at,
    updatedAt: agent.updated_at,
  }
}

function ownerState(agent: Pick<AgentRow, 'owner_address' | 'owner_verified_at'>): OwnerState {
  if (agent.owner_address === null) return 'NONE'
  return agent.owner_verified_at === null ? 'GRACE' : 'LOCKED'
}

type Served = { environment: Environment; networks: readonly NetworkName[] }

function chooseNetwork(served: Served, chains: readonly ChainFamily[], wanted: NetworkName | undefined): NetworkName {
  const network = wanted ?? served.networks.find((name) => chains.includes(networkOf(name).family))
  if (network === undefined) {
    throw fail('CHAIN_NOT_SUPPORTED', `This daemon is connected to no network of ${chains.join(' or ')}.`, {
      hint: 'Set the address of a node under [rpc] in config.toml and start the daemon again.',
    })
  }
  assertServed(served, network)
  if (chains.includes(networkOf(network).family)) return network
  throw fail('CHAIN_NOT_SUPPORTED', `${network} needs a wallet on ${networkOf(network).family}.`, {
    hint: 'Name its chain in chains, or choose another defaultNetwork.',
  })
}

function assertServed(served: Served, network: NetworkName): void {
  if (networkOf(network).environment !== served.environment) {
    throw fail('ENVIRONMENT_NETWORK_MISMATCH', `${network} does not belong to the environment ${served.environment}.`)
  }
  if (served.networks.includes(network)) return
  throw fail('CHAIN_NOT_SUPPORTED', `This daemon is not connected to ${network}.`, {
    hint: `Networks that it serves: ${served.networks.join(', ') || 'none'}.`,
  })
}

function handOverDigest(id: string, owner: OwnerAccount): string {
  return commandDigest({ command: 'set_owner', agent: { id }, newOwner: owner.text })
}

async function changeOwner(
  transaction: Kysely<Tables>,
  now: number,
  id: string,
  owner: OwnerAccount,
  proof: OwnerIdentity | undefined,
): Promise<void> {
  const agent = await changeableAgent(transaction, id)
  if (agent.owner_address === owner.address && agent.owner_network === owner.network) return
  const signed = proof?.agentId === id && proof.digest === handOverDigest(id, owner)
  if (proof !== undefined && !signed) throw fail('INVALID_SIGNATURE', 'The owner has signed for another address.')
  if (ownerState(agent) === 'LOCKED' && !signed) {
    throw fail('OWNER_ALREADY_CONNECTED', 'The owner has signed; only the owner can change the address now.', {
      hint: 'Ask for a challenge with the action set_owner, and send its signature with this call.',
    })
  }
  await transaction
    .updateTable('agents')
    .set({
      owner_address: owner.address,
      owner_family: owner.family,
      owner_network: owner.network,
      owner_verified_at: null,
      updated_at: now,
    })
    .where('id', '=', id)
    .execute()
  const actor = proof === undefined ? 'admin' : `owner:${proof.ownerAddress}`
  await appendOwnerSet(transaction, now, id, owner.text, agent.owner_address, actor)
}

async function removeOwner(transaction: Kysely<Tables>, now: number, id: string): Promise<void> {
  const agent = await changeableAgent(transaction, id)
  if (agent.owner_address === null) return
  if (ownerState(agent) === 'LOCKED') {
    throw fail('OWNER_ALREADY_CONNECTED', 'The owner has signed, and can only be replaced with its signature.', {
      hint: 'Ask for a challenge with the action set_owner, and send its signature with PUT /v1/agents/:id/owner.',
    })
  }
  const nobody = { owner_address: null, owner_family: null, owner_network: null, owner_verified_at: null }
  await transaction
    .updateTable('agents')
    .set({ ...nobody, updated_at: now })
    .where('id', '=', id)
    .execute()
  const data = { address: agent.owner_address }
  await appendEvent(transaction, now, { type: 'OWNER_REMOVED', actor: 'admin', agentId: id, data })
}

async function changeableAgent(transaction: Kysely<Tables>, id: string): Promise<AgentRow> {
  const agent = await transaction.selectFrom('agents').selectAll().where('id', '=', id).executeTakeFirst()
  if (agent === undefined) throw fail('AGENT_NOT_FOUND', `There is no agent ${id}.`)
  if (agent.status === 'TERMINATED') throw fail('AGENT_TERMINATED', `The agent ${agent.name} was terminated.`)
  return agent
}

async function appendOwnerSet(
  transaction: Kysely<Tables>,
  now: number,
  agentId: string,
  address: string,
  previous: string | null,
  actor: string,
): Promise<void> {
  await appendEvent(transaction, now, { type: 'OWNER_SET', actor, agentId, data: { address, previous } })
}
