import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ensurePrivateDir, writeFileAtomic } from '@openpista/common'
import { WAIaaSAdminClient, WAIaaSOwnerClient } from '@waiaas/sdk'
import { type DemoChain, startDemoChains } from './chains.ts'
import { startDemoOwnerWallet } from './owner-wallet.ts'
import { demoPolicies } from './policies.ts'
import { type Running, run } from './process.ts'

/** Everything the demo runs: chains, wallet, agent, owner. Tests use the same. */
export type DemoStack = {
  chains: readonly DemoChain[]
  wallet: { url: string; agentId: string; admin: WAIaaSAdminClient; process: Running; restart: () => Promise<void> }
  gateway: { url: string; token: string; link: string; newLink: () => Promise<string>; process: Running }
  owner: { address: string; url: string }
  /** Signs as the demo owner and approves. */
  approve: (transactionId: string) => Promise<void>
  stop: () => Promise<void>
}

export type DemoOptions = {
  /** Where everything is kept; a second start goes on from there. */
  folder: string
  /** Ports to use, 0 for any free one. */
  ports: { gateway: number; wallet: number }
  /** Further environment of the agent: a model's key, its base URL. */
  agentEnv: Record<string, string>
  say: (line: string) => void
  echo: (line: string) => void
}

const require = createRequire(import.meta.url)
const WAIAAS = require.resolve('@waiaas/cli')
const OPENPISTA = join(import.meta.dirname, '../../agent/openpista/src/main.ts')
const FUNDS = { ETH: '100', SOL: '1000' } as const
const SESSION_SECONDS = 604_800

/** Starts all parts in order; if one fails, those that run are stopped before the error goes on. */
export async function startDemo(options: DemoOptions): Promise<DemoStack> {
  const stops: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const part of stops.splice(0).reverse()) await part()
  }
  try {
    ensurePrivateDir(options.folder)
    mkdirSync(join(options.folder, 'chains'), { recursive: true })
    options.say('Starting two local chains (anvil, LiteSVM) …')
    const chains = await startDemoChains(join(options.folder, 'chains'))
    stops.push(async () => {
      for (const chain of chains) await chain.stop()
    })
    const walletPort = await freePort(options.ports.wallet)
    const walletUrl = `http://127.0.0.1:${walletPort}`
    const owner = await startDemoOwnerWallet({ keyFile: join(options.folder, 'owner-key'), allowedOrigin: walletUrl })
    stops.push(() => owner.close())
    options.say('Starting the wallet daemon and its signer …')
    const startWallet = await prepareWallet(options, { chains, port: walletPort, ownerUrl: owner.url })
    let wallet = await startWallet()
    stops.push(() => wallet.stop())
    const { admin, agentId, tokenFile } = await prepareAgent(options.folder, walletUrl, owner.address, chains)
    options.say('Starting the agent …')
    const gateway = await startGateway(options, walletUrl, tokenFile)
    stops.push(() => gateway.process.stop())
    return {
      chains,
      wallet: {
        url: walletUrl,
        agentId,
        admin,
        get process() {
          return wallet
        },
        restart: async () => {
          wallet = await startWallet()
        },
      },
      gateway,
      owner: { address: owner.address, url: owner.url },
      approve: async (transactionId) => {
        const client = new WAIaaSOwnerClient({ baseUrl: walletUrl, sign: (challenge) => owner.sign(challenge) })
        await client.approve(transactionId)
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

type WalletParts = { chains: readonly DemoChain[]; port: number; ownerUrl: string }

/** Makes the wallet's folder at the first start; answers how to start the daemon. */
async function prepareWallet(options: DemoOptions, parts: WalletParts): Promise<() => Promise<Running>> {
  const dataDir = join(options.folder, 'waiaas')
  const { echo } = options
  const env = {
    WAIAAS_DATA_DIR: dataDir,
    WAIAAS_DAEMON_PORT: String(parts.port),
    WAIAAS_DEMO_OWNER_URL: parts.ownerUrl,
    ...Object.fromEntries(
      parts.chains.map((chain) => [`WAIAAS_RPC_${chain.network.replaceAll('-', '_').toUpperCase()}`, chain.rpcUrl]),
    ),
  }
  if (!existsSync(join(dataDir, 'keystore'))) {
    const init = run({ entry: WAIAAS, args: ['init', '--auto-provision'], env, echo })
    await init.until(/Next: waiaas start/)
    await init.ended
  }
  return async () => {
    const daemon = run({ entry: WAIAAS, args: ['start'], env, echo })
    await daemon.until(/waiaas is ready on (\S+)/)
    return daemon
  }
}

/** The demo agent with funds, its policy, and a session token in a private file. A later start finds them. */
async function prepareAgent(folder: string, url: string, ownerAddress: string, chains: readonly DemoChain[]) {
  const password = readFileSync(join(folder, 'waiaas', 'recovery-password'), 'utf8').trim()
  const admin = new WAIaaSAdminClient({ baseUrl: url })
  await admin.login(password)
  const tokenFile = join(folder, 'wallet-token')
  const known = (await admin.listAgents()).find((agent) => agent.name === 'demo')
  const agent = known ?? (await admin.createAgent({ name: 'demo', ownerAddress }))
  if (known === undefined) {
    for (const policy of demoPolicies(agent.id)) await admin.createPolicy(policy)
    for (const chain of chains) {
      const address = agent.wallets.find((wallet) => wallet.networks.includes(chain.network))!.address
      await chain.fund(address, FUNDS[chain.symbol as keyof typeof FUNDS])
    }
  }
  for (const session of await admin.listSessions(agent.id)) {
    if (session.status === 'ACTIVE') await admin.revokeSession(session.id)
  }
  const { token } = await admin.createSession({ agentId: agent.id, ttl: SESSION_SECONDS })
  writeFileAtomic(tokenFile, `${token}\n`)
  return { admin, agentId: agent.id, tokenFile }
}

async function startGateway(options: DemoOptions, walletUrl: string, tokenFile: string): Promise<DemoStack['gateway']> {
  const home = join(options.folder, 'openpista')
  ensurePrivateDir(home)
  const process = run({
    entry: OPENPISTA,
    args: ['start'],
    env: {
      ...options.agentEnv,
      OPENPISTA_HOME: home,
      OPENPISTA_WEB_PORT: String(await freePort(options.ports.gateway)),
      OPENPISTA_WALLET_URL: walletUrl,
      OPENPISTA_WALLET_TOKEN_FILE: tokenFile,
    },
    echo: options.echo,
  })
  const [, link] = await process.until(/(http:\/\/127\.0\.0\.1:\d+\/\S*)/)
  const url = new URL(link!).origin
  const token = readFileSync(join(home, 'gateway-token'), 'utf8').trim()
  return { url, link: link!, newLink: () => askForLink(url, token), token, process }
}

/** A further link that works once, for another browser. */
async function askForLink(url: string, token: string): Promise<string> {
  const response = await fetch(`${url}/api/link`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
  const { path } = (await response.json()) as { path: string }
  return url + path
}

/** The wanted port if it is free, else any free one. */
async function freePort(wanted: number): Promise<number> {
  const tryPort = (port: number) =>
    new Promise<number | undefined>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(undefined))
      server.listen(port, '127.0.0.1', () => {
        const address = server.address()
        server.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
      })
    })
  const port = (await tryPort(wanted)) ?? (await tryPort(0))
  if (port === undefined) throw new Error('no free port on 127.0.0.1')
  return port
}
