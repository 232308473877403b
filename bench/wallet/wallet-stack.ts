import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WAIaaSAdminClient, WAIaaSClient } from '@waiaas/sdk'
import { type Running, run } from '../../scripts/demo/process.ts'
import { PATIENCE_MILLIS, within } from '../load.ts'
import { type Program, sourceProgram } from '../program.ts'
import { perAgentPolicies } from './policies.ts'

/** A data directory, and how to start the real daemon and signer on it. */
export type WalletHome = {
  dataDir: string
  /** Resolves when the daemon says that it is ready. */
  start: () => Promise<StartedWallet>
  remove: () => void
}

export type StartedWallet = { url: string; signer: Running; daemonPid: number; admin: WAIaaSAdminClient }

export type BenchAgent = { id: string; client: WAIaaSClient; addresses: { evm: string; solana: string } }

/** The wallet as a developer runs it. */
export function walletFromSource(): Program {
  return sourceProgram('wallet/cli/src/main.ts')
}

/** @param nodes addresses of the nodes by key of the [rpc] section. */
export async function makeWalletHome(program: Program, nodes: Record<string, string>): Promise<WalletHome> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-wallet-'))
  const dataDir = join(folder, 'waiaas')
  const env = {
    ...program.env,
    WAIAAS_DATA_DIR: dataDir,
    WAIAAS_DAEMON_PORT: '0',
    WAIAAS_DAEMON_LOG_LEVEL: 'warn',
    WAIAAS_SECURITY_RATE_LIMIT_PUBLIC_RPM: '1000000',
    WAIAAS_SECURITY_RATE_LIMIT_SESSION_RPM: '1000000',
    WAIAAS_SECURITY_RATE_LIMIT_OPERATOR_RPM: '1000000',
    WAIAAS_AUTO_STOP_ENABLED: 'false',
    ...Object.fromEntries(Object.entries(nodes).map(([key, url]) => [`WAIAAS_RPC_${key.toUpperCase()}`, url])),
  }
  const { entry } = program
  const init = run({ entry, args: ['init', '--auto-provision'], env, echo: () => {} })
  const initialized = async () => {
    await init.until(/Next: waiaas start/)
    await init.ended
  }
  await within(PATIENCE_MILLIS, () => `waiaas init, which printed: ${init.output()}`, initialized)
  return {
    dataDir,
    start: async () => {
      const signer = run({ entry, args: ['start'], env, echo: complain })
      const printed = () => `waiaas start, which printed: ${signer.output()}`
      const [, url] = await within(PATIENCE_MILLIS, printed, () => signer.until(/waiaas is ready on (\S+)/))
      const { pid } = JSON.parse(readFileSync(join(dataDir, 'run/daemon.json'), 'utf8')) as { pid: number }
      return { url: url!, signer, daemonPid: pid, admin: new WAIaaSAdminClient({ baseUrl: url! }) }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Logs in as the operator. */
export async function logIn(home: WalletHome, wallet: StartedWallet): Promise<void> {
  await wallet.admin.login(readFileSync(join(home.dataDir, 'recovery-password'), 'utf8').trim())
}

/** Agents under rules that are all asked and all say yes, with a session each. */
export async function makeAgents(wallet: StartedWallet, count: number): Promise<BenchAgent[]> {
  const agents: BenchAgent[] = []
  for (let index = 0; index < count; index++) {
    const agent = await wallet.admin.createAgent({ name: `agent ${index}` })
    for (const policy of perAgentPolicies()) await wallet.admin.createPolicy({ agentId: agent.id, ...policy })
    const { token } = await wallet.admin.createSession({ agentId: agent.id, ttl: 86_400 })
    const addressOn = (chain: string) => agent.wallets.find((each) => each.chain === chain)!.address
    agents.push({
      id: agent.id,
      client: new WAIaaSClient({ baseUrl: wallet.url, sessionToken: token, retries: 0, timeoutMillis: 60_000 }),
      addresses: { evm: addressOn('evm'), solana: addressOn('solana') },
    })
  }
  return agents
}

/** The password's file is there on purpose; everything else that the wallet complains of is shown. */
function complain(line: string): void {
  if (!/ready on|recovery-password|Note it down/.test(line)) process.stderr.write(`wallet: ${line}\n`)
}
