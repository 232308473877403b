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
