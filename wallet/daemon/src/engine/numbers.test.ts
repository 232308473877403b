import type { NetworkName } from '@waiaas/core'
import { startEvmNode } from '@waiaas/devnet'
import { afterEach, expect, test } from 'vitest'
import { send } from '../chains/conformance-steps.fixture.ts'
import { anvil } from '../chains/evm/contracts.fixture.ts'
import { testAdapters } from '../chains/test-adapters.fixture.ts'
import { newEvmKey } from '../chains/test-keys.fixture.ts'
import { createLedgerChain, emptyBooks } from './testing/ledger-chain.ts'
import { address, createWorld, movableClock, WALLET, type World } from './testing/world.ts'

const COIN = 10n ** 18n
const end: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of end.splice(0).toReversed()) await close()
})

async function open(network: NetworkName, chainId: number) {
  const node = await startEvmNode({})
  end.push(node.stop)
  await anvil(node.rpcUrl, 'anvil_setChainId', chainId)
  const adapter = testAdapters([{ network, rpcUrls: [node.rpcUrl] }])[0]!
  end.push(adapter.close)
  const key = newEvmKey()
  await node.control.fund(key.account.address, 1000n * COIN)
  const world = await createWorld({
    adapters: new Map([[network, adapter]]),
    keys: { evm: key },
    policies: [{ type: 'SPENDING_LIMIT', rules: { instant_max: (1000n * COIN).toString() } }],
    clock: movableClock(Math.floor(Date.now() / 1000)),
  })
  end.push(world.close)
  const payee = newEvmKey().account.address
  const pay = async (amount: number) => {
    const request = { type: 'TRANSFER', to: payee, amount: String(amount) } as const
    return (await world.engine.send(world.caller, request, `payment ${amount}`)).id
  }
  const paid = async () => {
    const answer = await adapter.balance(payee)
    return answer.ok && answer.amount
  }
  /** Another program with the same key pays somebody else with this number. */
  const payElsewhere = async (sequence: bigint) => {
    const request = { type: 'TRANSFER', to: newEvmKey().account.address, amount: '7' } as const
    const drafted = await adapter.draft(request, key.account)
    if (!drafted.ok) throw new Error(drafted.message)
    const built = await adapter.signable(drafted.draft, key.account, sequence)
    if (!built.ok) throw new Error(built.message)
    const signed = built.signable.finish(key.sign(built.signable.bytes))
    expect(await send(adapter, { ...signed, from: key.account.address })).toEqual({ kind: 'accepted' })
  }
  const turn = async () => {
    world.clock.move(20)
    await world.engine.follow(network)
    await world.engine.runDue()
    await node.control.mine(1)
  }
  const ends = async (id: string, status: string) => {
    await expect
      .poll(async () => {
        await turn()
        const view = await world.engine.view(id)
        return view?.status === 'FAILED' && status !== 'FAILED' ? view.error : view?.status
      })
      .toBe(status)
  }
  return { node, world, wallet: key.account.address, payElsewhere, pay, paid, ends }
}

const eventsOf = async (world: World, type: string) =>
  (await world.db.kysely.selectFrom('events').select('data').where('type', '=', type).execute()).map(
    ({ data }) => JSON.parse(data) as Record<string, unknown>,
  )

test('numbers that the key used elsewhere are reported, and every payment is made once', async () => {
  const { world, wallet, payElsewhere, pay, paid, ends } = await open('evm-local', 31337)
  await ends(await pay(1), 'CONFIRMED')
  for (const number of [1n, 2n, 3n]) await payElsewhere(number)
  const [second, third] = [await pay(10), await pay(100)]
  await ends(second, 'CONFIRMED')
  await ends(third, 'CONFIRMED')
  expect(await paid()).toBe(111n)
  const told = await eventsOf(world, 'SEQUENCE_USED_ELSEWHERE')
  expect(told).toEqual([{ network: 'evm-local', address: wallet, from: expect.any(String), to: '3', held: false }])
  expect((await eventsOf(world, 'TX_SIGNATURE_DEAD')).length).toBeGreaterThan(0)
})

test('a chain of one’s own that was started anew under an old database is told of, and payments go on', async () => {
  const { node, world, wallet, pay, paid, ends } = await open('evm-local', 31337)
  for (const amount of [1, 10, 100]) await ends(await pay(amount), 'CONFIRMED')
  await anvil(node.rpcUrl, 'anvil_reset')
  await anvil(node.rpcUrl, 'anvil_setChainId', 31337)
  await node.control.fund(wallet, 1000n * COIN)
  await world.restart()
  await world.engine.recover()
  expect(await eventsOf(world, 'CHAIN_STARTED_ANEW')).toEqual([{ network: 'evm-local', address: wallet, next: '0' }])
  await ends(await pay(1000), 'CONFIRMED')
  expect(await paid()).toBe(1000n)
})

test('nodes of a public network that do not know what was final get nothing to sign: the payment fails and says why', async () => {
  const { node, world, wallet, pay, ends } = await open('ethereum-sepolia', 11155111)
  const first = await pay(1)
  await ends(first, 'CONFIRMED')
  await node.control.mine(80)
  await world.engine.follow('ethereum-sepolia')
  expect((await world.db.kysely.selectFrom('attempts').select('state').executeTakeFirst())?.state).toBe('FINAL')
  await anvil(node.rpcUrl, 'anvil_reset')
  await anvil(node.rpcUrl, 'anvil_setChainId', 11155111)
  await node.control.fund(wallet, 1000n * COIN)
  await world.restart()
  await world.engine.recover()
  const second = await pay(10)
  await ends(second, 'FAILED')
  expect((await world.engine.view(second))?.error?.message).toContain('reset')
  const { length } = await world.db.kysely.selectFrom('attempts').select('id').execute()
  expect(length).toBe(1)
})

test('a number whose signature was forgotten before it was stored is filled, and the payment behind it goes', async () => {
  const books = emptyBooks()
  books.balances.set(WALLET, COIN)
  const chain = createLedgerChain('evm-local', books)
  const forgotten: Promise<unknown>[] = []
  const world = await createWorld({
    adapters: new Map([['evm-local', chain]]),
    policies: [{ type: 'SPENDING_LIMIT', rules: { instant_max: COIN.toString() } }],
    keys: {
      evm: {
        account: { address: WALLET, publicKey: '' },
        sign: (bytes) => {
          const { amount } = JSON.parse(Buffer.from(bytes).toString()) as { amount: string }
          // Somebody ends the first payment between its signature and its storing.
          if (amount === '1') forgotten.push(failed('payment 1').execute())
          return new Uint8Array(65)
        },
      },
    },
  })
  end.push(world.close)
  const failed = (key: string) =>
    world.db.kysely.updateTable('transactions').set({ status: 'FAILED' }).where('idempotency_key', '=', key)
  const pay = (amount: number) => {
    const request = { type: 'TRANSFER', to: address(0xcc), amount: String(amount) } as const
    return world.engine.send(world.caller, request, `payment ${amount}`)
  }
  const [, second] = await Promise.all([pay(1), pay(2)])
  await expect
    .poll(async () => {
      world.clock.move(30)
      await world.engine.follow('evm-local')
      await world.engine.runDue()
      return (await world.engine.view(second.id))?.status
    })
    .toBe('CONFIRMED')
  await Promise.all(forgotten)
  expect(forgotten).toHaveLength(1)
  expect(books.blocks.map(({ to, amount, sequence }) => ({ to, amount, sequence }))).toEqual([
    { to: WALLET, amount: 0n, sequence: 0n },
    { to: address(0xcc), amount: 2n, sequence: 1n },
  ])
})
