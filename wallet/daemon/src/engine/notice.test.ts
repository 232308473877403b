import { AppError } from '@openpista/common'
import type { NetworkName, TransactionRequest } from '@waiaas/core'
import { afterEach, expect, test } from 'vitest'
import { createLedgerChain, emptyBooks, type LedgerChain } from './testing/ledger-chain.ts'
import { address, createWorld, replacePolicies, WALLET, type World } from './testing/world.ts'

const ETH = 10n ** 18n
const worlds: World[] = []

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

/** A wallet with an owner, on a chain that makes no block by itself. */
async function evmWorld(): Promise<{ world: World; chain: LedgerChain }> {
  const books = emptyBooks()
  books.balances.set(WALLET, 1000n * ETH)
  const chain = createLedgerChain('evm-local', books)
  chain.setMining(false)
  const policies = [{ type: 'SPENDING_LIMIT', rules: { instant_max: (1000n * ETH).toString() } }]
  const adapters = new Map([['evm-local' as NetworkName, chain]])
  const world = await createWorld({ adapters, policies, owner: address(0x0b) })
  worlds.push(world)
  return { world, chain }
}

const payment: TransactionRequest = { type: 'TRANSFER', to: address(0xcc), humanAmount: '1' }

test.each([
  ['refused', 'SIGNED'],
  ['taken', 'SIGNED'],
  ['lost, and the daemon starts again', 'SUBMITTED'],
] as const)('a cancellation during the first hand-over stays said: %s', async (what, status) => {
  const { world, chain } = await evmWorld()
  const { broadcast } = chain
  const [asked, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  chain.broadcast = async (...given) => {
    asked.resolve()
    await late.promise
    return what === 'taken' ? await broadcast(...given) : { kind: 'not accepted', message: 'late words' }
  }
  const { id } = await world.engine.send(world.caller, payment, 'k')
  await asked.promise
  expect(await world.engine.cancel(id, 'admin')).toMatchObject({ status: 'SIGNED', notice: { code: 'CANCELLING' } })
  if (status === 'SUBMITTED') {
    // What the process before had signed counts as out.
    chain.setMisfortune(() => 'lose request')
    chain.broadcast = broadcast
    late.resolve()
    await world.restart()
    await world.db.kysely.updateTable('transactions').set({ status: 'SIGNED' }).execute()
    await world.engine.recover()
  }
  late.resolve()
  await expect.poll(async () => (await world.engine.view(id))?.status).toBe('SUBMITTED')
  const words = what === 'refused' ? { nodeWords: 'late words' } : {}
  expect(await world.engine.view(id)).toMatchObject({ closing: true, notice: { code: 'CANCELLING', ...words } })
})

test('what is missing for a proof stays said only while it is, and then what was said before it', async () => {
  const { world, chain } = await evmWorld()
  chain.setMisfortune(() => 'refuse')
  const { id } = await world.engine.send(world.caller, payment, 'k')
  await world.engine.recover()
  const { outcomes } = chain
  const noticeAfter = async (missing: boolean) => {
    const outcome = { kind: 'waiting' as const, missing: { code: 'HISTORY_UNAVAILABLE' as const, message: 'pruned' } }
    chain.outcomes = missing ? async () => ({ ok: true, outcomes: [outcome] }) : outcomes
    await world.engine.follow('evm-local')
    return (await world.engine.view(id))?.notice?.code
  }
  expect([await noticeAfter(true), await noticeAfter(false)]).toEqual(['HISTORY_UNAVAILABLE', 'NOT_ACCEPTED'])
  chain.setMisfortune(() => 'lose request')
  await world.engine.cancel(id, 'admin')
  expect([await noticeAfter(true), await noticeAfter(false)]).toEqual(['HISTORY_UNAVAILABLE', 'CANCELLING'])
})

/** Minutes in which the daemon looks at least once in each. */
async function passMinutes(world: World, minutes: number) {
  for (let minute = 0; minute < minutes; minute++) {
    world.clock.move(60)
    await world.engine.follow('evm-local')
    await world.engine.runDue()
  }
}

// reth#8661, nethermind#10210, nethermind#12755, go-ethereum#22737
test.each(['takes it', 'refuses it first'])(
  'a node that %s, and says to have what no block takes, is said so, and the payment goes on',
  async (how) => {
    const { world, chain } = await evmWorld()
    const { broadcast } = chain
    const startedAt: number[] = []
    chain.broadcast = async (_, { startAt }) => {
      startedAt.push(startAt)
      const isRefused = how === 'refuses it first' && startAt === 0
      return isRefused ? { kind: 'not accepted', message: 'fee too low' } : { kind: 'accepted' }
    }
    const { id } = await world.engine.send(world.caller, payment, 'k')
    await expect.poll(async () => (await world.engine.view(id))?.status).toBe('SUBMITTED')
    await passMinutes(world, 9)
    expect(await world.engine.view(id)).not.toHaveProperty('notice')
    await passMinutes(world, 11)
    const { notice } = (await world.engine.view(id))!
    expect(notice).toMatchObject({ code: 'NOT_MINED', nonce: '0', message: expect.stringContaining(`tx cancel ${id}`) })
    expect(world.clock.seconds() - notice!.since).toBeGreaterThan(600)
    await passMinutes(world, 1440)
    expect(await world.engine.view(id)).toMatchObject({ status: 'SUBMITTED', closing: false, notice })
    // Each time another node comes first.
    expect(startedAt).toEqual(startedAt.map((_, index) => index))
    expect(startedAt.length).toBeGreaterThan(280)
    const told = await world.db.kysely.selectFrom('events').select('type').where('type', '=', 'TX_NOT_MINED').execute()
    expect(told).toHaveLength(1)
    chain.broadcast = broadcast
    await passMinutes(world, 6)
    chain.mine()
    await world.engine.follow('evm-local')
    const paid = await world.engine.view(id)
    expect(paid).toMatchObject({ status: 'CONFIRMED' })
    expect(paid).not.toHaveProperty('notice')
    expect(await world.db.kysely.selectFrom('attempts').selectAll().execute()).toHaveLength(1)
  },
)

test('of several that no block takes, the next one of the account says so, and it can be cancelled', async () => {
  const { world, chain } = await evmWorld()
  const { broadcast } = chain
  chain.broadcast = async () => ({ kind: 'accepted' })
  const [first, second] = await Promise.all(['a', 'b'].map((key) => world.engine.send(world.caller, payment, key)))
  await passMinutes(world, 30)
  const codes = async () =>
    await Promise.all([first!, second!].map(async ({ id }) => (await world.engine.view(id))?.notice?.code))
  expect(await codes()).toEqual(['NOT_MINED', undefined])
  chain.broadcast = broadcast
  await world.engine.cancel(first!.id, 'admin')
  expect(await codes()).toEqual(['CANCELLING', undefined])
  await passMinutes(world, 6)
  for (let block = 0; block < 6; block++) chain.mine()
  await passMinutes(world, 6)
  expect(await world.engine.view(first!.id)).toMatchObject({ status: 'CANCELLED' })
  expect(await world.engine.view(second!.id)).toMatchObject({ status: 'CONFIRMED' })
})

test('a fee that became too low is the reason that is said, and one that is enough again is not', async () => {
  const { world, chain } = await evmWorld()
  chain.broadcast = async () => ({ kind: 'accepted' })
  const { id } = await world.engine.send(world.caller, payment, 'k')
  await passMinutes(world, 30)
  const code = async () => (await world.engine.view(id))?.notice?.code
  expect(await code()).toBe('NOT_MINED')
  chain.setFee(10n ** 9n)
  await passMinutes(world, 6)
  expect(await code()).toBe('FEE_CEILING')
  chain.setFee(21_000n)
  await passMinutes(world, 6)
  expect(await code()).toBeUndefined()
  await passMinutes(world, 20)
  expect(await code()).toBe('NOT_MINED')
})

test('a block that has it ends the notice, though the payment failed there and the block is not final', async () => {
  const { world, chain } = await evmWorld()
  chain.broadcast = async () => ({ kind: 'accepted' })
  const { id } = await world.engine.send(world.caller, payment, 'k')
  await passMinutes(world, 30)
  const [attempt] = await world.db.kysely.selectFrom('attempts').selectAll().execute()
  const result = { succeeded: false, fee: 1n, message: 'reverted' }
  const block = { number: 1n, hash: '0x1' }
  const included = { kind: 'included' as const, hash: attempt!.hash, block, final: false, result }
  chain.outcomes = async () => ({ ok: true, outcomes: [included] })
  await world.engine.follow('evm-local')
  const view = await world.engine.view(id)
  expect(view).toMatchObject({ status: 'SUBMITTED' })
  expect(view).not.toHaveProperty('notice')
})

const noticeOf = async (world: World, id: string) => (await world.engine.view(id))?.notice
/** The network becomes dearer once a payment was judged. */
function raiseBeforeSigning(chain: LedgerChain) {
  const { signable } = chain
  chain.signable = async (...given) => {
    chain.setFee(10n ** 9n)
    chain.signable = signable
    return await signable(...given)
  }
}

test('a network that became dearer than allowed before the signature is the reason that is said, until it is cheaper', async () => {
  const { world, chain } = await evmWorld()
  raiseBeforeSigning(chain)
  const { id } = await world.engine.send(world.caller, payment, 'k')
  await expect.poll(() => noticeOf(world, id)).toMatchObject({ code: 'FEE_CEILING' })
  await passMinutes(world, 1440)
  const dear = await world.engine.view(id)
  expect(dear).toMatchObject({
    status: 'EXECUTING',
    notice: { message: expect.stringContaining('network is cheaper') },
  })
  expect(await world.db.kysely.selectFrom('attempts').selectAll().execute()).toEqual([])
  chain.setFee(21_000n)
  await passMinutes(world, 1)
  await expect.poll(async () => (await world.engine.view(id))?.status).toBe('SUBMITTED')
  expect(await noticeOf(world, id)).toBeUndefined()
})

test('what is allowed and too dear can be cancelled, and what is behind it goes', async () => {
  const { world, chain } = await evmWorld()
  chain.setMining(true)
  raiseBeforeSigning(chain)
  const { id } = await world.engine.send(world.caller, payment, 'k')
  await expect.poll(() => noticeOf(world, id)).toMatchObject({ code: 'FEE_CEILING' })
  const next = await world.engine.send(world.caller, payment, 'next')
  await world.engine.recover()
  expect(await world.engine.view(next.id)).toMatchObject({ status: 'CONFIRMED' })
  expect(await world.engine.cancel(id, 'admin')).toMatchObject({ status: 'CANCELLED' })
})

test('each attempt to sign leaves the reason why it did not, and no older one', async () => {
  const { world, chain } = await evmWorld()
  chain.setMisfortune(() => 'refuse')
  const first = await world.engine.send(world.caller, payment, 'first')
  await world.engine.recover()
  const { id } = await world.engine.send(world.caller, payment, 'k')
  const trying = async () => {
    await world.engine.runDue()
    return await noticeOf(world, id)
  }
  await expect.poll(trying).toMatchObject({ code: 'WAITS_BEHIND' })
  // A node takes the first one, and the network becomes dearer.
  chain.setMisfortune(() => 'none')
  raiseBeforeSigning(chain)
  await passMinutes(world, 6)
  await expect.poll(trying).toMatchObject({ code: 'FEE_CEILING' })
  chain.setFee(21_000n)
  chain.mine()
  await world.engine.follow('evm-local')
  expect(await world.engine.view(first.id)).toMatchObject({ status: 'CONFIRMED' })
  chain.setDown(true)
  await expect.poll(trying).toMatchObject({ code: 'NOT_SIGNED', message: expect.stringContaining('The node is down.') })
  chain.setDown(false)
  const { sign } = world.signer
  world.signer.sign = async () => {
    throw new AppError('KEYSTORE_LOCKED', 'The keystore is not open yet.')
  }
  const locked = { code: 'NOT_SIGNED', message: expect.stringContaining('The keystore is not open yet.') }
  await expect.poll(trying).toMatchObject(locked)
  await world.engine.holdAccounts('restored')
  await expect.poll(trying).toMatchObject({ code: 'ACCOUNT_HELD', message: 'restored' })
  await world.engine.releaseAccount('evm-local', WALLET, 'admin')
  await expect.poll(trying).toMatchObject(locked)
  world.signer.sign = sign
  await expect.poll(trying).toBeUndefined()
  await expect.poll(async () => (await world.engine.view(id))?.status).toBe('SUBMITTED')
})

test('a payment that is to be judged again says why it is not', async () => {
  const { world, chain } = await evmWorld()
  chain.setMisfortune(() => 'refuse')
  await world.engine.send(world.caller, payment, 'first')
  await world.engine.recover()
  const { id } = await world.engine.send(world.caller, payment, 'k')
  await world.engine.runDue()
  await expect.poll(() => noticeOf(world, id)).toMatchObject({ code: 'WAITS_BEHIND' })
  const policies = [{ type: 'SPENDING_LIMIT', rules: { instant_max: '1', notify_max: '2', delay_max: '3' } }]
  await replacePolicies(world, policies)
  chain.setDown(true)
  await world.engine.runDue()
  await expect.poll(() => noticeOf(world, id)).toMatchObject({ code: 'NOT_SIGNED' })
  chain.setDown(false)
  await world.engine.runDue()
  await expect.poll(async () => (await world.engine.view(id))?.approval).toBeDefined()
  expect(await noticeOf(world, id)).toBeUndefined()
})
