import { expect, test } from 'vitest'
import type { Outbound } from '../channels/channel.ts'
import { startAgent } from '../testing/agent-fixture.ts'
import { createChannelDouble } from '../testing/channel-double.ts'
import { echo } from '../testing/script.ts'

test('a delivery that fails is tried again with the same key, and what came later waits behind it', async () => {
  const attempts: Outbound[] = []
  const letters = createChannelDouble((outbound) => {
    attempts.push(outbound)
    return attempts.length <= 2 ? { kind: 'retry', message: 'busy' } : { kind: 'delivered', platformId: '77' }
  })
  await using fixture = await startAgent(echo, { channels: [letters.definition], random: () => 0 })
  await letters.receive('1', 'first')
  await letters.receive('2', 'second')
  expect(await letters.delivered('text')).toMatchObject({ text: 'first' })
  expect(await letters.delivered('text')).toMatchObject({ text: 'second' })
  expect(new Set(attempts.map(({ key }) => key)).size).toBe(2)
  await fixture.agent.stop(0)
  const rows = await fixture.store.db.selectFrom('outbox').select(['state', 'platform_id']).execute()
  expect(rows).toEqual([
    { state: 'DELIVERED', platform_id: '77' },
    { state: 'DELIVERED', platform_id: '77' },
  ])
})

test('a delivery that can never work is given up and does not hold back the next', async () => {
  const letters = createChannelDouble((outbound) =>
    outbound.kind === 'text' && outbound.text === 'bad'
      ? { kind: 'failed', message: 'too odd' }
      : { kind: 'delivered' },
  )
  await using fixture = await startAgent(echo, { channels: [letters.definition] })
  await letters.receive('1', 'bad')
  await letters.receive('2', 'good')
  expect(await letters.delivered('text')).toMatchObject({ text: 'good' })
  const failed = await fixture.store.db.selectFrom('outbox').select('error').where('state', '=', 'FAILED').execute()
  expect(failed).toEqual([{ error: 'too odd' }])
})

test('a channel that throws is tried again', async () => {
  let calls = 0
  const letters = createChannelDouble(() => {
    calls += 1
    if (calls === 1) throw new Error('socket hang up')
    return { kind: 'delivered' }
  })
  await using _fixture = await startAgent(echo, { channels: [letters.definition], random: () => 0 })
  await letters.receive('1', 'hello')
  expect(await letters.delivered('text')).toMatchObject({ text: 'hello' })
})
