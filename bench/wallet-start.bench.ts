import type { Bench, Row } from './bench.ts'
import { medianOf } from './load.ts'
import { memoryOf } from './process-usage.ts'
import { installedProgram, type Program } from './program.ts'
import { makeWalletHome, type StartedWallet, walletFromSource } from './wallet/wallet-stack.ts'

const STARTS = 5
const IDLE_MILLIS = 5_000

/** How long `waiaas start` takes until /health answers, the unlock included, and what both processes then hold. */
export const walletStart: Bench = {
  name: 'wallet-start',
  run: async (): Promise<Row[]> => {
    const rows: Row[] = []
    const installed = await installedProgram('wallet/cli', '@waiaas/cli', 'waiaas.js')
    for (const program of [walletFromSource(), installed]) {
      rows.push(...(await measureProgram(program).finally(program.remove)))
    }
    return rows
  },
}

async function measureProgram(program: Program): Promise<Row[]> {
  // No node has to be there: the wallet starts without, and what it would ask is not its start.
  const home = await makeWalletHome(program, { evm_local: 'http://127.0.0.1:9', solana_local: 'http://127.0.0.1:9' })
  const startOnce = async <Result>(look: (wallet: StartedWallet, millis: number) => Promise<Result>) => {
    const begun = performance.now()
    const wallet = await home.start()
    try {
      await wallet.admin.health()
      return await look(wallet, performance.now() - begun)
    } finally {
      await wallet.signer.stop()
    }
  }
  try {
    await startOnce(async () => {})
    const millis = await medianOf(STARTS, () => startOnce(async (_wallet, took) => took))
    const memory = await startOnce(async (wallet) => {
      await new Promise((resolve) => setTimeout(resolve, IDLE_MILLIS))
      return [wallet.signer.pid, wallet.daemonPid].map(memoryOf)
    })
    const sum = (kind: 'rss' | 'pss') => memory.reduce((total, each) => total + each[kind], 0)
    const { name } = program
    const what = `wallet ${name}: resident memory idle, signer and daemon`
    return [
      { what: `wallet ${name}: spawn to healthy`, unit: 'ms', value: millis, target: { atMost: 1000 } },
      {
        what,
        unit: 'MiB RSS',
        value: sum('rss'),
        target: { atMost: 130 },
        beside: { what: 'signer alone', value: memory[0]!.rss },
      },
      { what, unit: 'MiB PSS', value: sum('pss'), beside: { what: 'signer alone', value: memory[0]!.pss } },
    ]
  } finally {
    home.remove()
  }
}
