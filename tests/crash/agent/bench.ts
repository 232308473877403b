import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { contextMessages } from '../../../agent/openpista/src/domain/compaction.ts'
import { replay } from '../../../agent/openpista/src/domain/history.ts'
import type { Message } from '../../../agent/openpista/src/domain/message.ts'
import { readContext } from '../../../agent/openpista/src/store/conversation.ts'
import { openStore } from '../../../agent/openpista/src/store/store.ts'
import type { Step } from './crash-plan.ts'
import type { DoomedAgent } from './doomed-agent.ts'
import { openViewer, type Viewer } from './viewer.ts'

const PATIENCE = { timeout: 60_000, interval: 10 }

/** One conversation on the messenger, which a terminal watches. */
export type Talk = {
  chat: string
  sessionId: string
  agent: DoomedAgent
  viewer: Viewer
  /** What the owner has said, in order. */
  said: string[]
  /** Where the tool of these tests leaves a line each time it runs. */
  ledger: () => string[]
}

/** Has the agent die at a moment of what comes next. */
export type Killer = (talk: Talk) => void

export async function newTalk(agent: DoomedAgent): Promise<Talk> {
  const chat = `ann-${crypto.randomUUID().slice(0, 8)}`
  const sessionId = `web:${chat}`
  agent.platform.say(chat, 'hello')
  await expect.poll(() => textsIn(agent, chat), PATIENCE).toEqual(['You said: hello'])
  await settled(agent, sessionId)
  return {
    ...{ chat, sessionId, agent, said: ['hello'] },
    viewer: await openViewer(agent.socket, sessionId),
    ledger: () => linesOf(join(agent.workspace, `ledger-${chat}`)),
  }
}

export function say(talk: Talk, text: string): void {
  talk.said.push(text)
  talk.agent.platform.say(talk.chat, text)
}

/** The agent dies at the moment in the course of `act`, and is started again. */
export async function dieIn(talk: Talk, kill: Killer, act: () => void): Promise<void> {
  const { agent, viewer } = talk
  kill(talk)
  act()
  try {
    await agent.death()
  } finally {
    agent.model.onRequest(() => {})
    agent.model.speakSlowly(false)
    agent.platform.onDelivery(() => {})
    viewer.onFrame(() => {})
    await agent.start()
  }
  await viewer.reconnect()
}

/** At a commit that carries this step. */
export function commit(when: Step['when'], what: string, nth = 1): Killer {
  return ({ agent }) => agent.dieAt({ when, what, nth })
}

/** When the model has been asked for the n-th time, and gives no answer. */
export function asked(nth: number): Killer {
  return ({ agent }) => {
    let count = 0
    agent.model.onRequest(() => {
      count += 1
      if (count === nth) agent.kill()
    })
  }
}

/** When the first words of the n-th answer are on the screen. */
export function speaking(nth: number): Killer {
  return ({ agent, viewer }) => {
    let asks = 0
    agent.model.onRequest(() => {
      asks += 1
    })
    agent.model.speakSlowly(true)
    viewer.onFrame((frame) => {
      if (frame.type === 'text.delta' && asks === nth) agent.kill()
    })
  }
}

/** When the platform has it, and the agent does not know that. */
export function arrived(kind: 'text' | 'card' | 'card.resolved'): Killer {
  return ({ agent, chat }) => {
    agent.platform.onDelivery((outbound) => {
      if (outbound.kind === kind && outbound.chat === chat) agent.kill()
    })
  }
}

/** Everything of the session has come to an end. */
export async function settled(agent: DoomedAgent, sessionId: string): Promise<void> {
  const open = () =>
    agent.query<{ open: number }>(
      `SELECT (SELECT count(*) FROM inbox WHERE session_id = ?1 AND state <> 'DONE')
        + (SELECT count(*) FROM outbox WHERE session_id = ?1 AND state = 'WAITING')
        + (SELECT count(*) FROM turns WHERE session_id = ?1 AND state = 'RUNNING') AS open`,
      sessionId,
    )[0]!.open
  await expect.poll(() => ({ busy: agent.platform.busy(), open: open() }), PATIENCE).toEqual({ busy: false, open: 0 })
}

/** Nothing was lost and nothing was done twice; answers what was said to the owner since the greeting. */
export async function assertWhole(talk: Talk): Promise<string[]> {
  const { agent, chat, sessionId, said, viewer } = talk
  await settled(agent, sessionId)
  const texts = textsIn(agent, chat)
  const rows = <Row>(sql: string) => agent.query<Row>(sql, sessionId)
  const turns = rows<{ id: string }>('SELECT id FROM turns WHERE session_id = ?')
  expect(texts).toHaveLength(turns.length)

  const words = rows<{ text: string }>(
    `SELECT json_extract(body, '$.parts[0].text') AS text FROM messages WHERE session_id = ? AND role = 'user' ORDER BY position`,
  )
  expect(words.map(({ text }) => text)).toEqual(said)
  expect(talk.ledger().length).toBeLessThanOrEqual(1)
  for (const state of callStates(talk)) expect(['FINISHED', 'INTERRUPTED']).toContain(state)
  expect(rows('SELECT id FROM cards WHERE session_id = ? AND outcome IS NULL')).toEqual([])
  assertCardsClosed(talk)
  expect(await agent.model.faultsOf(await conversationOf(talk))).toEqual([])
  await assertShown(viewer, said, texts)
  return texts.slice(1)
}

/** How the calls of the session's turns ended, in order. */
export function callStates({ agent, sessionId }: Talk): string[] {
  const rows = agent.query<{ state: string }>('SELECT state FROM tool_calls WHERE session_id = ?', sessionId)
  return rows.map(({ state }) => state)
}

/** No card still asks on the messenger, and none was sent under two names. */
function assertCardsClosed({ agent, chat }: Talk): void {
  const delivered = agent.platform.delivered(chat)
  const sent = delivered.flatMap((outbound) => (outbound.kind === 'card' ? [outbound.card.id] : []))
  const closed = delivered.flatMap((outbound) => (outbound.kind === 'card.resolved' ? [outbound.cardId] : []))
  expect(new Set(closed)).toEqual(new Set(sent))
}

/** The terminal that came back shows what one that comes anew shows. */
async function assertShown(viewer: Viewer, said: readonly string[], texts: readonly string[]): Promise<void> {
  await expect.poll(() => viewer.shown().answers.length, PATIENCE).toBe(texts.length)
  const shown = viewer.shown()
  expect(shown.said).toEqual(said)
  for (const [index, text] of texts.entries()) expect(shown.answers[index]).toContain(text.replace(/^❌ /, ''))
}

/** What goes to a model when the owner says one thing more. */
async function conversationOf({ agent, sessionId }: Talk): Promise<Message[]> {
  const next: Message = {
    role: 'user',
    parts: [{ type: 'text', text: 'and now?', provenance: { kind: 'owner', channel: 'web' } }],
  }
  const store = await openStore(join(agent.home, 'memory.db'))
  try {
    const messages = contextMessages(await readContext(store.db, sessionId, 400))
    return replay([...messages, next], { messages: 200, chars: 400_000 })
  } finally {
    await store.close()
  }
}

/** The texts that the chat got, each once: a messenger shows what carries the same key as one. */
function textsIn({ platform }: DoomedAgent, chat: string): string[] {
  const texts = new Map<string, string>()
  for (const outbound of platform.delivered(chat)) {
    if (outbound.kind !== 'text') continue
    const before = texts.get(outbound.key)
    if (before !== undefined) expect(outbound.text).toBe(before)
    texts.set(outbound.key, outbound.text)
  }
  return [...texts.values()]
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
}
