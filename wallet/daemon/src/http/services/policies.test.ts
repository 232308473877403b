import type { CreatePolicy, NetworkName, PolicyView, TransactionRequest, UpdatePolicy } from '@waiaas/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLedgerChain, emptyBooks } from '../../engine/testing/ledger-chain.ts'
import { AGENT, address, createWorld, WALLET, type World } from '../../engine/testing/world.ts'
import { createPolicies, type Policies } from './policies.ts'

const ETH = 10n ** 18n
const pay = (humanAmount: string, to = address(0xcc)): TransactionRequest => ({ type: 'TRANSFER', to, humanAmount })
const limit = (instant_max: bigint, rest: object = {}) => ({
  type: 'SPENDING_LIMIT' as const,
  rules: { instant_max: instant_max.toString(), ...rest },
  priority: 0,
  enabled: true,
})

let world: World
let policies: Pick<Policies, 'list' | 'replay'> & {
  create: (policy: CreatePolicy) => Promise<PolicyView>
  update: (id: string, change: UpdatePolicy) => Promise<PolicyView>
  remove: (id: string) => Promise<PolicyView>
}
let keys = 0

beforeEach(async () => {
  const books = emptyBooks()
  books.balances.set(WALLET, 1000n * ETH)
  const chain = createLedgerChain('evm-local', books)
  world = await createWorld({
    adapters: new Map([['evm-local' as NetworkName, chain]]),
    policies: [],
    owner: address(0x0b),
    prices: async () => new Map([['evm-local/native', 2_000_000_000n]]),
  })
  const { change, ...rest } = createPolicies({
    db: world.db.kysely,
    clock: world.steady,
  })
  policies = {
    ...rest,
    create: (policy) => change({ kind: 'create', policy }, undefined),
    update: (id, next) => change({ kind: 'update', id, change: next }, undefined),
    remove: (id) => change({ kind: 'delete', id }, undefined),
  }
})
afterEach(() => world.close())

const lockOwner = () =>
  world.db.kysely.updateTable('agents').set({ owner_verified_at: world.clock.seconds() }).execute()

/** The tier that `send` answers, or the code that it refuses with. */
async function send(request: TransactionRequest): Promise<string> {
  keys += 1
  return await world.engine.send(world.caller, request, `key ${keys}`).then(
    ({ tier }) => tier ?? 'no tier',
    (error: { code: string }) => error.code,
  )
}

describe('versions', () => {
  test('every change makes one, in its own transaction, and each can be read later', async () => {
    const one = await policies.create(limit(ETH))
    const two = await policies.create({ type: 'ALLOWED_NETWORKS', rules: { networks: [] }, priority: 0, enabled: true })
    const changed = await policies.update(one.id, { rules: { instant_max: '5' } })
    await policies.remove(two.id)
    expect([one.version, two.version, changed.version]).toEqual([1, 2, 3])
    await expect(policies.update(one.id, { rules: { instant_max: 'much' } })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
    })
    const at = async (version: number) => (await policies.list({ version })).map(({ id, rules }) => [id, rules])
    expect(await at(0)).toEqual([])
    expect(await at(1)).toEqual([[one.id, { instant_max: ETH.toString() }]])
    expect(await at(2)).toEqual([
      [one.id, { instant_max: ETH.toString() }],
      [two.id, { networks: [] }],
    ])
    expect(await at(3)).toEqual([
      [one.id, { instant_max: '5' }],
      [two.id, { networks: [] }],
    ])
    expect(await at(4)).toEqual([[one.id, { instant_max: '5' }]])
    expect(await policies.list({})).toEqual([changed])
  })

  test('explain a verdict after the policies have changed', async () => {
    const row = await policies.create(limit(ETH))
    expect(await send(pay('2'))).toBe('APPROVAL')
    await policies.remove(row.id)
    const [stored] = await world.db.kysely.selectFrom('judgements').selectAll().execute()
    const then = await policies.list({ version: stored!.policy_version })
    expect(then).toEqual([row])
    expect(stored).toMatchObject({ tier: 'APPROVAL', at: world.clock.seconds() })
  })
})

describe('an owner who is locked in', () => {
  test('is needed for whatever is not clearly tighter, and for nothing else', async () => {
    const rules = { notify_max: (2n * ETH).toString(), delay_seconds: 300 }
    const row = await policies.create(limit(ETH, rules))
    await lockOwner()
    const change = (next: object) =>
      policies.update(row.id, { rules: { instant_max: ETH.toString(), ...rules, ...next } })
    const refused = { code: 'OWNER_APPROVAL_REQUIRED' }
    const before = await policies.list({})
    await expect(change({ instant_max: (ETH + 1n).toString() })).rejects.toMatchObject(refused)
    await expect(change({ instant_max: '1', notify_max: (3n * ETH).toString() })).rejects.toMatchObject({
      ...refused,
      details: { agentId: AGENT, strictness: 'incomparable' },
    })
    await expect(change({ delay_seconds: 60 })).rejects.toMatchObject(refused)
    await expect(policies.create({ ...limit(2n * ETH), agentId: AGENT })).rejects.toMatchObject(refused)
    await expect(
      policies.create({ ...limit(ETH), type: 'ALLOWED_TOKENS', rules: { tokens: [{ address: address(0xdd) }] } }),
    ).rejects.toMatchObject(refused)
    expect(await policies.list({}), 'what was refused changed nothing').toEqual(before)
    await change({ instant_max: '5' })
    const whitelist = { ...limit(0n), type: 'WHITELIST' as const, rules: { allowed_addresses: [] } }
    const list = await policies.create(whitelist)
    await expect(policies.remove(list.id)).rejects.toMatchObject(refused)
    await expect(policies.update(list.id, { enabled: false })).rejects.toMatchObject(refused)
    const elsewhere = { ...limit(9n * ETH), agentId: await otherAgent() }
    await policies.create(elsewhere)
    await policies.remove(row.id)
  })

  test('is not asked before having signed', async () => {
    const row = await policies.create(limit(ETH))
    await policies.update(row.id, { rules: { instant_max: (5n * ETH).toString() } })
    const events = await world.db.kysely.selectFrom('events').select(['type', 'data']).execute()
    expect(events.map(({ type, data }) => [type, JSON.parse(data).strictness])).toEqual([
      ['POLICY_CREATED', 'looser'],
      ['POLICY_UPDATED', 'looser'],
    ])
  })
})

async function otherAgent(): Promise<string> {
  const id = '01890000-0000-7000-8000-000000000002'
  const agent = await world.db.kysely.selectFrom('agents').selectAll().executeTakeFirstOrThrow()
  await world.db.kysely
    .insertInto('agents')
    .values({ ...agent, id, owner_verified_at: null })
    .execute()
  return id
}

describe('replay', () => {
  const draft = (...rows: Pick<PolicyView, 'type' | 'rules'>[]) => ({
    policies: rows.map((row) => ({ ...row, priority: 0, enabled: true })),
    days: 30,
  })

  test('of the policies in force finds no difference, whatever happened since', async () => {
    const rows = [
      limit(ETH, { delay_max: (2n * ETH).toString(), windows: [{ seconds: 600, max: (4n * ETH).toString() }] }),
      { ...limit(0n), type: 'COUNTERPARTY' as const, rules: {} },
    ]
    for (const row of rows) await policies.create(row)
    const said = []
    for (const amount of ['1', '1.5', '1', '3', '0.4']) {
      said.push(await send(pay(amount)))
      world.clock.move(100)
    }
    expect(said).toEqual(['NOTIFY', 'DELAY', 'NOTIFY', 'SPENDING_LIMIT_EXCEEDED', 'NOTIFY'])
    world.clock.move(86_400)
    const replay = await policies.replay(draft(...rows))
    expect(replay).toMatchObject({ transactions: 5, differences: [] })
    expect(replay.exposure).toEqual([{ asset: 'evm-local/native', symbol: 'ETH', before: '3.9', after: '3.9' }])
    expect(await policies.replay(draft(...rows))).toEqual(replay)
  })

  test('tells what a draft would have changed, from the facts of that time', async () => {
    await policies.create(limit(5n * ETH))
    const ids = []
    for (const [amount, to] of [
      ['1', 0xcc],
      ['2', 0xcc],
      ['4', 0xdd],
    ] as const) {
      keys += 1
      ids.push((await world.engine.send(world.caller, pay(amount, address(to)), `key ${keys}`)).id)
      world.clock.move(60)
    }
    const counted = draft(limit(3n * ETH, { windows: [{ seconds: 90, max: (2n * ETH).toString() }] }))
    const replay = await policies.replay(counted)
    expect(replay.transactions).toBe(3)
    expect(replay.differences).toMatchObject([
      { transactionId: ids[1], before: { tier: 'INSTANT' }, after: { tier: 'DENY', code: 'SPENDING_LIMIT_EXCEEDED' } },
      { transactionId: ids[2], after: { tier: 'DENY' } },
    ])
    expect(replay.tiers).toMatchObject({ INSTANT: { before: 3, after: 1 }, DENY: { before: 0, after: 2 } })
    expect(replay.exposure).toEqual([{ asset: 'evm-local/native', symbol: 'ETH', before: '7', after: '1' }])
    expect(replay.exposureUsd).toEqual({ before: 'USD 14000', after: 'USD 2000' })
    const dollars = await policies.replay(draft({ type: 'SPENDING_LIMIT', rules: { instant_max_usd: 2000 } }))
    expect(dollars.tiers).toMatchObject({ INSTANT: { after: 1 }, APPROVAL: { after: 2 } })
    expect((await policies.replay(draft())).tiers.DENY).toEqual({ before: 0, after: 3 })
  })

  test('leaves out what is older, and other agents', async () => {
    await policies.create(limit(5n * ETH))
    await send(pay('1'))
    world.clock.move(2 * 86_400)
    await send(pay('1'))
    expect((await policies.replay({ ...draft(limit(ETH)), days: 1 })).transactions).toBe(1)
    expect((await policies.replay({ ...draft(limit(ETH)), agentId: await otherAgent() })).transactions).toBe(0)
  })
})
