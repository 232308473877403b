import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { asked, assertWhole, commit, dieIn, type Killer, newTalk, say, settled, type Talk } from './bench.ts'
import { type DoomedAgent, startDoomedAgent } from './doomed-agent.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let agent: DoomedAgent
beforeAll(async () => {
  agent = await startDoomedAgent()
})
afterAll(async () => {
  await agent?.stop()
})

const POLL = { interval: 10 }
const around = (what: string, nth = 1): [string, Killer][] => [
  [`before ${what} is stored`, commit('before', what, nth)],
  [`after ${what} was stored`, commit('after', what, nth)],
]

/** Begins a command that goes on until `end` is called, and waits until it has begun. */
async function beginLong(talk: Talk): Promise<{ end: () => void }> {
  const gate = `gate-${talk.chat}`
  say(talk, `run echo paid >> ledger-${talk.chat}; until [ -e ${gate} ]; do kill -0 $PPID || exit; sleep 0.02; done`)
  await expect.poll(() => talk.ledger(), POLL).toEqual(['paid'])
  return { end: () => writeFileSync(join(talk.agent.workspace, gate), '') }
}

const stored = (talk: Talk, text: string) =>
  talk.agent.query(
    "SELECT id FROM inbox WHERE session_id = ? AND json_extract(body, '$.text') = ?",
    talk.sessionId,
    text,
  ).length

describe('a message that comes during a turn', () => {
  test.each(around('inbox WAITING'))('%s: it is answered within the turn or after it', async (_, kill) => {
    const talk = await newTalk(agent)
    await beginLong(talk)
    await dieIn(talk, kill, () => say(talk, 'and also this'))
    const answers = await assertWhole(talk)
    expect(answers.at(-1)).toContain('You said: and also this')
    expect(talk.ledger()).toEqual(['paid'])
    talk.viewer.close()
  })

  test.each(around('inbox TAKEN'))('%s: it is answered once', async (_, kill) => {
    const talk = await newTalk(agent)
    const long = await beginLong(talk)
    say(talk, 'and also this')
    await expect.poll(() => stored(talk, 'and also this'), POLL).toBe(1)
    await dieIn(talk, kill, long.end)
    const answers = await assertWhole(talk)
    expect(answers.filter((answer) => answer.includes('You said: and also this'))).toHaveLength(1)
    expect(talk.ledger()).toEqual(['paid'])
    talk.viewer.close()
  })
})

describe('a limit that is reached', () => {
  const limit = [...around('cards open', 2), ...around('cards approved', 2), ...around('limit_grants new')]
  test.each(limit)('%s: the owner is asked, and it goes on', async (_, kill) => {
    const talk = await newTalk(agent)
    await dieIn(talk, kill, () => say(talk, `dear me, run echo paid >> ledger-${talk.chat}; echo done`))
    expect(await assertWhole(talk)).toEqual([expect.stringContaining('It says: stdout:\ndone')])
    expect(talk.ledger()).toEqual(['paid'])
    const grants = talk.agent.query(
      `SELECT times FROM limit_grants WHERE key IN (SELECT id FROM turns WHERE session_id = ?)`,
      talk.sessionId,
    )
    expect(grants).toEqual([{ times: 1 }])
    talk.viewer.close()
  })
})

describe('a conversation that is summed up', () => {
  const moments: [string, Killer][] = [['while the model sums up', asked(1)], ...around('summaries new')]
  test.each(moments)('%s: it is summed up once', async (_, kill) => {
    const talk = await newTalk(agent)
    say(talk, `my first letter ${'word '.repeat(900)}`.trim())
    await settled(agent, talk.sessionId)
    await dieIn(talk, kill, () => say(talk, `my second letter ${'word '.repeat(900)}`.trim()))
    expect((await assertWhole(talk)).at(-1)).toMatch(/^You said: my second letter/)
    expect(talk.agent.query('SELECT text FROM summaries WHERE session_id = ?', talk.sessionId)).toEqual([
      { text: 'They wrote long letters.' },
    ])
    talk.viewer.close()
  })
})

describe('a schedule whose time came', () => {
  const moments = [...around('inbox WAITING'), ...around('schedules moved')]
  test.each(moments)('%s: it is said once', async (_, kill) => {
    const talk = await newTalk(agent)
    const now = Number(agent.query<{ at: number }>('SELECT max(created_at) AS at FROM inbox')[0]!.at)
    const moment = new Date(now + 3_600_000).toISOString()
    say(talk, `/schedule add ${talk.chat} ${moment} water the flowers`)
    await settled(agent, talk.sessionId)
    agent.kill()
    await agent.death()
    agent.passTime(7_200)
    kill(talk)
    await agent.startAndDie()
    await agent.start()
    await talk.viewer.reconnect()
    talk.said.push('water the flowers')
    await expect.poll(() => stored(talk, 'water the flowers'), POLL).toBe(1)
    const answers = await assertWhole(talk)
    expect(answers).toEqual([expect.stringContaining('Scheduled'), 'You said: water the flowers'])
    expect(agent.query('SELECT name FROM schedules WHERE name = ?', talk.chat)).toEqual([])
    talk.viewer.close()
  })
})

describe('a slash command', () => {
  const moments = [...around('tool_calls STARTED'), ...around('tool_calls FINISHED'), ...around('turns STOPPED')]
  test.each(moments)('%s: it is done at most once, and told of', async (_, kill) => {
    const talk = await newTalk(agent)
    await dieIn(talk, kill, () => say(talk, `/run echo paid >> ledger-${talk.chat}; echo done`))
    const [answer] = await assertWhole(talk)
    if (talk.ledger().length === 0) expect(answer).toContain('It may have taken effect')
    else expect(answer).toMatch(/done|It may have taken effect/)
    talk.viewer.close()
  })
})

test('killed before a cancelled turn is closed, it does nothing twice and says how it ended', async () => {
  const talk = await newTalk(agent)
  await beginLong(talk)
  await dieIn(talk, commit('before', 'turns ABORTED'), () => agent.platform.say(talk.chat, '/cancel'))
  expect(await assertWhole(talk)).toEqual(['Cancelled.'])
  expect(talk.ledger()).toEqual(['paid'])
  talk.viewer.close()
})

test('killed at one start after the other, a turn is given up in words', async () => {
  const talk = await newTalk(agent)
  commit('before', 'tool_calls STARTED')(talk)
  say(talk, `run echo paid >> ledger-${talk.chat}`)
  await agent.death()
  for (let life = 0; life < 2; life++) {
    commit('after', 'turns resumed')(talk)
    await agent.startAndDie()
  }
  await agent.start()
  await talk.viewer.reconnect()
  const [answer] = await assertWhole(talk)
  expect(answer).toContain('It was given up; please ask again.')
  expect(talk.ledger()).toEqual([])
  talk.viewer.close()
})

test('the log of all these lives is whole', async () => {
  const { openStore } = await import('../../../agent/openpista/src/store/store.ts')
  const { verifyAudit } = await import('../../../agent/openpista/src/store/audit.ts')
  const store = await openStore(join(agent.home, 'memory.db'))
  expect(await verifyAudit(store.db)).toMatchObject({ ok: true })
  await store.close()
})
