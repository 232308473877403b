import type { NetworkName } from '@waiaas/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChainAdapter } from '../chains/chain-adapter.ts'
import { spentUnder } from '../store/ledger.ts'
import { verifyEvents } from '../store/verify-audit.ts'
import type { Step } from './parts.ts'
import { createLedgerChain, emptyBooks, type Misfortune } from './testing/ledger-chain.ts'
import { address, createWorld, movableClock, SOLANA_WALLET, WALLET } from './testing/world.ts'

const FUNDS = 10n ** 24n
const steps: Step[] = ['judged', 'signed', 'broadcast', 'submitted', 'settled', 'replaced']
const FEE = 21_000n

type Command =
  | { kind: 'send' }
  | { kind: 'send again'; which: number }
  | { kind: 'luck'; luck: Misfortune }
  | { kind: 'mine' }
  | { kind: 'reorganize'; count: number; keep: boolean }
  | { kind: 'pass time'; blocks: number }
  | { kind: 'fee'; percent: number }
  | { kind: 'cancel'; which: number }
  | { kind: 'wait' }
  | { kind: 'tick' }
  | { kind: 'crash'; at: Step }

const sends = fc.constant<Command>({ kind: 'send' })
const sendsAgain = fc.record({ kind: fc.constant('send again' as const), which: fc.nat(20) })
const fees = fc.record({ kind: fc.constant('fee' as const), percent: fc.constantFrom(50, 100, 115, 150, 190, 300) })
const cancels = fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(20) })
const mines = fc.constant<Command>({ kind: 'mine' })
const ticks = fc.constant<Command>({ kind: 'tick' })
const waits = fc.constant<Command>({ kind: 'wait' })
const crashes = fc.record({ kind: fc.constant('crash' as const), at: fc.constantFrom(...steps) })
const reorganizations = fc.record({
  kind: fc.constant('reorganize' as const),
  count: fc.integer({ min: 1, max: 3 }),
  keep: fc.boolean(),
})

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: sends },
  sendsAgain,
  fc.record({
    kind: fc.constant('luck' as const),
    luck: fc.constantFrom<Misfortune>('none', 'lose answer', 'lose request', 'refuse', 'take and refuse'),
  }),
  mines,
  reorganizations,
  fc.record({ kind: fc.constant('pass time' as const), blocks: fc.constantFrom(1, 50, 150) }),
  { weight: 2, arbitrary: ticks },
  { weight: 2, arbitrary: crashes },
)

/** The same, where fees rise and fall and callers change their minds. */
const feeCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: sends },
  { weight: 4, arbitrary: fees },
  { weight: 4, arbitrary: cancels },
  { weight: 6, arbitrary: waits },
  { weight: 2, arbitrary: mines },
  { weight: 2, arbitrary: reorganizations },
  { weight: 2, arbitrary: crashes },
  command,
)

/** A daemon that may die at a step: from then on nothing that it does reaches chain or store. */
async function createMortal(network: NetworkName) {
  const books = emptyBooks()
  const wallet = network === 'evm-local' ? WALLET : SOLANA_WALLET
  books.balances.set(wallet, FUNDS)
  const chain = createLedgerChain(network, books)
  chain.setMining(false)
  let dead = false
  let deathAt: Step | undefined
  const alive = <Arguments extends unknown[], Result>(method: (...given: Arguments) => Promise<Result>) => {
    return async (...given: Arguments) => {
      if (dead) throw new Error('dead')
      const result = await method(...given)
      if (dead) throw new Error('dead')
      return result
    }
  }
  const adapter: ChainAdapter = {
    ...chain,
    draft: alive(chain.draft),
    signable: alive(chain.signable),
    broadcast: alive(chain.broadcast),
    outcomes: alive(chain.outcomes),
    ...(chain.replacement === undefined ? {} : { replacement: alive(chain.replacement) }),
  }
  const clock = movableClock()
  const world = await createWorld({
    adapters: new Map([[network, adapter]]),
    clock,
    policies: [{ type: 'SPENDING_LIMIT', rules: { instant_max: FUNDS.toString() } }],
    settings: { maxSignatures: 50 },
    onStep: (step) => {
      if (dead || step === deathAt) {
        dead = true
        throw new Error('dead')
      }
    },
  })
  const revive = async () => {
    await world.restart()
    dead = false
    deathAt = undefined
    await world.engine.recover()
  }
  return {
    world,
    chain,
    clock,
    wallet,
    die: (at: Step) => {
      deathAt = at
    },
    isDead: () => dead,
    revive,
  }
}

type Mortal = Awaited<ReturnType<typeof createMortal>>

const payee = (network: NetworkName) => (network === 'evm-local' ? address(0xcc) : '11111111111111111111111111111111')

/** A payment is known by its amount: the first is 1, the second 2. */
async function pay({ world }: Mortal, network: NetworkName, number: number): Promise<void> {
  const request = { type: 'TRANSFER', to: payee(network), amount: number.toString() } as const
  await Promise.allSettled([world.engine.send(world.caller, request, `key ${number}`)])
}

async function cancel({ world }: Mortal, number: number): Promise<void> {
  const row = await world.db.kysely
    .selectFrom('transactions')
    .select('id')
    .where('idempotency_key', '=', `key ${number}`)
    .executeTakeFirst()
  if (row !== undefined) await Promise.allSettled([world.engine.cancel(row.id, 'test')])
}

async function obey(mortal: Mortal, network: NetworkName, next: Command, sent: number): Promise<number> {
  const { chain, clock, world } = mortal
  switch (next.kind) {
    case 'send':
      await pay(mortal, network, sent + 1)
      return sent + 1
    case 'send again':
      if (sent > 0) await pay(mortal, network, (next.which % sent) + 1)
      break
    case 'luck':
      chain.setMisfortune(() => next.luck)
      break
    case 'mine':
      chain.mine()
      break
    case 'reorganize': {
      const young = chain.books.blocks.filter(({ height }) => chain.books.height - height < 5n).length
      chain.reorganize(Math.min(next.count, young), next.keep)
      break
    }
    case 'pass time':
      for (let block = 0; block < next.blocks; block++) chain.mine()
      clock.move(next.blocks)
      break
    case 'fee':
      chain.setFee((FEE * BigInt(next.percent)) / 100n)
      break
    case 'cancel':
      if (sent > 0) await cancel(mortal, (next.which % sent) + 1)
      break
    case 'wait':
      clock.move(40)
      await Promise.allSettled([world.engine.follow(network)])
      break
    case 'tick':
      await Promise.allSettled([world.engine.runDue()])
      await Promise.allSettled([world.engine.follow(network)])
      break
    case 'crash':
      mortal.die(next.at)
  }
  return sent
}

/** Good luck from here on, and a client that asks again for everything it ever sent. */
async function endWell(mortal: Mortal, network: NetworkName, sent: number): Promise<void> {
  const { chain, clock } = mortal
  chain.setMisfortune(() => 'none')
  chain.setFee(FEE / 2n)
  await mortal.revive()
  for (let number = 1; number <= sent; number++) await pay(mortal, network, number)
  for (let round = 0; round < 12; round++) {
    clock.move(400)
    await mortal.world.engine.runDue()
    await mortal.world.engine.recover()
    chain.mine()
  }
  await mortal.world.engine.follow(network)
}

async function assertBooks(mortal: Mortal, network: NetworkName, sent: number): Promise<void> {
  const { chain, world, wallet, clock } = mortal
  const rows = await world.db.kysely.selectFrom('transactions').selectAll().execute()
  expect(rows).toHaveLength(sent)
  const { blocks } = chain.books
  for (const row of rows) {
    const { amount } = JSON.parse(row.request) as { amount: string }
    const paid = blocks.filter((block) => block.to === payee(network) && block.amount === BigInt(amount))
    expect(['CONFIRMED', 'FAILED', 'CANCELLED'], `payment ${amount}`).toContain(row.status)
    expect(paid.length, `payment ${amount} is ${row.status}`).toBe(row.status === 'CONFIRMED' ? 1 : 0)
  }
  if (network === 'evm-local') {
    expect(blocks.map(({ sequence }) => sequence)).toEqual(blocks.map((_, index) => BigInt(index)))
  }
  const out = blocks.reduce((sum, { amount, fee, to }) => sum + (to === wallet ? 0n : amount) + fee, 0n)
  expect(chain.books.balances.get(wallet)).toBe(FUNDS - out)
  expect(await spentUnder(world.db.kysely, world.agentId, 'native', clock.seconds() - 1_000_000)).toBe(out)
  expect(await verifyEvents(world.db.kysely)).toMatchObject({ ok: true })
}

test.each<[NetworkName, string, fc.Arbitrary<Command>, number]>([
  ['evm-local', 'lost, refused, reorganized or killed', command, 3],
  ['solana-local', 'lost, refused, reorganized or killed', command, 3],
  ['evm-local', 'replaced, cancelled, reorganized or killed', feeCommand, 15],
])(
  'on %s, whatever is %s, every payment is made at most once and booked as it was',
  async (network, _, commands, minLength) => {
    await fc.assert(
      fc.asyncProperty(fc.array(commands, { minLength, maxLength: 30 }), async (obeyed) => {
        const mortal = await createMortal(network)
        try {
          let sent = 0
          for (const next of obeyed) {
            sent = await obey(mortal, network, next, sent)
            if (mortal.isDead()) await mortal.revive()
          }
          await endWell(mortal, network, sent)
          await assertBooks(mortal, network, sent)
        } finally {
          await mortal.world.close()
        }
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 25) },
    )
  },
  300_000,
)
