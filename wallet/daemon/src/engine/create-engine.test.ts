import { approvalDigest, type NetworkName, type TransactionRequest } from '@waiaas/core'
import { afterEach, describe, expect, test } from 'vitest'
import type { Outcome } from '../chains/chain-adapter.ts'
import { spentUnder } from '../store/ledger.ts'
import { findTransaction } from '../store/transactions.ts'
import { verifyEvents } from '../store/verify-audit.ts'
import { approvalContent } from './approval.ts'
import { createLedgerChain, emptyBooks, type LedgerChain } from './testing/ledger-chain.ts'
import {
  address,
  createWorld,
  replacePolicies,
  SOLANA_WALLET,
  WALLET,
  type World,
  type WorldOptions,
} from './testing/world.ts'

const ETH = 10n ** 18n
const OWNER = address(0x0b)
const worlds: World[] = []

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

async function evmWorld(options: Partial<WorldOptions> = {}): Promise<{ world: World; chain: LedgerChain }> {
  const books = emptyBooks()
  books.balances.set(WALLET, 1000n * ETH)
  const chain = createLedgerChain('evm-local', books)
  const world = await createWorld({ adapters: new Map([['evm-local' as NetworkName, chain]]), ...options })
  worlds.push(world)
  return { world, chain }
}

const pay = (humanAmount: string, to = address(0xcc)): TransactionRequest => ({ type: 'TRANSFER', to, humanAmount })

async function settle(world: World): Promise<void> {
  await world.engine.runDue()
  await world.engine.recover()
}

const open = [{ type: 'SPENDING_LIMIT', rules: { instant_max: (1000n * ETH).toString() } }]

describe('sending', () => {
  test('a small payment goes at once and is confirmed with its fee', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    const sent = await world.engine.send(world.caller, pay('0.001'), 'k1')
    expect(sent.tier).toBe('INSTANT')
    await settle(world)
    const view = await world.engine.wait(sent.id, 5)
    expect(view).toMatchObject({ status: 'CONFIRMED', fee: '21000', humanAmount: '0.001', outcomeUnknown: false })
    expect(chain.books.balances.get(address(0xcc))).toBe(ETH / 1000n)
  })

  test('the default policy notifies of a first payment, holds more, and asks the owner for a lot', async () => {
    const { world } = await evmWorld({ owner: OWNER })
    const tiers = []
    for (const amount of ['0.001', '0.05', '0.5', '0.500000000000000001']) {
      tiers.push((await world.engine.send(world.caller, pay(amount), amount)).tier)
    }
    expect(tiers).toEqual(['NOTIFY', 'NOTIFY', 'DELAY', 'APPROVAL'])
  })

  test('what the policy denies in any case is denied without the node, judged and logged as ever', async () => {
    const rules = { allowed_addresses: [address(0xdd)] }
    const { world, chain } = await evmWorld({ policies: [...open, { type: 'WHITELIST', rules }] })
    chain.setDown(true)
    await expect(world.engine.send(world.caller, pay('1'), 'a')).rejects.toMatchObject({ code: 'WHITELIST_DENIED' })
    await expect(world.engine.send(world.caller, pay('1', address(0xdd)), 'b')).rejects.toMatchObject({
      code: 'CHAIN_ERROR',
    })
    const judged = await world.db.kysely.selectFrom('judgements').select(['tier', 'code']).execute()
    expect(judged).toEqual([{ tier: 'DENY', code: 'WHITELIST_DENIED' }])
    const events = await world.db.kysely.selectFrom('events').select('type').orderBy('seq').execute()
    expect(events.map(({ type }) => type)).toEqual([
      'TX_REQUESTED',
      'POLICY_VIOLATION',
      'TX_CANCELLED',
      'TX_REQUESTED',
      'TX_CANCELLED',
    ])
  })

  test('a denied payment answers the code and the reasons, also the second time', async () => {
    const rules = { allowed_addresses: [address(0xdd)] }
    const { world, chain } = await evmWorld({ policies: [...open, { type: 'WHITELIST', rules }] })
    const first = await world.engine.send(world.caller, pay('1'), 'k').catch((error: unknown) => error)
    expect(first).toMatchObject({ code: 'WHITELIST_DENIED' })
    const second = await world.engine.send(world.caller, pay('1'), 'k').catch((error: unknown) => error)
    expect(JSON.stringify(second)).toBe(JSON.stringify(first))
    expect(chain.books.blocks).toHaveLength(0)
    const { details } = first as { details: { transactionId: string; reasons: unknown[] } }
    expect(details.reasons).toContainEqual(expect.objectContaining({ rule: 'WHITELIST', tier: 'DENY' }))
    expect(await world.engine.view(details.transactionId)).toMatchObject({ status: 'CANCELLED', tier: 'DENY' })
  })

  test('without any policy everything is denied', async () => {
    const { world } = await evmWorld({ policies: [] })
    await expect(world.engine.send(world.caller, pay('0.001'), 'k')).rejects.toMatchObject({ code: 'POLICY_DENIED' })
  })

  test('a suspended agent, another environment and an unknown chain are refused before a row exists', async () => {
    const { world } = await evmWorld({ policies: open })
    const send = (network: NetworkName) => world.engine.send(world.caller, { ...pay('1'), network }, network)
    await expect(send('base-mainnet')).rejects.toMatchObject({ code: 'ENVIRONMENT_NETWORK_MISMATCH' })
    await expect(send('base-sepolia')).rejects.toMatchObject({ code: 'CHAIN_NOT_SUPPORTED' })
    await world.db.kysely.updateTable('agents').set({ status: 'SUSPENDED' }).execute()
    await expect(send('evm-local')).rejects.toMatchObject({ code: 'AGENT_SUSPENDED' })
    expect(await world.db.kysely.selectFrom('transactions').selectAll().execute()).toHaveLength(0)
  })

  test('the kill switch stops sends and what waits for its signature', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    world.signer.setHalted(true)
    const { id } = await world.engine.send(world.caller, pay('1'), 'k1')
    expect(await world.engine.wait(id, 5)).toMatchObject({ status: 'FAILED', error: { code: 'SYSTEM_LOCKED' } })
    world.signer.setHalted(false)
    await world.db.kysely.insertInto('settings').values({ key: 'kill_switch', value: 'ACTIVATED' }).execute()
    await expect(world.engine.send(world.caller, pay('1'), 'k2')).rejects.toMatchObject({ code: 'SYSTEM_LOCKED' })
    expect(chain.books.blocks).toHaveLength(0)
  })

  test('simulation says what send would, and stores nothing', async () => {
    const { world } = await evmWorld({ owner: OWNER })
    const said = await world.engine.simulate(world.caller, pay('0.6'))
    expect(said).toMatchObject({ tier: 'APPROVAL', humanAmount: '0.6', balance: { before: (1000n * ETH).toString() } })
    expect(await world.db.kysely.selectFrom('events').selectAll().execute()).toHaveLength(0)
    const sent = await world.engine.send(world.caller, pay('0.6'), 'k')
    expect(sent.reasons).toEqual(said.reasons)
  })
})

describe('idempotency', () => {
  test('the same key pays once, also after a restart; another body is a conflict', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    const first = await world.engine.send(world.caller, pay('1'), 'k')
    await world.engine.follow('evm-local')
    await world.restart()
    const again = await world.engine.send(world.caller, pay('1'), 'k')
    expect(again.id).toBe(first.id)
    await expect(world.engine.send(world.caller, pay('2'), 'k')).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
    expect(chain.books.blocks).toHaveLength(1)
  })

  test('of two calls at once with one key, one runs and the other is told so', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    const both = await Promise.allSettled([1, 2].map(() => world.engine.send(world.caller, pay('1'), 'k')))
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const done = both.find((one) => one.status === 'fulfilled')!.value
    expect(both.find((one) => one.status === 'rejected')).toMatchObject({
      reason: { code: 'IDEMPOTENCY_IN_PROGRESS', details: { transactionId: done.id } },
    })
    await settle(world)
    expect(chain.books.blocks).toHaveLength(1)
  })

  test('a call that the chain did not answer leaves its key free', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    chain.setDown(true)
    await expect(world.engine.send(world.caller, pay('1'), 'k')).rejects.toMatchObject({ code: 'CHAIN_ERROR' })
    chain.setDown(false)
    expect(await world.engine.send(world.caller, pay('1'), 'k')).toMatchObject({ tier: 'INSTANT' })
  })
})

describe('many at once', () => {
  test('1000 parallel sends against a limit that admits 10: exactly 10 go', async () => {
    const rules = { instant_max: ETH.toString(), windows: [{ seconds: 3600, max_count: 10 }] }
    const { world, chain } = await evmWorld({ policies: [{ type: 'SPENDING_LIMIT', rules }] })
    const sends = Array.from({ length: 1000 }, (_, index) => world.engine.send(world.caller, pay('0.1'), `k${index}`))
    const results = await Promise.allSettled(sends)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    await settle(world)
    expect(chain.books.blocks).toHaveLength(10)
  })

  test('32 in parallel on one wallet are all confirmed, with numbers in a row', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    const sends = Array.from({ length: 32 }, (_, index) => world.engine.send(world.caller, pay('1'), `k${index}`))
    const sent = await Promise.all(sends)
    await settle(world)
    for (const { id } of sent) expect((await world.engine.view(id))?.status).toBe('CONFIRMED')
    expect(chain.books.blocks.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 32 }, (_, i) => BigInt(i)))
  })

  test('amounts over 2^64 add up exactly', async () => {
    const rules = { instant_max: (400n * ETH).toString(), windows: [{ seconds: 60, max: (800n * ETH).toString() }] }
    const { world } = await evmWorld({ policies: [{ type: 'SPENDING_LIMIT', rules }] })
    await world.engine.send(world.caller, pay('400'), 'a')
    const denied = world.engine.send(world.caller, pay('400'), 'b')
    await expect(denied).rejects.toMatchObject({ code: 'SPENDING_LIMIT_EXCEEDED' })
    await world.engine.send(world.caller, pay('399.9'), 'c')
  })
})

describe('an uncertain chain', () => {
  test('a lost answer is unknown until the chain tells, and is never signed twice', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    chain.setMisfortune(() => 'lose answer')
    chain.setMining(false)
    const { id } = await world.engine.send(world.caller, pay('1'), 'k')
    await world.engine.recover()
    expect(await world.engine.view(id)).toMatchObject({
      status: 'SUBMITTED',
      outcomeUnknown: true,
      notice: { code: 'NOT_ACCEPTED', nonce: '0', nodeWords: 'no answer' },
    })
    world.clock.move(10)
    chain.setMisfortune(() => 'none')
    await world.engine.follow('evm-local')
    expect(await world.engine.view(id)).toMatchObject({ status: 'SUBMITTED', outcomeUnknown: false })
    chain.mine()
    await world.engine.follow('evm-local')
    expect(await world.engine.view(id)).toMatchObject({ status: 'CONFIRMED' })
    expect(await world.db.kysely.selectFrom('attempts').selectAll().execute()).toHaveLength(1)
    expect(chain.books.blocks).toHaveLength(1)
  })

  test('a lost request is sent again with the same bytes', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    chain.setMisfortune(() => 'lose request')
    const { id } = await world.engine.send(world.caller, pay('1'), 'k')
    await world.engine.recover()
    chain.setMisfortune(() => 'none')
    world.clock.move(10)
    await world.engine.follow('evm-local')
    await world.engine.follow('evm-local')
    expect(await world.engine.view(id)).toMatchObject({ status: 'CONFIRMED' })
    expect(await world.db.kysely.selectFrom('attempts').selectAll().execute()).toHaveLength(1)
  })

  test('words that differ in numbers alone are no news; what is missing first stays said', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    chain.setMining(false)
    const { id } = await world.engine.send(world.caller, pay('1'), 'k')
    await world.engine.recover()
    const says = async (message: string) => {
      const outcome = { kind: 'waiting' as const, missing: { code: 'HISTORY_UNAVAILABLE' as const, message } }
      chain.outcomes = async (places) => ({ ok: true, outcomes: places.map(() => outcome) })
      world.clock.move(1)
      await world.engine.follow('evm-local')
      const row = await findTransaction(world.db.kysely, id)
      return [row!.updated_at - world.clock.seconds(), JSON.parse(row!.notice!).message]
    }
    expect(await says('state 0xab12 of block 7 is pruned')).toEqual([0, 'state 0xab12 of block 7 is pruned'])
    expect(await says('state 0xcd of block 812 is pruned')).toEqual([-1, 'state 0xab12 of block 7 is pruned'])
    expect(await says('the node is down')).toEqual([0, 'the node is down'])
  })

  test('where a search may begin is kept, for bytes that were signed before any block was final', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    chain.setMining(false)
    await world.engine.send(world.caller, pay('1'), 'k')
    await world.engine.recover()
    await world.db.kysely.updateTable('attempts').set({ origin: null }).execute()
    const origins: (bigint | null)[] = []
    chain.outcomes = async ([place]) => {
      origins.push(place!.versions[0]!.origin)
      return { ok: true, outcomes: [{ kind: 'waiting', origin: 40n + BigInt(origins.length) }] }
    }
    for (let look = 0; look < 3; look++) await world.engine.follow('evm-local')
    expect(origins).toEqual([null, 41n, 41n])
  })

  test.each(['refuse', 'take and refuse'] as const)(
    'a payment of which a node says "%s" stays the same payment, keeps its number, and is made once',
    async (luck) => {
      const { world, chain } = await evmWorld({ policies: open })
      let handOvers = 0
      chain.setMisfortune(() => (handOvers++ < 2 ? luck : 'none'))
      const keys = ['a', 'b', 'c', 'd']
      const sent = await Promise.all(keys.map((key) => world.engine.send(world.caller, pay('1'), key)))
      for (let round = 0; round < 6; round++) {
        world.clock.move(10)
        await settle(world)
      }
      const views = await Promise.all(sent.map(({ id }) => world.engine.view(id)))
      expect(views.map((view) => view?.status)).toEqual(['CONFIRMED', 'CONFIRMED', 'CONFIRMED', 'CONFIRMED'])
      expect(chain.books.balances.get(address(0xcc))).toBe(4n * ETH)
      expect(chain.books.blocks.map(({ sequence }) => sequence)).toEqual([0n, 1n, 2n, 3n])
      expect(await world.db.kysely.selectFrom('attempts').selectAll().execute()).toHaveLength(4)
    },
  )

  test('a refusal that comes when a block has the payment keeps nobody waiting', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    const { broadcast } = chain
    chain.broadcast = async (signed, how) => {
      await broadcast(signed, how)
      await world.engine.follow('evm-local')
      chain.broadcast = broadcast
      return { kind: 'not accepted', message: 'nonce too low' }
    }
    const { id } = await world.engine.send(world.caller, pay('1'), 'first')
    await settle(world)
    expect(await world.engine.view(id)).toMatchObject({ status: 'CONFIRMED' })
    const next = await world.engine.send(world.caller, pay('1'), 'next')
    await settle(world)
    expect(await world.engine.view(next.id)).toMatchObject({ status: 'CONFIRMED' })
  })

  test('a payment that no node ever takes is given up, and what waits behind it goes', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    await world.engine.send(world.caller, pay('1'), 'first')
    await settle(world)
    const { broadcast } = chain
    chain.broadcast = async (signed, how) => {
      const { amount } = JSON.parse(Buffer.from(signed.raw).toString()) as { amount: string }
      return amount === `${2n * ETH}` ? { kind: 'not accepted', message: 'never' } : await broadcast(signed, how)
    }
    const refused = await world.engine.send(world.caller, pay('2'), 'refused')
    await settle(world)
    const behind = await world.engine.send(world.caller, pay('3'), 'behind')
    for (let round = 0; round < 20; round++) {
      world.clock.move(60)
      await settle(world)
      chain.mine()
    }
    expect(await world.engine.view(refused.id)).toMatchObject({ status: 'FAILED', error: { code: 'CHAIN_ERROR' } })
    expect(await world.engine.view(behind.id)).toMatchObject({ status: 'CONFIRMED' })
    expect(chain.books.balances.get(address(0xcc))).toBe(4n * ETH)
    const own = chain.books.blocks.filter(({ to }) => to === WALLET)
    expect(own).toMatchObject([{ amount: 0n, sequence: 1n }])
  })

  test('payments that together exceed the balance: what does not fit fails unsigned, and nothing is stuck behind it', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    chain.books.balances.set(WALLET, ETH)
    chain.setMining(false)
    const amounts = ['0.6', '0.6', '0.05', '0.05']
    const sent = await Promise.all(
      amounts.map((amount, index) => world.engine.send(world.caller, pay(amount), `payment ${index}`)),
    )
    await settle(world)
    chain.mine()
    await settle(world)
    const views = await Promise.all(sent.map(({ id }) => world.engine.view(id)))
    expect(views.map((view) => view?.status).toSorted()).toEqual(['CONFIRMED', 'CONFIRMED', 'CONFIRMED', 'FAILED'])
    expect(views.find((view) => view?.status === 'FAILED')).toMatchObject({ error: { code: 'INSUFFICIENT_BALANCE' } })
    expect(chain.books.blocks.map(({ sequence }) => sequence)).toEqual([0n, 1n, 2n])
  })

  test('a block that vanishes takes its confirmation along', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    const { id } = await world.engine.send(world.caller, pay('1'), 'k')
    await settle(world)
    expect((await world.engine.view(id))?.status).toBe('CONFIRMED')
    chain.setMining(false)
    chain.reorganize(1, false)
    await world.engine.follow('evm-local')
    expect((await world.engine.view(id))?.status).toBe('SUBMITTED')
    chain.mine()
    await world.engine.follow('evm-local')
    expect((await world.engine.view(id))?.status).toBe('CONFIRMED')
    for (let block = 0; block < 6; block++) chain.mine()
    await world.engine.follow('evm-local')
    expect(await world.db.kysely.selectFrom('attempts').select('state').execute()).toEqual([{ state: 'FINAL' }])
  })

  test.each<[misfortune: 'lose request' | 'refuse', closers: number]>([
    ['lose request', 1],
    ['refuse', 5],
  ])(
    'what ends a payment gets dearer where nodes refuse it, and not where none is reached: %s',
    async (luck, closers) => {
      const { world, chain } = await evmWorld({ policies: open })
      chain.setMining(false)
      const { id } = await world.engine.send(world.caller, pay('1'), 'k')
      await world.engine.recover()
      chain.setMisfortune(() => luck)
      await world.engine.cancel(id, 'admin')
      for (let look = 1; look < 5; look++) {
        world.clock.move(20)
        await world.engine.follow('evm-local')
      }
      const made = await world.db.kysely.selectFrom('attempts').select('purpose').execute()
      expect(made.filter(({ purpose }) => purpose === 'CANCEL')).toHaveLength(closers)
    },
  )

  test('what a node says late does not bring back what was said before', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    chain.setMining(false)
    chain.setMisfortune(() => 'refuse')
    const { id } = await world.engine.send(world.caller, pay('1'), 'k')
    await world.engine.recover()
    expect(await world.engine.view(id)).toMatchObject({ notice: { code: 'NOT_ACCEPTED' } })
    const broadcast = chain.broadcast
    const [asked, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    chain.broadcast = async () => {
      chain.broadcast = broadcast
      asked.resolve()
      await late.promise
      return { kind: 'not accepted', message: 'late words' }
    }
    chain.setMisfortune(() => 'none')
    world.clock.move(60)
    const following = world.engine.follow('evm-local')
    await asked.promise
    await world.engine.cancel(id, 'admin')
    const said = { outcomeUnknown: false, notice: { code: 'CANCELLING' } }
    expect(await world.engine.view(id)).toMatchObject(said)
    late.resolve()
    await following
    expect(await world.engine.view(id)).toMatchObject(said)
  })

  test('what a payment cost is booked as of the block that has it in the end', async () => {
    const { world, chain } = await evmWorld({ policies: open })
    const outcomes = chain.outcomes
    const answerWith = (change: (outcome: Extract<Outcome, { kind: 'included' }>) => Outcome) => {
      chain.outcomes = async (places) => {
        const asked = await outcomes(places)
        if (!asked.ok) return asked
        return { ok: true, outcomes: asked.outcomes.map((each) => (each.kind === 'included' ? change(each) : each)) }
      }
    }
    const { id } = await world.engine.send(world.caller, pay('1'), 'k')
    await settle(world)
    const before = BigInt((await world.engine.view(id))!.fee!)
    const block = { number: 7n, hash: 'another' }
    // The same bytes are in another block now, of which no node has a receipt yet.
    answerWith(({ result: _, ...outcome }) => ({ ...outcome, block }))
    await world.engine.follow('evm-local')
    answerWith((outcome) => ({ ...outcome, block, result: { ...outcome.result!, fee: before - 5n } }))
    await world.engine.follow('evm-local')
    expect(await world.engine.view(id)).toMatchObject({ status: 'CONFIRMED', fee: `${before - 5n}` })
    expect(await spentUnder(world.db.kysely, world.agentId, 'native', 0)).toBe(ETH + before - 5n)
  })

  test('bytes whose lifetime is over are signed anew, once', async () => {
    const books = emptyBooks()
    books.balances.set(SOLANA_WALLET, 100n * 10n ** 9n)
    const chain = createLedgerChain('solana-local', books)
    const world = await createWorld({ adapters: new Map([['solana-local' as NetworkName, chain]]), policies: open })
    worlds.push(world)
    chain.setMisfortune(() => 'lose request')
    const request = pay('1', '11111111111111111111111111111111')
    const { id } = await world.engine.send(world.caller, request, 'k')
    await world.engine.recover()
    expect(await world.engine.view(id)).toMatchObject({ status: 'SUBMITTED', outcomeUnknown: true })
    books.height += 200n
    chain.setMisfortune(() => 'none')
    await world.engine.follow('solana-local')
    expect(await world.engine.wait(id, 0)).toMatchObject({ outcomeUnknown: false })
    await world.engine.recover()
    expect(await world.engine.view(id)).toMatchObject({ status: 'CONFIRMED' })
    expect(books.blocks).toHaveLength(1)
    const states = await world.db.kysely.selectFrom('attempts').select('state').orderBy('id').execute()
    expect(states[0]).toEqual({ state: 'DEAD' })
  })
})

describe('waiting', () => {
  test('a delayed payment goes when its time has come, also after a restart, and a clock set back only lengthens it', async () => {
    const { world, chain } = await evmWorld({ owner: OWNER })
    const sent = await world.engine.send(world.caller, pay('0.3'), 'k')
    expect(sent).toMatchObject({ status: 'QUEUED', tier: 'DELAY', executesAt: world.clock.seconds() + 300 })
    world.clock.jump(-100_000)
    await world.restart()
    await settle(world)
    expect((await world.engine.view(sent.id))?.status).toBe('QUEUED')
    world.clock.move(299)
    await settle(world)
    expect((await world.engine.view(sent.id))?.status).toBe('QUEUED')
    world.clock.move(1)
    await settle(world)
    await settle(world)
    expect((await world.engine.view(sent.id))?.status).toBe('CONFIRMED')
    expect(chain.books.blocks).toHaveLength(1)
  })

  test('a policy that became stricter during the wait wins', async () => {
    const { world, chain } = await evmWorld({ owner: OWNER })
    const { id } = await world.engine.send(world.caller, pay('0.3'), 'k')
    await replacePolicies(world, [])
    world.clock.move(300)
    await settle(world)
    expect(await world.engine.wait(id, 5)).toMatchObject({ status: 'CANCELLED', error: { code: 'POLICY_DENIED' } })
    expect(chain.books.blocks).toHaveLength(0)
  })

  test('a cancelled payment gives its reservation back', async () => {
    const rules = { delay_max: ETH.toString(), windows: [{ seconds: 3600, max_count: 1 }] }
    const { world } = await evmWorld({ policies: [{ type: 'SPENDING_LIMIT', rules }] })
    const { id } = await world.engine.send(world.caller, pay('1'), 'a')
    await expect(world.engine.send(world.caller, pay('1'), 'b')).rejects.toMatchObject({
      code: 'SPENDING_LIMIT_EXCEEDED',
    })
    expect((await world.engine.cancel(id, 'admin')).status).toBe('CANCELLED')
    await expect(world.engine.cancel(id, 'admin')).rejects.toMatchObject({ code: 'TX_ALREADY_PROCESSED' })
    expect((await world.engine.send(world.caller, pay('1'), 'c')).status).toBe('QUEUED')
  })

  test('without an owner, approval becomes a delay that says so; or a denial, if set', async () => {
    const { world } = await evmWorld()
    const sent = await world.engine.send(world.caller, pay('0.6'), 'k')
    expect(sent).toMatchObject({ tier: 'DELAY', downgraded: true, status: 'QUEUED' })
    const events = await world.db.kysely.selectFrom('events').select('type').execute()
    expect(events.map(({ type }) => type)).toContain('TX_DOWNGRADED_DELAY')
    await world.db.kysely.insertInto('settings').values({ key: 'policy.without_owner', value: 'deny' }).execute()
    await expect(world.engine.send(world.caller, pay('0.6'), 'l')).rejects.toMatchObject({ code: 'POLICY_DENIED' })
  })
})

describe('approval', () => {
  const approvalOf = async (world: World, id: string) => {
    const row = await findTransaction(world.db.kysely, id)
    const digest = approvalDigest(approvalContent(row!, WALLET))
    return { ownerAddress: OWNER, challengeId: 'challenge', digest, signature: '0x' }
  }

  test('runs once, for exactly what was signed', async () => {
    const { world, chain } = await evmWorld({ owner: OWNER })
    const sent = await world.engine.send(world.caller, pay('0.6'), 'k')
    expect(sent).toMatchObject({
      status: 'QUEUED',
      tier: 'APPROVAL',
      approval: { url: expect.stringContaining(sent.id) },
    })
    const approval = await approvalOf(world, sent.id)
    await expect(world.engine.approve(sent.id, { ...approval, digest: '00' })).rejects.toMatchObject({
      code: 'INVALID_SIGNATURE',
    })
    await expect(world.engine.approve(sent.id, { ...approval, ownerAddress: WALLET })).rejects.toMatchObject({
      code: 'INVALID_SIGNATURE',
    })
    const both = await Promise.allSettled([1, 2].map(() => world.engine.approve(sent.id, approval)))
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await settle(world)
    expect(await world.engine.view(sent.id)).toMatchObject({ status: 'CONFIRMED', tier: 'APPROVAL' })
    expect(chain.books.blocks).toHaveLength(1)
  })

  test('a fee that rose above the approved ceiling is never paid', async () => {
    const { world, chain } = await evmWorld({ owner: OWNER })
    const sent = await world.engine.send(world.caller, pay('0.6'), 'k')
    const approval = await approvalOf(world, sent.id)
    chain.setFee(1_000_000n)
    await world.engine.approve(sent.id, approval)
    await settle(world)
    expect(await world.engine.view(sent.id)).toMatchObject({ status: 'EXECUTING', maxFee: sent.maxFee })
    chain.setFee(21_000n)
    await settle(world)
    expect(await world.engine.view(sent.id)).toMatchObject({ status: 'CONFIRMED', fee: '21000' })
  })

  test('too late is too late', async () => {
    const { world } = await evmWorld({ owner: OWNER })
    const { id } = await world.engine.send(world.caller, pay('0.6'), 'k')
    const approval = await approvalOf(world, id)
    world.clock.move(3600)
    await expect(world.engine.approve(id, approval)).rejects.toMatchObject({ code: 'APPROVAL_TIMEOUT' })
    expect((await world.engine.view(id))?.status).toBe('EXPIRED')
    const second = await world.engine.send(world.caller, pay('0.6'), 'l')
    world.clock.move(3600)
    await world.engine.runDue()
    expect((await world.engine.view(second.id))?.status).toBe('EXPIRED')
  })

  test('a policy that denies meanwhile beats the signature; the owner can also say no', async () => {
    const { world, chain } = await evmWorld({ owner: OWNER })
    const first = await world.engine.send(world.caller, pay('0.6'), 'a')
    const second = await world.engine.send(world.caller, pay('0.6'), 'b')
    expect(await world.engine.reject(first.id, OWNER)).toMatchObject({
      status: 'CANCELLED',
      error: { message: 'The owner rejected this payment.' },
    })
    await replacePolicies(world, [])
    const approval = await approvalOf(world, second.id)
    await expect(world.engine.approve(second.id, approval)).rejects.toMatchObject({ code: 'POLICY_DENIED' })
    await settle(world)
    expect(chain.books.blocks).toHaveLength(0)
  })
})

test('every change stands in a log whose chain of hashes tells of any change', async () => {
  const { world } = await evmWorld({ owner: OWNER })
  const sent = await world.engine.send(world.caller, pay('0.001'), 'a')
  await settle(world)
  const events = await world.db.kysely.selectFrom('events').selectAll().orderBy('seq').execute()
  expect(events.filter(({ transaction_id }) => transaction_id === sent.id).map(({ type }) => type)).toEqual([
    'TX_REQUESTED',
    'TX_ALLOWED',
    'TX_SIGNED',
    'TX_SUBMITTED',
    'TX_CONFIRMED',
  ])
  expect(await verifyEvents(world.db.kysely)).toMatchObject({ ok: true, entries: events.length })
})
