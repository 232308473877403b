import type { NetworkName, TransactionRequest } from '@waiaas/core'
import { afterEach, describe, expect, test } from 'vitest'
import { createLedgerChain, emptyBooks } from './testing/ledger-chain.ts'
import { address, createWorld, movableClock, SOLANA_WALLET, WALLET, type World } from './testing/world.ts'

const UNIT = 10n ** 18n
const worlds: World[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

type Rows = { type: string; rules: Record<string, unknown> }[]

async function worldOf(network: NetworkName, policies: Rows, start = 1_800_000_000): Promise<World> {
  const books = emptyBooks()
  books.balances.set(WALLET, 1000n * UNIT)
  books.balances.set(SOLANA_WALLET, 1000n * UNIT)
  const adapters = new Map([[network, createLedgerChain(network, books)]])
  const world = await createWorld({ adapters, policies, owner: address(0x0b), clock: movableClock(start) })
  worlds.push(world)
  return world
}

let keys = 0
async function send(world: World, amount: string, to = address(0xcc)): Promise<string> {
  keys += 1
  const request: TransactionRequest = { type: 'TRANSFER', to, amount }
  return await world.engine.send(world.caller, request, `key ${keys}`).then(
    ({ tier }) => tier ?? 'no tier',
    (error: { code: string }) => error.code,
  )
}

const open = { type: 'SPENDING_LIMIT', rules: { instant_max: (1000n * UNIT).toString() } }

test('TIME_RESTRICTION opens and closes on the second', async () => {
  const rules = { allowed_hours: { start: 9, end: 17 }, allowed_days: [1], timezone: 'Europe/Berlin' }
  const world = await worldOf(
    'evm-local',
    [open, { type: 'TIME_RESTRICTION', rules }],
    Date.parse('2027-01-18T07:59:59Z') / 1000,
  )
  const said = [await send(world, '1')]
  world.clock.move(1)
  said.push(await send(world, '1'))
  world.clock.move(8 * 3600 - 1)
  said.push(await send(world, '1'))
  world.clock.move(1)
  said.push(await send(world, '1'))
  expect(said).toEqual(['POLICY_DENIED', 'INSTANT', 'INSTANT', 'POLICY_DENIED'])
})

test('RATE_LIMIT frees a place when the oldest leaves the window, and what was denied takes none', async () => {
  const world = await worldOf('evm-local', [
    open,
    { type: 'RATE_LIMIT', rules: { max_requests: 2, window_seconds: 60 } },
  ])
  const said = [await send(world, '1'), await send(world, '1'), await send(world, '1')]
  world.clock.move(60)
  said.push(await send(world, '1'))
  world.clock.move(1)
  said.push(await send(world, '1'), await send(world, '1'), await send(world, '1'))
  expect(said).toEqual([
    'INSTANT',
    'INSTANT',
    'RATE_LIMIT_EXCEEDED',
    'RATE_LIMIT_EXCEEDED',
    'INSTANT',
    'INSTANT',
    'RATE_LIMIT_EXCEEDED',
  ])
})

test('WHITELIST folds the case of EVM addresses and never of Solana’s', async () => {
  const payee = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
  const list = (one: string) => ({ type: 'WHITELIST', rules: { allowed_addresses: [one] } })
  const evm = await worldOf('evm-local', [open, list(payee.toLowerCase())])
  expect([await send(evm, '1', payee), await send(evm, '1', address(0xcc))]).toEqual(['INSTANT', 'WHITELIST_DENIED'])
  const solana = '4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM'
  expect(await send(await worldOf('solana-local', [open, list(solana)]), '1', solana)).toBe('INSTANT')
  const folded = await worldOf('solana-local', [open, list(solana.replace('V', 'v'))])
  expect(await send(folded, '1', solana)).toBe('WHITELIST_DENIED')
})

describe.each([
  ['the default set in lamports', [1n, 10n, 50n]],
  ['a set of one’s own', [1n, 10n, 100n]],
] as const)('edges of %s', (name, [instant, notify, delay]) => {
  const unit = name.startsWith('the default') ? 10n ** 9n : 10n ** 8n
  const edges = { instant_max: instant * unit, notify_max: notify * unit, delay_max: delay * unit }
  const rules = Object.fromEntries(Object.entries(edges).map(([key, value]) => [key, value.toString()]))

  test.each([
    [edges.instant_max, ['INSTANT', 'INSTANT', 'NOTIFY']],
    [edges.notify_max, ['NOTIFY', 'NOTIFY', 'DELAY']],
    [edges.delay_max, ['DELAY', 'DELAY', 'APPROVAL']],
  ] as const)('%s: one less, exactly, one more', async (edge, expected) => {
    const world = await worldOf('solana-local', [{ type: 'SPENDING_LIMIT', rules }])
    const to = '4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM'
    const said = []
    for (const step of [-1n, 0n, 1n]) said.push(await send(world, (edge + step).toString(), to))
    expect(said).toEqual(expected)
  })
})
