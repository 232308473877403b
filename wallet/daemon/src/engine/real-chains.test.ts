import { systemTimers } from '@openpista/common'
import type { NetworkName } from '@waiaas/core'
import { type Control, startEvmNode, startSolanaNode } from '@waiaas/devnet'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { testAdapters } from '../chains/test-adapters.fixture.ts'
import { newEvmKey, newSolanaKey } from '../chains/test-keys.fixture.ts'
import { startJobs } from '../jobs/jobs.ts'
import { createWorld, movableClock, type World, type WorldKey } from './testing/world.ts'

type Node = { rpcUrl: string; control: Control; stop: () => Promise<void> }

const chains = [
  {
    network: 'evm-local' as NetworkName,
    family: 'evm',
    start: (): Promise<Node> => startEvmNode({}),
    newKey: newEvmKey,
    coin: 10n ** 18n,
    sendMethod: 'eth_sendRawTransaction',
  },
  {
    network: 'solana-local' as NetworkName,
    family: 'solana',
    start: (): Promise<Node> => startSolanaNode({ slotMs: 100 }),
    newKey: newSolanaKey,
    coin: 10n ** 9n,
    sendMethod: 'sendTransaction',
  },
]

describe.each(chains)('on $network', ({ network, family, start, newKey, coin, sendMethod }) => {
  let node: Node
  let end: (() => Promise<void>)[] = []

  beforeAll(async () => {
    node = await start()
  })
  afterAll(() => node.stop())
  afterEach(async () => {
    for (const close of end.splice(0).toReversed()) await close()
    end = []
  })

  async function open(): Promise<{ world: World; key: WorldKey; balanceOf: (address: string) => Promise<bigint> }> {
    const key = newKey()
    await node.control.fund(key.account.address, 1000n * coin)
    const adapters = new Map(testAdapters([{ network, rpcUrls: [node.rpcUrl] }]).map((one) => [one.network.name, one]))
    const adapter = adapters.get(network)!
    const world = await createWorld({
      adapters,
      keys: { [family]: key },
      policies: [{ type: 'SPENDING_LIMIT', rules: { instant_max: (1000n * coin).toString() } }],
      clock: { ...movableClock(), seconds: () => Math.floor(Date.now() / 1000), millis: () => Date.now() },
      settings: { rebroadcastMillis: 500, finalityMillis: 1000, retryMillis: 200 },
    })
    const jobs = startJobs({
      engine: world.engine,
      timers: systemTimers,
      adapters,
      log: world.log,
      tickMillis: 100,
    })
    end.push(() => adapter.close(), world.close, jobs.close)
    const balanceOf = async (address: string) => {
      const answer = await adapter.balance(address)
      if (!answer.ok) throw new Error(answer.message)
      return answer.amount
    }
    return { world, key, balanceOf }
  }

  const send = (world: World, to: string, amount: bigint, key: string) =>
    world.engine.send(world.caller, { type: 'TRANSFER', to, amount: amount.toString() }, key)

  test('a payment is made, and its fee is what the wallet lost', async () => {
    const { world, key, balanceOf } = await open()
    const payee = newKey().account.address
    const { id } = await send(world, payee, coin / 10n, 'k')
    const view = await world.engine.wait(id, 20)
    expect(view).toMatchObject({ status: 'CONFIRMED', humanAmount: '0.1' })
    expect(await balanceOf(payee)).toBe(coin / 10n)
    const left = 1000n * coin - coin / 10n - BigInt(view.fee!)
    expect(await balanceOf(key.account.address)).toBe(left)
    expect(BigInt(view.fee!)).toBeLessThanOrEqual(BigInt(view.maxFee!))
  })

  test.each(['loseAnswer', 'loseRequest'] as const)(
    'with %s the payment is made once',
    async (kind) => {
      const { world, balanceOf } = await open()
      const payee = newKey().account.address
      await node.control.misbehave({ method: sendMethod, action: { kind } })
      const { id } = await send(world, payee, coin / 10n, 'k')
      expect(await world.engine.wait(id, 30)).toMatchObject({ status: 'CONFIRMED' })
      expect(await balanceOf(payee)).toBe(coin / 10n)
      expect(await world.db.kysely.selectFrom('attempts').select('id').execute()).toHaveLength(1)
    },
    60_000,
  )

  test('32 at once from one wallet are all made', async () => {
    const { world, balanceOf } = await open()
    const payee = newKey().account.address
    const sent = await Promise.all(
      Array.from({ length: 32 }, (_, index) => send(world, payee, coin / 10n, `k${index}`)),
    )
    const ends = await Promise.all(sent.map(({ id }) => world.engine.wait(id, 40)))
    expect(ends.map(({ status }) => status)).toEqual(Array.from({ length: 32 }, () => 'CONFIRMED'))
    expect(await balanceOf(payee)).toBe((32n * coin) / 10n)
  })
})
