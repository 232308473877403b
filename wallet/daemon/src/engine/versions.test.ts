import type { NetworkName } from '@waiaas/core'
import { startEvmNode } from '@waiaas/devnet'
import fc from 'fast-check'
import { afterAll, afterEach, expect, test } from 'vitest'
import type { ChainAdapter } from '../chains/chain-adapter.ts'
import { send } from '../chains/conformance-steps.fixture.ts'
import { anvil } from '../chains/evm/contracts.fixture.ts'
import { testAdapters } from '../chains/test-adapters.fixture.ts'
import { newEvmKey } from '../chains/test-keys.fixture.ts'
import { spentUnder } from '../store/ledger.ts'
import { verifyEvents } from '../store/verify-audit.ts'
import { sentAttempt } from './broadcast.ts'
import type { Step } from './parts.ts'
import { createLedgerChain, emptyBooks } from './testing/ledger-chain.ts'
import { createWorld, movableClock, SOLANA_WALLET, type World } from './testing/world.ts'

const COIN = 10n ** 18n
const GWEI = 10n ** 9n
/** A network whose blocks can vanish, unlike those of a local one; the node is told to be it. */
const network: NetworkName = 'ethereum-sepolia'
const node = await startEvmNode({})
await anvil(node.rpcUrl, 'anvil_setChainId', 11155111)
const adapter = testAdapters([{ network, rpcUrls: [node.rpcUrl] }])[0]!
const end: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of end.splice(0).toReversed()) await close()
  await node.control.behave()
  await node.control.resumeMining()
})
afterAll(async () => {
  await adapter.close()
  await node.stop()
})

/** Asks for the price of gas each time, where the daemon asks once per block. */
function pricing(): Pick<ChainAdapter, 'draft' | 'signable' | 'replacement'> {
  const fresh = () => testAdapters([{ network, rpcUrls: [node.rpcUrl] }])[0]!
  return {
    draft: (...given) => fresh().draft(...given),
    signable: (...given) => fresh().signable(...given),
    replacement: (...given) => fresh().replacement!(...given),
  }
}

/** A daemon whose clock is moved by hand, and that may die at a step: then nothing that it does reaches chain or store. */
async function open() {
  const key = newEvmKey()
  await node.control.fund(key.account.address, 1000n * COIN)
  let deathAt: Step | undefined
  let dead = false
  const alive = <Given extends unknown[], Result>(method: (...given: Given) => Promise<Result>) => {
    return async (...given: Given) => {
      if (dead) throw new Error('dead')
      return await method(...given)
    }
  }
  const { draft, signable, replacement } = pricing()
  const mortal: ChainAdapter = {
    ...adapter,
    draft: alive(draft),
    signable: alive(signable),
    replacement: alive(replacement!),
    broadcast: alive(adapter.broadcast),
    outcomes: alive(adapter.outcomes),
  }
  const world = await createWorld({
    adapters: new Map([[network, mortal]]),
    keys: { evm: key },
    policies: [{ type: 'SPENDING_LIMIT', rules: { instant_max: (1000n * COIN).toString() } }],
    clock: movableClock(Math.floor(Date.now() / 1000)),
    settings: { maxSignatures: 50 },
    onStep: (step) => {
      if (!dead && step !== deathAt) return
      dead = true
      throw new Error('dead')
    },
  })
  end.push(world.close)
  const revive = async () => {
    await world.restart()
    dead = false
    deathAt = undefined
    await world.engine.recover()
  }
  const die = (at: Step) => {
    deathAt = at
  }
  const payee = newEvmKey().account.address
  return { world, payee, wallet: key.account.address, die, isDead: () => dead, revive }
}

type Open = Awaited<ReturnType<typeof open>>

async function submit({ world, payee }: Open, key = 'k'): Promise<string> {
  const { id } = await world.engine.send(world.caller, { type: 'TRANSFER', to: payee, amount: '1000' }, key)
  await statusOf(world, id, 'SUBMITTED')
  return id
}

async function statusOf(world: World, id: string, status: string) {
  await expect.poll(async () => (await world.engine.view(id))?.status).toBe(status)
}

/** A block that holds nothing of what was signed before, at this base fee. Prices are fresh afterwards. */
async function blockAt(gwei: bigint): Promise<void> {
  await anvil(node.rpcUrl, 'anvil_setNextBlockBaseFeePerGas', `0x${(gwei * GWEI).toString(16)}`)
  await node.control.mine(1)
}

/** The daemon's own look at the chain, long enough after the last one. */
async function look(world: World, times = 1): Promise<void> {
  for (let turn = 0; turn < times; turn++) {
    world.clock.move(400)
    await world.engine.follow(network)
  }
}

const attemptsOf = (world: World) => world.db.kysely.selectFrom('attempts').selectAll().orderBy('id').execute()
const eventsOf = async (world: World) =>
  (await world.db.kysely.selectFrom('events').select('type').execute()).map((one) => one.type)
const balanceOf = async (address: string) => {
  const answer = await adapter.balance(address)
  if (!answer.ok) throw new Error(answer.message)
  return answer.amount
}

/** Money out of the wallet is what the ledger says, and the log is whole. */
async function assertBooks({ world, wallet }: Open): Promise<void> {
  const out = 1000n * COIN - (await balanceOf(wallet))
  expect(await spentUnder(world.db.kysely, world.agentId, 'native', world.clock.seconds() - 1_000_000)).toBe(out)
  expect(await verifyEvents(world.db.kysely)).toMatchObject({ ok: true })
}

async function waiting(place: Open): Promise<string> {
  await blockAt(1n)
  await node.control.pauseMining()
  return await submit(place)
}

/** A payment that waits for too low a fee: signed when gas cost 1 gwei, and now it costs more. The node forgets it. */
async function stuck(place: Open, gwei: bigint): Promise<string> {
  const id = await waiting(place)
  await blockAt(gwei)
  return id
}

test('a payment whose fee became too low is signed again with the same number, and paid once', async () => {
  const place = await open()
  const id = await stuck(place, 4n)
  await look(place.world)
  const [first, second] = await attemptsOf(place.world)
  expect(second).toMatchObject({ sequence: first!.sequence, replaces: first!.id, purpose: 'PAYMENT', state: 'LIVE' })
  expect((await place.world.engine.view(id))?.hash).toBe(second!.hash)
  await blockAt(4n)
  await look(place.world)
  const view = await place.world.engine.view(id)
  expect(view).toMatchObject({ status: 'CONFIRMED', hash: second!.hash })
  expect(BigInt(view!.fee!)).toBeLessThanOrEqual(BigInt(view!.maxFee!))
  expect(await balanceOf(place.payee)).toBe(1000n)
  await assertBooks(place)
  await node.control.mine(100)
  await look(place.world, 2)
  expect((await attemptsOf(place.world)).map(({ state }) => state)).toEqual(['DEAD', 'FINAL'])
  expect((await place.world.engine.view(id))?.status).toBe('CONFIRMED')
})

test('above the fee that was allowed nothing is signed: the payment says why it waits, and goes when gas is cheaper', async () => {
  const place = await open()
  const id = await stuck(place, 20n)
  await look(place.world, 3)
  const before = await place.world.engine.view(id)
  expect(before).toMatchObject({
    status: 'SUBMITTED',
    notice: { code: 'FEE_CEILING', message: expect.stringContaining('fee that was allowed') },
  })
  expect(await attemptsOf(place.world)).toHaveLength(1)
  expect((await eventsOf(place.world)).filter((type) => type === 'TX_FEE_CEILING_REACHED')).toHaveLength(1)
  await blockAt(1n)
  await look(place.world)
  await node.control.mine(1)
  await look(place.world)
  const view = await place.world.engine.view(id)
  expect(view).toMatchObject({ status: 'CONFIRMED', hash: before!.hash })
  expect(view).not.toHaveProperty('notice')
  await assertBooks(place)
})

test('a payment that is out is cancelled by nothing with its number, and stays open until that is final', async () => {
  const place = await open()
  const id = await waiting(place)
  const asked = await place.world.engine.cancel(id, 'session:s')
  expect(asked).toMatchObject({ status: 'SUBMITTED', closing: true, notice: { code: 'CANCELLING' } })
  expect(await place.world.engine.cancel(id, 'session:s')).toMatchObject({ status: 'SUBMITTED' })
  expect((await attemptsOf(place.world)).map(({ purpose }) => purpose)).toEqual(['PAYMENT', 'CANCEL'])
  await node.control.mine(1)
  await look(place.world)
  expect((await place.world.engine.view(id))?.status).toBe('SUBMITTED')
  await node.control.mine(70)
  await look(place.world)
  const [, cancel] = await attemptsOf(place.world)
  expect(await place.world.engine.view(id)).toMatchObject({ status: 'CANCELLED', hash: cancel!.hash })
  expect(await balanceOf(place.payee)).toBe(0n)
  await assertBooks(place)
  await expect(place.world.engine.cancel(id, 'session:s')).rejects.toMatchObject({ code: 'TX_ALREADY_PROCESSED' })
})

test('a payment that is paid before its cancellation arrives is CONFIRMED', async () => {
  const place = await open()
  const id = await waiting(place)
  await node.control.misbehave({ method: 'eth_sendRawTransaction', action: { kind: 'loseRequest' } })
  await place.world.engine.cancel(id, 'session:s')
  const [payment] = await attemptsOf(place.world)
  await node.control.mine(100)
  await look(place.world, 3)
  expect(await place.world.engine.view(id)).toMatchObject({ status: 'CONFIRMED', hash: payment!.hash })
  expect((await attemptsOf(place.world)).map(({ state }) => state)).toEqual(['FINAL', 'DEAD'])
  expect(await balanceOf(place.payee)).toBe(1000n)
  await assertBooks(place)
})

test('a reorganisation between two versions: the one that is in a block in the end is the one that is shown', async () => {
  const place = await open()
  const id = await stuck(place, 4n)
  await node.control.misbehave({ method: 'eth_sendRawTransaction', action: { kind: 'loseRequest' } })
  await look(place.world)
  const [first, second] = await attemptsOf(place.world)
  await blockAt(1n)
  expect(await send(adapter, sentAttempt(first!))).toEqual({ kind: 'accepted' })
  await node.control.mine(1)
  await place.world.engine.follow(network)
  expect(await place.world.engine.view(id)).toMatchObject({ status: 'CONFIRMED', hash: first!.hash })
  await node.control.reorganise(1)
  await look(place.world)
  expect((await place.world.engine.view(id))?.status).toBe('SUBMITTED')
  await node.control.mine(1)
  await look(place.world)
  expect(await place.world.engine.view(id)).toMatchObject({ status: 'CONFIRMED', hash: second!.hash })
  expect(await balanceOf(place.payee)).toBe(1000n)
  expect(await eventsOf(place.world)).toContain('TX_REORGANIZED')
  await assertBooks(place)
})

test('a payment that is in another block in the end is booked with the fee of that one', async () => {
  const place = await open()
  const id = await waiting(place)
  const [sent] = await attemptsOf(place.world)
  await node.control.mine(1)
  await place.world.engine.follow(network)
  const before = await place.world.engine.view(id)
  expect(before).toMatchObject({ status: 'CONFIRMED' })
  await node.control.reorganise(1)
  await send(adapter, sentAttempt(sent!))
  await anvil(node.rpcUrl, 'anvil_setNextBlockBaseFeePerGas', `0x${(GWEI + GWEI / 5n).toString(16)}`)
  await node.control.mine(1)
  await look(place.world)
  expect(await place.world.engine.view(id)).toMatchObject({ status: 'CONFIRMED', hash: sent!.hash })
  expect((await place.world.engine.view(id))?.fee).not.toEqual(before?.fee)
  await assertBooks(place)
})

test('what is out on a chain where nothing can take its place ends cancelled when it is proven dead, and is not signed again', async () => {
  const chain = createLedgerChain('solana-local', emptyBooks())
  chain.setMining(false)
  chain.books.balances.set(SOLANA_WALLET, COIN)
  const policies = [{ type: 'SPENDING_LIMIT', rules: { instant_max: COIN.toString() } }]
  const world = await createWorld({ adapters: new Map([['solana-local' as NetworkName, chain]]), policies })
  end.push(world.close)
  const request = { type: 'TRANSFER', to: '11111111111111111111111111111111', amount: '5' } as const
  const { id } = await world.engine.send(world.caller, request, 'k')
  await statusOf(world, id, 'SUBMITTED')
  expect(await world.engine.cancel(id, 'session:s')).toMatchObject({ status: 'SUBMITTED', closing: true })
  chain.books.pool.clear()
  chain.books.height += 200n
  await world.engine.follow('solana-local')
  expect(await world.engine.view(id)).toMatchObject({ status: 'CANCELLED' })
  expect(await attemptsOf(world)).toHaveLength(1)
  expect(await spentUnder(world.db.kysely, world.agentId, 'native', world.clock.seconds() - 60)).toBe(0n)
})

test.each<Step>(['replaced', 'broadcast'])(
  'killed at "%s" of a new version, the daemon pays once',
  async (step) => {
    const place = await open()
    const id = await stuck(place, 4n)
    place.die(step)
    await Promise.allSettled([look(place.world)])
    expect(place.isDead()).toBe(true)
    await place.revive()
    await look(place.world)
    await blockAt(4n)
    await look(place.world)
    const attempts = await attemptsOf(place.world)
    expect(new Set(attempts.map(({ sequence }) => sequence)).size).toBe(1)
    expect(await place.world.engine.view(id)).toMatchObject({ status: 'CONFIRMED', hash: attempts.at(-1)!.hash })
    expect(await balanceOf(place.payee)).toBe(1000n)
    await assertBooks(place)
  },
  60_000,
)

type Command =
  | { kind: 'send' }
  | { kind: 'cancel'; which: number }
  | { kind: 'block'; gwei: bigint }
  | { kind: 'look' }
  | { kind: 'lose'; what: 'loseAnswer' | 'loseRequest' }
  | { kind: 'reorganise' }
  | { kind: 'crash'; at: Step }

const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Command>({ kind: 'send' }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('block' as const), gwei: fc.constantFrom(1n, 2n, 4n, 9n) }) },
  { weight: 4, arbitrary: fc.constant<Command>({ kind: 'look' }) },
  fc.record({
    kind: fc.constant('lose' as const),
    what: fc.constantFrom('loseAnswer' as const, 'loseRequest' as const),
  }),
  fc.constant<Command>({ kind: 'reorganise' }),
  fc.record({
    kind: fc.constant('crash' as const),
    at: fc.constantFrom<Step>('signed', 'broadcast', 'settled', 'replaced'),
  }),
)

async function obey(place: Open, next: Command, sent: string[]): Promise<void> {
  const { world, payee } = place
  const rows = await world.db.kysely.selectFrom('transactions').select('id').orderBy('id').execute()
  switch (next.kind) {
    case 'send': {
      sent.push(String(sent.length + 1))
      const request = { type: 'TRANSFER', to: payee, amount: String(2 ** (sent.length - 1)) } as const
      await Promise.allSettled([world.engine.send(world.caller, request, sent.at(-1)!)])
      break
    }
    case 'cancel':
      if (rows.length > 0) await Promise.allSettled([world.engine.cancel(rows[next.which % rows.length]!.id, 'test')])
      break
    case 'block':
      await blockAt(next.gwei)
      break
    case 'look':
      await Promise.allSettled([look(world)])
      await Promise.allSettled([world.engine.runDue()])
      break
    case 'lose':
      await node.control.misbehave({ method: 'eth_sendRawTransaction', action: { kind: next.what } })
      break
    case 'reorganise':
      await node.control.reorganise(1)
      break
    case 'crash':
      place.die(next.at)
  }
  if (place.isDead()) await place.revive()
}

test('on a real node, whatever is replaced, cancelled, lost, reorganised or killed, each payment is made as its row says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(commands, { minLength: 10, maxLength: 20 }), async (all) => {
      await node.control.behave()
      await node.control.resumeMining()
      await blockAt(1n)
      const place = await open()
      await node.control.mine(2)
      await node.control.pauseMining()
      const sent: string[] = []
      for (const next of all) await obey(place, next, sent)
      await node.control.behave()
      await place.revive()
      for (let round = 0; round < 8; round++) {
        await blockAt(1n)
        await look(place.world)
        await place.world.engine.runDue()
        await node.control.mine(20)
      }
      const rows = await place.world.db.kysely.selectFrom('transactions').selectAll().orderBy('id').execute()
      const paid = rows.filter(({ status }) => status === 'CONFIRMED')
      expect(rows.filter(({ status }) => !['CONFIRMED', 'CANCELLED', 'FAILED'].includes(status))).toEqual([])
      const due = paid.reduce((sum, row) => sum + BigInt((JSON.parse(row.request) as { amount: string }).amount), 0n)
      expect(await balanceOf(place.payee)).toBe(due)
      await assertBooks(place)
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 10) },
  )
}, 600_000)
