import { createLogger } from '@openpista/common'
import { expect, test } from 'vitest'
import { schedule } from '../commands/schedule.ts'
import { openStore } from '../store/store.ts'
import { startAgent } from '../testing/agent-fixture.ts'
import { callTool, echo, lastUserText, type Script, sayText } from '../testing/script.ts'
import { createScheduleTools } from '../tools/schedules.ts'
import { createScheduler } from './scheduler.ts'

async function startScheduled(script: Script) {
  const store = await openStore(':memory:')
  const clock = { ahead: 0 }
  const now = () => Date.now() + clock.ahead
  const scheduler = createScheduler({ store, now, configured: [], logger: createLogger('test', 'silent') })
  const tools = createScheduleTools(scheduler)
  const fixture = await startAgent(script, { store, scheduler, tools, commands: [schedule] })
  return { fixture, scheduler, clock }
}

test('the owner schedules by command, is asked, and the answer comes to that session', async () => {
  const { fixture, scheduler } = await startScheduled(echo)
  await using _ = fixture
  const client = await fixture.client()
  expect((await client.say('/schedule add')).text).toContain('Usage')
  expect((await client.say('/schedule')).text).toBe('Nothing is scheduled.')
  const moment = new Date(Date.now() + 1_000).toISOString()
  const finished = client.say(`/schedule add soon "${moment}" water the plants`)
  const { card } = await client.next('approval.requested')
  client.send({ type: 'approval.answer', cardId: card.id, decision: 'approve' })
  expect((await finished).text).toContain("Scheduled 'soon'")
  const [planned] = await scheduler.list()
  expect(planned).toMatchObject({ sessionId: 'web:tab', when: moment })
  const done = await client.next('turn.finished')
  expect(done.text).toBe('water the plants')
  const said = client.frames.findLast((frame) => frame.type === 'message.stored')
  expect(said).toMatchObject({ source: { trusted: true, label: 'schedule soon' } })
})

test('a scheduled text does not steer a turn that runs: it gets one of its own', async () => {
  const admitted = Promise.withResolvers<void>()
  const script: Script = async function* (request, signal) {
    const last = lastUserText(request)
    if (request.messages.at(-1)?.role === 'tool') return yield* sayText('done')
    if (last !== 'work') return yield* echo(request, signal)
    await admitted.promise
    yield* callTool('schedule.list', {})
  }
  const { fixture } = await startScheduled(script)
  await using _ = fixture
  const client = await fixture.client()
  const target = { id: 'web:tab', channel: 'web', address: { chat: 'tab' } }
  const scheduled = {
    channel: 'web',
    chat: 'tab',
    user: 'schedule',
    id: 's1',
    text: 'tick',
    owner: false,
    schedule: 'x',
  }
  const finished = client.say('work')
  await client.next('turn.started')
  await fixture.agent.gateway.admitTo(target, scheduled)
  admitted.resolve()
  expect((await finished).text).toBe('done')
  expect((await client.next('turn.finished')).text).toBe('tick')
})
