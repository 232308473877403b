import { expect, test } from 'vitest'
import { createFundsSource } from './funds.ts'
import { blockOf, hex, nodeThat, poolOf } from './nodes.fixture.ts'

const ACCOUNT = `0x${'11'.repeat(20)}`
const HEAD = 7
const priceOf = (number: number) => async () => ({ ok: true as const, value: { block: blockOf(number).hash } })

/** What an account has in one block and in the newest one, on a node that takes hashes or does not. */
function source(answer?: (at: unknown) => unknown) {
  const state = { newest: { balance: 100, count: 1 }, inBlock: { balance: 100, count: 1 }, now: 0, asked: 0 }
  const node = nodeThat((method, params) => {
    if (method === 'eth_getBlockByNumber') return blockOf(HEAD)
    const told = answer?.(params[1])
    if (told !== undefined) return told
    const { balance, count } = params[1] === 'latest' ? state.newest : state.inBlock
    if (method === 'eth_getTransactionCount') return hex(count)
    state.asked += 1
    return hex(balance)
  })
  const funds = createFundsSource({
    rpc: poolOf(node),
    price: priceOf(HEAD),
    timers: { monotonic: () => state.now },
  })
  return { state, funds }
}

test('a payment is drafted and signed from one reading', async () => {
  const { state, funds } = source()
  await funds.ask(ACCOUNT)
  state.now = 1_999
  expect(await funds.recent(ACCOUNT)).toEqual({ ok: true, value: { balance: 100n, count: 1n } })
  expect(state.asked).toBe(1)
})

test('what was asked for long ago is asked for again', async () => {
  const { state, funds } = source()
  await funds.ask(ACCOUNT)
  Object.assign(state, { inBlock: { balance: 40, count: 2 }, now: 2_000 })
  expect(await funds.recent(ACCOUNT)).toEqual({ ok: true, value: { balance: 40n, count: 2n } })
})

test('both are those of one block, whatever the newest one says', async () => {
  const { state, funds } = source()
  state.newest = { balance: 4, count: 0 }
  for (const which of ['ask', 'recent', 'newest'] as const) {
    expect(await funds[which](ACCOUNT), which).toEqual({ ok: true, value: { balance: 100n, count: 1n } })
  }
})

test.each([
  ['does not know the block', 'error: header not found'],
  ['has nothing to say of the block', null],
])('of a node that %s both are those of its newest block', async (_, told) => {
  const { state, funds } = source((at) => (at === 'latest' ? undefined : told))
  state.newest = { balance: 4, count: 3 }
  for (const which of ['ask', 'newest'] as const) {
    expect(await funds[which](ACCOUNT)).toEqual({ ok: true, value: { balance: 4n, count: 3n } })
  }
})

test('an answer that comes late does not take the place of a newer one', async () => {
  const late = Promise.withResolvers<void>()
  let now = 0
  let balance = 100
  const node = nodeThat((method) => hex(method === 'eth_getBalance' ? balance : 1))
  let isFirst = true
  const pool = poolOf(node)
  const funds = createFundsSource({
    rpc: {
      onOne: async (work) => {
        const waits = isFirst
        isFirst = false
        const answer = await pool.onOne(work)
        if (waits) await late.promise
        return answer
      },
    },
    price: priceOf(HEAD),
    timers: { monotonic: () => now },
  })
  const first = funds.ask(ACCOUNT)
  await expect.poll(() => isFirst).toBe(false)
  now = 1
  balance = 40
  await funds.ask(ACCOUNT)
  late.resolve()
  await first
  expect(await funds.recent(ACCOUNT)).toMatchObject({ value: { balance: 40n } })
})
