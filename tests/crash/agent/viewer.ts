import { expect } from 'vitest'
import type { HistoryItem, ServerFrame, SessionFrame } from '../../../agent/openpista/src/protocol/index.ts'
import { socketClient } from '../../../agent/openpista/src/testing/socket-client.ts'

/** A terminal that shows a session, and comes back after every crash with the last number that it has seen. */
export type Viewer = {
  /** Called with each frame as it comes. */
  onFrame: (listener: (frame: SessionFrame) => void) => void
  /** The connection of the life that ended is gone; what is new is asked for. */
  reconnect: () => Promise<void>
  /** What stands on the screen: what people said, and the whole answer of each turn. */
  shown: () => { said: string[]; answers: string[] }
  close: () => void
}

type Connection = Awaited<ReturnType<typeof socketClient>>

export async function openViewer(socket: string, sessionId: string): Promise<Viewer> {
  let connection: Connection
  let listener: (frame: SessionFrame) => void = () => {}
  let seen: number | undefined
  let taken = 0
  let items: Item[] = []

  async function connect(): Promise<void> {
    connection = await socketClient(socket)
    taken = 0
    connection.send({
      ...{ type: 'hello', protocol: 1, clientId: 'viewer', sessionId },
      ...(seen === undefined ? {} : { lastSeq: seen }),
    })
    await connection.next('welcome')
    read()
  }

  /** Takes what has come since it was last called. */
  function read(): void {
    for (const frame of connection.frames.slice(taken)) take(frame)
    taken = connection.frames.length
  }

  function take(frame: ServerFrame): void {
    if (frame.type === 'welcome') {
      if (frame.history === undefined) expect(frame.seq).toBe(seen)
      else items = itemsOf(frame.history)
      seen = frame.seq
    }
    if (!('seq' in frame) || frame.type === 'welcome') return
    expect(frame.seq).toBe(seen! + 1)
    seen = frame.seq
    if (frame.type === 'message.stored') items.push({ kind: 'said', key: frame.messageId, text: frame.text })
    if (frame.type === 'turn.finished') items.push({ kind: 'answer', key: frame.turnId, text: frame.text })
    listener(frame)
  }

  await connect()
  const watch = setInterval(read, 2)
  return {
    onFrame: (given) => {
      listener = given
    },
    reconnect: async () => {
      read()
      connection.close()
      await connect()
    },
    shown: () => {
      read()
      return {
        said: items.flatMap(({ kind, text }) => (kind === 'said' ? [text] : [])),
        answers: answersIn(items),
      }
    },
    close: () => {
      clearInterval(watch)
      connection.close()
    },
  }
}

type Item = { kind: 'said' | 'answer' | 'output'; key: string; text: string }

function itemsOf(history: readonly HistoryItem[]): Item[] {
  const items: Item[] = []
  for (const item of history) {
    const before = items.at(-1)
    if (item.kind === 'user') items.push({ kind: 'said', key: item.messageId, text: item.text })
    if (item.kind === 'assistant') items.push({ kind: 'answer', key: item.turnId, text: item.text })
    if (item.kind === 'tool') items.push({ kind: 'output', key: item.turnId, text: item.output })
    // How a turn failed, or that it was told to end, stands behind what was said in it.
    if (item.kind === 'notice' && (item.tone === 'error' || item.text === 'Cancelled.')) {
      items.push({ kind: 'answer', key: before?.kind === 'said' ? item.text : (before?.key ?? ''), text: item.text })
    }
  }
  return items
}

/**
 * In the history an answer stands in as many pieces as the turn had rounds; that of a slash command is the output of
 * its tool.
 */
function answersIn(items: readonly Item[]): string[] {
  const turns = Map.groupBy(
    items.filter(({ kind }) => kind !== 'said'),
    ({ key }) => key,
  )
  return [...turns.values()].map((pieces) => {
    const spoken = pieces.filter(({ kind }) => kind === 'answer')
    return (spoken.length > 0 ? spoken : pieces).map(({ text }) => text).join('\n\n')
  })
}
