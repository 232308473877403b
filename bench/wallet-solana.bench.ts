import type { Bench, Row } from './bench.ts'
import { medianOf, throughput } from './load.ts'
import { rawSolanaLimit } from './wallet/raw-solana.ts'
import { onSolana } from './wallet/running-wallet.ts'
import type { BenchAgent } from './wallet/wallet-stack.ts'

const AT_ONCE = 32
const WARM_UP = AT_ONCE * 4
const SENDS = AT_ONCE * 16
const ROUNDS = 3

/** The started wallet on a local Solana chain with slots of 400 ms, beside what that chain takes without a wallet. */
export const walletSolana: Bench = {
  name: 'wallet-solana',
  run: async (): Promise<Row[]> => {
    const raw: number[] = []
    const many = await medianOf(ROUNDS, () =>
      onSolana(AT_ONCE, async ({ chain, agents }) => {
        const value = await sendAll(agents)
        raw.push(await rawSolanaLimit(chain, SENDS, AT_ONCE))
        return value
      }),
    )
    const one = await medianOf(ROUNDS, () => onSolana(1, ({ agents }) => sendAll(agents)))
    const limit = { what: 'raw transactions, 32 accounts', value: raw.toSorted((a, b) => a - b)[1]! }
    return [
      { what: 'solana: sends confirmed, 32 wallets at once', unit: 'per second', value: many, beside: limit },
      { what: 'solana: sends confirmed, 32 at once on one wallet', unit: 'per second', value: one, beside: limit },
    ]
  },
}

async function sendAll(agents: readonly BenchAgent[]): Promise<number> {
  const payee = agents[0]!.addresses.solana
  const send = async (index: number) => {
    const { client } = agents[index % agents.length]!
    const sent = await client.send({ network: 'solana-local', to: payee, amount: '1000' }, { wait: 30 })
    if (sent.status !== 'CONFIRMED') throw new Error(`a payment is ${sent.status}: ${JSON.stringify(sent)}`)
  }
  await throughput(WARM_UP, AT_ONCE, send)
  return await throughput(SENDS, AT_ONCE, send)
}
