import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { WAIaaSClient } from '@waiaas/sdk'
import type { Bench, Row } from './bench.ts'
import { latencies } from './load.ts'
import { percentile } from './measure.ts'
import { payees, startRawEvm } from './wallet/raw-evm.ts'
import { logIn, makeAgents, makeWalletHome, walletFromSource } from './wallet/wallet-stack.ts'

const SHORT = 100
const LONG = 100_000
const DRY_RUNS = 300

/** Whether a verdict takes longer the more an agent has spent before. Dry runs: all facts are asked, nothing is stored. */
export const walletHistory: Bench = {
  name: 'wallet-history',
  run: async (): Promise<Row[]> => {
    const chain = await startRawEvm()
    const program = walletFromSource()
    const home = await makeWalletHome(program, { evm_local: chain.url })
    try {
      let wallet = await home.start()
      await logIn(home, wallet)
      const agents = await makeAgents(wallet, 2)
      for (const { addresses } of agents) await chain.fund(addresses.evm)
      const ids = agents.map(({ id }) => id) as [string, string]
      const tokens = await Promise.all(
        ids.map((agentId) => wallet.admin.createSession({ agentId, ttl: 86_400 }).then(({ token }) => token)),
      )
      await wallet.signer.stop()
      addHistory(join(home.dataDir, 'data/waiaas.db'), ids[0], SHORT)
      addHistory(join(home.dataDir, 'data/waiaas.db'), ids[1], LONG)
      wallet = await home.start()
      try {
        const [short, long] = await compare(wallet.url, tokens as [string, string])
        const what = `evm: dry run of a policy after ${LONG.toLocaleString('en-US')} payments in its window`
        const beside = { what: `after ${SHORT}`, value: short }
        return [{ what, unit: 'ms p50', value: long, target: { atMost: short * 1.2 }, beside }]
      } finally {
        await wallet.signer.stop()
      }
    } finally {
      await chain.stop()
      home.remove()
      program.remove()
    }
  },
}

/** In turn, so that whatever else the machine does falls on both. */
async function compare(url: string, tokens: readonly [string, string]): Promise<[number, number]> {
  const clients = tokens.map((sessionToken) => new WAIaaSClient({ baseUrl: url, sessionToken }))
  const millis: [number[], number[]] = [[], []]
  for (let round = 0; round < DRY_RUNS; round++) {
    for (const [index, client] of clients.entries()) {
      const ask = async () => void (await client.simulate({ network: 'evm-local', to: payees[0]!, amount: '1' }))
      millis[index]!.push(...(await latencies(1, 1, ask)))
    }
  }
  return [percentile(millis[0], 0.5), percentile(millis[1], 0.5)]
}

/** The sums that so many payments of the last day leave behind, in slots of a second, of 64 and of 4096. */
function addHistory(path: string, agentId: string, payments: number): void {
  const db = new DatabaseSync(path)
  const insert = db.prepare(`INSERT INTO ledger_totals (agent_id, key, span, slot, total) VALUES (?, ?, ?, ?, '1')
    ON CONFLICT DO UPDATE SET total = CAST(total AS INTEGER) + 1`)
  const now = Math.floor(Date.now() / 1000)
  db.exec('BEGIN')
  for (let payment = 0; payment < payments; payment++) {
    const at = now - Math.floor((payment * 86_400) / payments)
    for (const key of ['evm-local/native', 'count']) {
      for (const span of [1, 64, 4096]) insert.run(agentId, key, span, Math.floor(at / span))
    }
  }
  db.exec('COMMIT')
  db.close()
}
