import { expect, test } from 'vitest'
import { createFundsSource } from './funds.ts'
import { hex, nodeThat, poolOf } from './nodes.fixture.ts'

const ACCOUNT = `0x${'11'.repeat(20)}`

function source() {
  const state = { balance: 100, count: 1, now: 0, asked: 0 }
  const node = nodeThat((method) => {
    if (method === 'eth_getTransactionCount') return hex(state.count)
    state.asked += 1
    return hex(state.balance)
  })
  return { state, funds: createFundsSource(poolOf(node), { monotonic: () => state.now }) }
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
  Object.assign(state, { balance: 40, count: 2, now: 2_000 })
  expect(await funds.recent(ACCOUNT)).toEqual({ ok: true, value: { balance: 40n, count: 2n } })
})

test('an answer that comes late does not take the place of a newer one', async () => {
  const late = Promise.withResolvers<void>()
  let now = 0
  let balance = 100
  const node = nodeThat((method) => hex(method === 'eth_getBalance' ? balance : 1))
  let isFirst = true
  const pool = poolOf(node)
  const funds = createFundsSource(
    {
      onOne: async (work) => {
        const waits = isFirst
        isFirst = false
        const answer = await pool.onOne(work)
        if (waits) await late.promise
        return answer
      },
    },
    { monotonic: () => now },
  )
  const first = funds.ask(ACCOUNT)
  now = 1
  balance = 40
  await funds.ask(ACCOUNT)
  late.resolve()
  await first
  expect(await funds.recent(ACCOUNT)).toMatchObject({ value: { balance: 40n } })
})
