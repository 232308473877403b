import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Outbound } from '../../../agent/openpista/src/channels/channel.ts'

/** What the platform has for the agent. Each comes until it was confirmed twice, as if the first word were lost. */
export type Update =
  | { kind: 'message'; id: string; chat: string; text: string }
  | { kind: 'answer'; id: string; chat: string; cardId: string }

/** A messenger's servers and everybody who uses them: cards are approved as they come. */
export type Platform = {
  url: string
  /** Somebody writes. */
  say: (chat: string, text: string) => void
  /** Everything that was delivered to a chat, in order, with repeats. */
  delivered: (chat: string) => readonly Outbound[]
  /** Called with each delivery before it is confirmed. */
  onDelivery: (listener: (outbound: Outbound) => void) => void
  /** Whether updates wait for the agent. */
  busy: () => boolean
  close: () => Promise<void>
}

export async function startPlatform(): Promise<Platform> {
  const updates: (Update & { left: number })[] = []
  const deliveries: Outbound[] = []
  const waiting: ((updates: readonly Update[]) => void)[] = []
  const answered = new Set<string>()
  let listener: (outbound: Outbound) => void = () => {}
  let count = 0

  function push(update: Update): void {
    updates.push({ ...update, left: 2 })
    for (const answer of waiting.splice(0)) answer(updates)
  }

  const routes: Record<string, (body: never, answer: (value: unknown) => void) => void> = {
    '/updates': (_: unknown, answer) => {
      if (updates.length > 0) answer(updates)
      else waiting.push(answer)
    },
    '/confirm': ({ id }: { id: string }, answer) => {
      const index = updates.findIndex((update) => update.id === id)
      const update = updates[index]
      if (update !== undefined) update.left -= 1
      if (update?.left === 0) updates.splice(index, 1)
      answer({})
    },
    '/deliver': (outbound: Outbound, answer) => {
      deliveries.push(outbound)
      if (outbound.kind === 'card' && !answered.has(outbound.card.id)) {
        answered.add(outbound.card.id)
        push({ kind: 'answer', id: `answer-${++count}`, chat: outbound.chat, cardId: outbound.card.id })
      }
      listener(outbound)
      answer({ platformId: `sent-${deliveries.length}` })
    },
  }
  const server = createServer((request, response) => serve(routes, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    say: (chat, text) => push({ kind: 'message', id: `message-${++count}`, chat, text }),
    delivered: (chat) => deliveries.filter((outbound) => outbound.chat === chat),
    onDelivery: (given) => {
      listener = given
    },
    busy: () => updates.length > 0,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

type Routes = Readonly<Record<string, (body: never, answer: (value: unknown) => void) => void>>

function serve(routes: Routes, request: IncomingMessage, response: ServerResponse): void {
  let text = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    text += chunk
  })
  request.on('end', () => {
    const route = routes[request.url!]
    if (route === undefined) response.writeHead(404).end()
    else route(JSON.parse(text) as never, (value) => response.end(JSON.stringify(value)))
  })
}
