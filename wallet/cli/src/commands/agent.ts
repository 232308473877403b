import { asOperator, findAgent } from '../as-operator.ts'
import { CliError } from '../fault.ts'

export async function createAgent(
  dataDir: string,
  name: string,
  options: { owner?: string; network?: string },
): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const { owner, network } = options
    const agent = await admin.createAgent({ name, ownerAddress: owner, defaultNetwork: network })
    console.log(`Made agent ${agent.name} (${agent.id}).`)
    for (const wallet of agent.wallets) console.log(`  ${wallet.chain}  ${wallet.address}`)
    console.log(`Next: waiaas session create ${agent.name}`)
  })
}

export async function listAgents(dataDir: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const agents = await admin.listAgents()
    if (agents.length === 0) console.log('No agents yet. Make one with: waiaas agent create <name>')
    for (const agent of agents) {
      console.log(`${agent.id}  ${agent.name}  ${agent.status}  owner ${agent.ownerAddress ?? 'none'}`)
      for (const wallet of agent.wallets) console.log(`  ${wallet.chain}  ${wallet.address}`)
    }
  })
}

/** Prints the token alone on standard output, so that a script can take it. */
export async function createSession(dataDir: string, agentName: string, options: { ttl: string }): Promise<void> {
  const ttl = Number(options.ttl)
  if (!Number.isInteger(ttl)) throw new CliError(`--ttl ${options.ttl} is not a number of seconds.`)
  await asOperator(dataDir, async (admin) => {
    const { id: agentId } = await findAgent(admin, agentName)
    const session = await admin.createSession({ agentId, ttl })
    console.error(`Session ${session.id}, good until ${new Date(session.expiresAt * 1000).toISOString()}. Its token:`)
    console.log(session.token)
  })
}

export async function renameAgent(dataDir: string, agentName: string, name: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const { id } = await findAgent(admin, agentName)
    const agent = await admin.updateAgent(id, { name })
    console.log(`Agent ${agent.id} is now named ${agent.name}.`)
  })
}

/** Registers an owner. One who has signed is replaced over the API, with its signature. */
export async function setOwner(dataDir: string, agentName: string, address: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const { id } = await findAgent(admin, agentName)
    const agent = await admin.setOwner(id, address)
    console.log(`Agent ${agent.name} has the owner ${agent.ownerAddress}.`)
  })
}

export async function removeOwner(dataDir: string, agentName: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const { id } = await findAgent(admin, agentName)
    const agent = await admin.removeOwner(id)
    console.log(`Agent ${agent.name} has no owner.`)
  })
}

/** Suspends, resumes or ends an agent. */
export async function changeStatus(
  dataDir: string,
  agentName: string,
  change: 'suspendAgent' | 'resumeAgent' | 'terminateAgent',
): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const { id } = await findAgent(admin, agentName)
    const agent = await admin[change](id)
    console.log(`Agent ${agent.name} is ${agent.status}.`)
  })
}

export async function addWallet(dataDir: string, agentName: string, chain: 'evm' | 'solana'): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const { id } = await findAgent(admin, agentName)
    const agent = await admin.addWallet(id, chain)
    for (const wallet of agent.wallets) console.log(`${wallet.chain}  ${wallet.address}`)
  })
}

/** Sends everything to the owner, who must have signed once. */
export async function withdraw(dataDir: string, agentName: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const { id } = await findAgent(admin, agentName)
    const { items, skipped } = await admin.withdraw(id)
    for (const item of items) {
      console.log(`${item.network}  ${item.humanAmount ?? '?'} ${item.symbol ?? ''}  ${item.status}  ${item.id}`)
    }
    for (const { network, why } of skipped) console.log(`${network}  nothing sent: ${why}`)
  })
}

export async function listSessions(dataDir: string, agentName: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const { id: agentId } = await findAgent(admin, agentName)
    const sessions = await admin.listSessions(agentId)
    if (sessions.length === 0) console.log(`No sessions. Make one with: waiaas session create ${agentName}`)
    for (const { id, status, expiresAt } of sessions) {
      console.log(`${id}  ${status}  until ${new Date(expiresAt * 1000).toISOString()}`)
    }
  })
}

export async function revokeSession(dataDir: string, id: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const session = await admin.revokeSession(id)
    console.log(`Session ${session.id} is ${session.status}. Its token is refused from now on.`)
  })
}
