import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  arrived,
  asked,
  assertWhole,
  callStates,
  commit,
  dieIn,
  type Killer,
  newTalk,
  say,
  speaking,
  type Talk,
} from './bench.ts'
import { type DoomedAgent, startDoomedAgent } from './doomed-agent.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let agent: DoomedAgent
beforeAll(async () => {
  agent = await startDoomedAgent()
})
afterAll(async () => {
  await agent?.stop()
})

/** A command that leaves a line, and then waits for as long as the agent lives. */
const endless = ({ chat }: Talk) => `run echo paid >> ledger-${chat}; while kill -0 $PPID; do sleep 0.02; done`
const once = ({ chat }: Talk) => `run echo paid >> ledger-${chat}; echo done`

/** Until its line is written. */
const running: Killer = (talk) => {
  const look = setInterval(() => {
    if (talk.ledger().length === 0) return
    clearInterval(look)
    talk.agent.kill()
  }, 5)
}

/** The moments of a turn in which a command is asked for, approved, run and told of, in order. */
const moments: Record<string, Killer> = {
  'a message came and is not stored': commit('before', 'inbox WAITING'),
  'a message is stored and not confirmed': commit('after', 'inbox WAITING'),
  'a turn is about to begin': commit('before', 'turns RUNNING'),
  'a turn has begun': commit('after', 'turns RUNNING'),
  'the model was asked': asked(1),
  'the model speaks': speaking(1),
  'a card is about to be stored': commit('before', 'cards open'),
  'a card is stored and not sent': commit('after', 'cards open'),
  'a card was sent and is not marked': arrived('card'),
  'a card is about to be marked as sent': commit('before', 'outbox DELIVERED'),
  'a card was answered and its answer is not stored': commit('before', 'cards approved'),
  'the answer to a card is stored': commit('after', 'cards approved'),
  'the answer to a card was sent on and is not marked': arrived('card.resolved'),
  'a call is about to be noted': commit('before', 'tool_calls STARTED'),
  'a call is noted and has not begun': commit('after', 'tool_calls STARTED'),
  'a command runs': running,
  'a command ran and its result is not stored': commit('before', 'tool_calls FINISHED'),
  'a result is stored': commit('after', 'tool_calls FINISHED'),
  'the model was asked again': asked(2),
  'the model speaks again': speaking(2),
  'a turn is about to end': commit('before', 'turns STOPPED'),
  'a turn has ended and its answer is not sent': commit('after', 'turns STOPPED'),
  'an answer was sent and is not marked': arrived('text'),
  'an answer is about to be marked as sent': commit('before', 'outbox DELIVERED', 3),
  'an answer is marked as sent': commit('after', 'outbox DELIVERED', 3),
}

/** Where the call is noted as begun and has no result: it is not run again, and the model is told. */
const uncertain = ['a call is noted and has not begun', 'a command runs', 'a command ran and its result is not stored']

/** Where the messenger is told of one thing while the turn goes on with the next. */
const either = ['a card is about to be marked as sent', 'the answer to a card was sent on and is not marked']

describe('killed when', () => {
  test.each(Object.entries(moments))('%s', async (name, kill) => {
    const talk = await newTalk(agent)
    await dieIn(talk, kill, () => say(talk, kill === running ? endless(talk) : once(talk)))
    const [answer] = await assertWhole(talk)
    const interrupted = callStates(talk)[0] === 'INTERRUPTED'
    if (!either.includes(name)) expect(interrupted).toBe(uncertain.includes(name))
    expect(answer).toContain(interrupted ? 'It may have taken effect' : 'It says: stdout:\ndone')
    if (!interrupted) expect(talk.ledger()).toEqual(['paid'])
    talk.viewer.close()
  })
})
