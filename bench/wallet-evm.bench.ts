import { randomBytes } from 'node:crypto'
import { WAIaaSError } from '@waiaas/sdk'
import type { Bench, Row } from './bench.ts'
import { latencies, medianOf, throughput } from './load.ts'
import { percentile } from './measure.ts'
import { allConfirmed } from './wallet/all-confirmed.ts'
import { payees, rawEvmLimit, startRawEvm } from './wallet/raw-evm.ts'
import { onEvm } from './wallet/running-wallet.ts'
import type { BenchAgent } from './wallet/wallet-stack.ts'

const AT_ONCE = 32
const WARM_UP = AT_ONCE * 4
const SENDS = AT_ONCE * 16
const ROUNDS = 3

/** The started wallet on a local EVM chain, beside what that chain takes without a wallet. */
export const walletEvm: Bench = {
  name: 'wallet-evm',
  run: async (): Promise<Row[]> => [...(await manyWallets()), ...(await oneWallet()), ...(await answers())],
}

async function manyWallets(): Promise<Row[]> {
  const value = await medianOf(ROUNDS, () =>
    onEvm(AT_ONCE, async ({ agents }) => {
      const send = (index: number) => confirm(agents[index % AT_ONCE]!)
      await throughput(WARM_UP, AT_ONCE, send)
      return await throughput(SENDS, AT_ONCE, send)
    }),
  )
  return [
    {
      what: 'evm: sends confirmed, 32 wallets at once',
      unit: 'per second',
      value,
      target: { atLeast: 200 },
      beside: { what: 'raw transactions, 32 accounts', value: await medianOf(ROUNDS, () => rawLimit(AT_ONCE)) },
    },
  ]
}

async function oneWallet(): Promise<Row[]> {
  let sent = 0
  let confirmed = 0
  let nonces = 0
  const value = await medianOf(ROUNDS, () =>
    onEvm(1, async ({ chain, agents }) => {
      const [agent] = agents as [BenchAgent]
      const send = async () => {
        sent++
        await confirm(agent)
        confirmed++
      }
      await throughput(WARM_UP, AT_ONCE, send)
      const perSecond = await throughput(SENDS, AT_ONCE, send)
      nonces += Number(await chain.rpc('eth_getTransactionCount', [agent.addresses.evm, 'latest']))
      return perSecond
    }),
  )
  return [
    {
      what: 'evm: sends confirmed, 32 at once on one wallet',
      unit: 'per second',
      value,
      target: { atLeast: 150 },
      beside: { what: 'raw transactions, one account', value: await medianOf(ROUNDS, () => rawLimit(1)) },
    },
    { what: 'evm: of these succeeded', unit: '%', value: (confirmed / sent) * 100, target: { atLeast: 100 } },
    { what: 'evm: nonces used beyond one each', unit: '', value: nonces - confirmed, target: { atMost: 0 } },
  ]
}

async function rawLimit(accounts: number): Promise<number> {
  const chain = await startRawEvm()
  try {
    await rawEvmLimit(chain, WARM_UP, AT_ONCE, accounts)
    return await rawEvmLimit(chain, SENDS, AT_ONCE, accounts)
  } finally {
    await chain.stop()
  }
}

async function answers(): Promise<Row[]> {
  const [instant, denied, health] = await onEvm(9, async ({ wallet, agents }) => {
    const send = (agent: BenchAgent) => agent.client.send({ network: 'evm-local', to: payee(), amount: '1' })
    const ask = async (index: number) => void (await send(agents[index % 8]!))
    await latencies(80, 8, ask)
    const answered = await latencies(400, 8, ask)
    for (const { client } of agents.slice(0, 8)) await allConfirmed(client)
    const last = agents[8]!
    const rules = { allowed_addresses: [`0x${randomBytes(20).toString('hex')}`] }
    await wallet.admin.createPolicy({ agentId: last.id, type: 'WHITELIST', rules })
    const beRefused = async () => {
      const refusal = await send(last).catch((error: unknown) => error)
      if (!(refusal instanceof WAIaaSError) || refusal.code !== 'WHITELIST_DENIED') throw refusal
    }
    await latencies(100, 1, beRefused)
    const refused = await latencies(500, 1, beRefused)
    return [answered, refused, await latencies(500, 1, async () => void (await wallet.admin.health()))] as const
  })
  const what = 'evm: answer to an INSTANT send, 8 at once'
  return [
    { what, unit: 'ms p50', value: percentile(instant, 0.5), target: { atMost: 10 } },
    { what, unit: 'ms p99', value: percentile(instant, 0.99), target: { atMost: 50 } },
    {
      what: 'evm: answer to a denied send',
      unit: 'ms p50',
      value: percentile(denied, 0.5),
      target: { atMost: 2 },
      beside: { what: 'answer of /health', value: percentile(health, 0.5) },
    },
  ]
}

async function confirm({ client }: BenchAgent): Promise<void> {
  const sent = await client.send({ network: 'evm-local', to: payee(), amount: '1' }, { wait: 30 })
  if (sent.status !== 'CONFIRMED') throw new Error(`a payment is ${sent.status}: ${JSON.stringify(sent)}`)
}

function payee(): string {
  return payees[Math.floor(Math.random() * payees.length)]!
}
