import { type EvmNode, startEvmNode } from '@waiaas/devnet'
import type { TransactionSerializableEIP1559 } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClock, type SimulatedClock } from './clock.ts'
import { anvil } from './evm-clients.ts'
import { createEvmNetwork, type EvmNetwork } from './evm-network.ts'
import type { Hex } from './evm-transaction.ts'
import { createRandom, type Random } from './random.ts'

/** The same transactions for a real anvil and for the honest simulated node; both have to make the same of them. */

const MNEMONIC = 'test test test test test test test test test test test junk'
const CHAIN_ID = 31_337
const URL = 'http://simulated'
const GWEI = 10n ** 9n
const START_BALANCE = 10_000n * 10n ** 18n
const ROUNDS = 30

const people = [1, 2].map((addressIndex) => mnemonicToAccount(MNEMONIC, { addressIndex }))
const addresses = people.map(({ address }) => address.toLowerCase() as Hex)

type Answer = { result?: unknown; error?: { code: number; message: string } }
type Rpc = (method: string, ...params: unknown[]) => Promise<Answer>

let real: EvmNode
let clock: SimulatedClock
let network: EvmNetwork

beforeAll(async () => {
  real = await startEvmNode({})
  await real.control.pauseMining()
  clock = createClock(1_700_000_000_000)
  network = createEvmNetwork({
    random: createRandom('differential'),
    clock,
    chainId: CHAIN_ID,
    accounts: new Map(addresses.map((address) => [address, START_BALANCE])),
    nodes: [{ url: URL, client: anvil, backends: 1 }],
    faults: {},
    observer: {
      fault: ({ kind }) => expect.unreachable(`an honest network has the fault ${kind}`),
      handover: () => undefined,
      head: () => undefined,
    },
    hasTraffic: false,
    finality: { lag: 2, every: 1 },
  })
})

afterAll(async () => {
  await real?.stop()
})

const askReal: Rpc = async (method, ...params) => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json' }
  return (await (await fetch(real.rpcUrl, { method: 'POST', headers, body })).json()) as Answer
}

const askSimulated: Rpc = async (method, ...params) => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = await clock.settle(network.exchange({ url: URL, body: () => body }), 10_000)
  if (answer === 'not sent') throw new Error('not sent')
  return JSON.parse(answer.text) as Answer
}

/** One class per kind of refusal, whatever the words. */
function classOf({ error }: Answer): string {
  if (error === undefined) return 'taken'
  const classes: [RegExp, string][] = [
    [/already/i, 'already known'],
    [/insufficient funds/i, 'insufficient funds'],
    [/nonce too low/i, 'nonce too low'],
    [/replacement/i, 'replacement underpriced'],
    [/chain id/i, 'wrong chain'],
    [/block base fee/i, 'fee below base fee'],
    [/block gas limit|exceeds block|tx.gas_limit/i, 'gas above block'],
    [/intrinsic gas too low/i, 'gas too low'],
    [/decode/i, 'undecodable'],
  ]
  return classes.find(([pattern]) => pattern.test(error.message))?.[1] ?? error.message
}

/** A transaction that is valid where it stands, or replaces another, or has one fault. */
async function drawTransaction(random: Random, turn: number, nonces: number[], baseFee: bigint): Promise<Hex> {
  const who = random.below(people.length)
  const to = addresses[random.below(addresses.length)]!
  const data = random.chance(0.2) ? random.hex(random.between(1, 60)) : undefined
  const tip = BigInt(random.between(0, 3)) * GWEI
  const good = {
    type: 'eip1559',
    chainId: CHAIN_ID,
    nonce: nonces[who]!,
    to,
    value: BigInt(random.between(0, 1_000_000)) * GWEI,
    gas: data === undefined ? 21_000n : 40_000n,
    maxPriorityFeePerGas: tip,
    maxFeePerGas: baseFee + tip + BigInt(random.between(0, 3)) * GWEI,
    ...(data === undefined ? {} : { data }),
  } satisfies TransactionSerializableEIP1559
  const faults: Partial<typeof good>[] = [
    { chainId: 1 },
    { gas: 20_000n },
    { gas: 30_000_001n },
    { value: 2n * START_BALANCE },
    { maxFeePerGas: baseFee / 2n, maxPriorityFeePerGas: 0n },
    ...(good.nonce === 0
      ? []
      : [
          { nonce: good.nonce - 1, maxPriorityFeePerGas: 0n, maxFeePerGas: baseFee + 1n },
          { nonce: good.nonce - 1, maxPriorityFeePerGas: 9n * GWEI, maxFeePerGas: 2n * baseFee + 9n * GWEI },
        ]),
  ]
  if (random.chance(0.4)) return await people[who]!.signTransaction({ ...good, ...faults.at(turn % faults.length) })
  nonces[who]! += 1
  return await people[who]!.signTransaction(good)
}

test('Nonces, balances, receipts, base fees and classes of refusals are those of anvil.', async () => {
  const random = createRandom('transactions of the differential test')
  const nonces = people.map(() => 0)
  const seen = new Set<string>()
  const sent: Hex[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const head = (await askReal('eth_getBlockByNumber', 'latest', false)).result as { baseFeePerGas: Hex }
    for (let count = random.between(2, 7); count > 0; count -= 1) {
      const again = random.chance(0.1) ? sent.at(-1) : undefined
      const raw = again ?? (await drawTransaction(random, sent.length, nonces, BigInt(head.baseFeePerGas)))
      const [ours, theirs] = [
        await askSimulated('eth_sendRawTransaction', raw),
        await askReal('eth_sendRawTransaction', raw),
      ]
      expect([raw, classOf(ours)]).toEqual([raw, classOf(theirs)])
      seen.add(classOf(theirs))
      if (ours.error === undefined) expect(ours.result).toBe(theirs.result)
      sent.push(raw)
    }
    await real.control.mine(1)
    network.acts.mineSlot()
    await clock.run(1_000)
    await expectSameState(sent)
  }
  const garbage = [
    await askSimulated('eth_sendRawTransaction', '0x02c0'),
    await askReal('eth_sendRawTransaction', '0x02c0'),
  ]
  expect(garbage.map(classOf)).toEqual(['undecodable', 'undecodable'])
  // The comparison is worth something only where each kind came up.
  expect([...seen].sort()).toEqual(
    [
      'already known',
      'fee below base fee',
      'gas above block',
      'gas too low',
      'insufficient funds',
      'nonce too low',
      'replacement underpriced',
      'taken',
      'wrong chain',
    ].sort(),
  )
})

/** What both say of accounts and receipts now. */
async function expectSameState(sent: readonly Hex[]): Promise<void> {
  const questions = [
    ...addresses.flatMap((address) => [
      ['eth_getBalance', address, 'latest'],
      ['eth_getTransactionCount', address, 'latest'],
      ['eth_getTransactionCount', address, 'pending'],
    ]),
    ...sent.slice(-6).map((raw) => ['eth_getTransactionReceipt', hashOf(raw)]),
  ] as [string, ...unknown[]][]
  for (const question of questions) {
    const [ours, theirs] = [await askSimulated(...question), await askReal(...question)]
    expect([question, comparable(ours.result)]).toEqual([question, comparable(theirs.result)])
  }
  const [ours, theirs] = [
    await askSimulated('eth_getBlockByNumber', 'latest', false),
    await askReal('eth_getBlockByNumber', 'latest', false),
  ]
  const fees = ({ result }: Answer) => {
    const { baseFeePerGas, gasUsed } = result as Record<string, string>
    return { baseFeePerGas, gasUsed }
  }
  expect(fees(ours)).toEqual(fees(theirs))
}

function hashOf(raw: Hex): Hex {
  return [...network.truth.out()].find(([, out]) => out.raw === raw)![0]
}

/** Of a receipt what does not depend on where in which block it stands. */
function comparable(result: unknown): unknown {
  if (typeof result !== 'object' || result === null) return result
  const { transactionHash, status, gasUsed, effectiveGasPrice, from, to, type } = result as Record<string, unknown>
  return { transactionHash, status, gasUsed, effectiveGasPrice, from, to, type }
}
