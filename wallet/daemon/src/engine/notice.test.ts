import type { NetworkName, TransactionRequest } from '@waiaas/core'
import { afterEach, expect, test } from 'vitest'
import { createLedgerChain, emptyBooks, type LedgerChain } from './testing/ledger-chain.ts'
import { address, createWorld, WALLET, type World } from './testing/world.ts'

const ETH = 10n ** 18n
const worlds: World[] = []

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

/** A wallet on a chain that makes no block by itself. */
async function evmWorld(): Promise<{ world: World; chain: LedgerChain }> {
  const books = emptyBooks()
  books.balances.set(WALLET, 1000n * ETH)
  const chain = createLedgerChain('evm-local', books)
  chain.setMining(false)
  const policies = [{ type: 'SPENDING_LIMIT', rules: { instant_max: (1000n * ETH).toString() } }]
  const world = await createWorld({ adapters: new Map([['evm-local' as NetworkName, chain]]), policies })
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
