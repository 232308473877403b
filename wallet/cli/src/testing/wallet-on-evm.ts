import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareDataDir } from '@waiaas/daemon/testing'
import { type EvmNode, startEvmNode } from '@waiaas/devnet'
import { type Env, type RunningWallet, runCli, startWallet } from './run-cli.ts'

const PASSWORD = 'correct horse battery staple'

/** A started wallet on a chain of its own, with the funded agent `alice` and a session of it. */
export type WalletOnEvm = {
  chain: EvmNode
  wallet: RunningWallet
  env: Env
  /** Of alice. */
  token: string
  stop: () => Promise<void>
}

export async function startWalletOnEvm(): Promise<WalletOnEvm> {
  const folder = mkdtempSync(join(tmpdir(), 'waiaas-on-evm-'))
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 })
  const chain = await startEvmNode({})
  const env = {
    WAIAAS_DATA_DIR: join(folder, 'wallet'),
    WAIAAS_MASTER_PASSWORD_FILE: passwordFile,
    WAIAAS_DAEMON_PORT: '0',
    WAIAAS_RPC_EVM_LOCAL: chain.rpcUrl,
  }
  await prepareDataDir(env.WAIAAS_DATA_DIR, PASSWORD)
  const wallet = await startWallet(env)
  const made = await runCli(['agent', 'create', 'alice'], env)
  await chain.control.fund(/0x[0-9a-fA-F]{40}/.exec(made.out)![0], 10n ** 18n)
  const token = (await runCli(['session', 'create', 'alice'], env)).out.trim()
  const stop = async () => {
    await wallet.end('SIGTERM')
    await chain.stop()
    rmSync(folder, { recursive: true })
  }
  return { chain, wallet, env, token, stop }
}
