import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '@openpista/common'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { type Agent, type AgentParts, createAgent } from '../app.ts'
import { createApprovalMemory } from '../approvals/memory.ts'
import { channels } from '../channels/index.ts'
import type { TaskTokens } from '../domain/task.ts'
import type { Executor } from '../executors/executor.ts'
import { createTaskTokens } from '../executors/task-tokens.ts'
import { createAccess } from '../gateway/access.ts'
import { run } from '../loop.ts'
import { jitteredRetry } from '../model-stream.ts'
import { createPairing, type Pairing } from '../pairing/pairing.ts'
import { type ClientFrame, ServerFrame } from '../protocol/index.ts'
import type { Provider } from '../providers/provider.ts'
import { createScheduler } from '../schedules/scheduler.ts'
import { openStore, type Store } from '../store/store.ts'
import { defineTool, type Tool } from '../tools/tool.ts'
import { createWorkers } from '../workers/workers.ts'
import { withoutBudget } from './limits.ts'
import type { Script } from './script.ts'

export const TOKEN = 'a token that only tests know'

const limits = { maxRounds: 10, ...withoutBudget }

const noExecutor: Executor = { name: 'none', run: () => Promise.reject(new Error('no executor in this test')) }

/** The owner on the channel double. */
const ANN = { channel: 'letters', user: 'ann', role: 'owner' as const }

/** A tool that notes what it was called with. */
export function noteTool(risk: Tool['risk'], notes: string[]): Tool {
  return defineTool({
    name: 'note',
    description: 'Notes a word.',
    input: z.strictObject({ word: z.string() }),
    risk,
    repeatable: false,
    summary: ({ word }) => `note ${word}`,
    scope: () => 'note',
    run: async ({ word }) => {
      notes.push(word)
      return { output: `noted ${word}`, isError: false, provenance: { kind: 'system' } }
    },
  }) as unknown as Tool
}

export type Fixture = AsyncDisposable & {
  agent: Agent
  /** Of an agent that was not given another. */
  pairing: Pairing
  store: Store
  home: string
  port: number
  client: (options?: { clientId?: string; sessionId?: string; lastSeq?: number }) => Promise<TestClient>
}

/** A whole agent on real sockets and a real database, in this process, with a scripted model. */
export async function startAgent(
  script: Script,
  { tasks = createTaskTokens(Date.now), ...changes }: Partial<AgentParts> & { tasks?: TaskTokens } = {},
): Promise<Fixture> {
  const home = mkdtempSync(join(tmpdir(), 'openpista-'))
  const store = changes.store ?? (await openStore(join(home, 'memory.db')))
  const provider: Provider = { id: 'scripted', stream: script }
  const pairing = createPairing({ store, now: changes.now ?? Date.now, configured: [ANN] })
  let port = 0
  const agent = createAgent({
    store,
    tools: [],
    commands: [],
    models: { choose: async (model) => ({ ok: true, provider, model: model ?? 'scripted', fallbacks: [] }) },
    executor: noExecutor,
    workspace: home,
    skillIndex: async () => '',
    approvals: { rules: [] },
    memory: createApprovalMemory(),
    runLoop: run,
    limits,
    context: { messages: 200, chars: 400_000 },
    retry: jitteredRetry(3, () => 0),
    channels,
    pairing,
    access: createAccess({ token: TOKEN, hosts: [], origins: [], now: Date.now }),
    shared: undefined,
    web: { webRoot: join(home, 'web'), version: '0', tasks, port: 0, onListening: (found) => (port = found) },
    cli: { socketPath: join(home, 's') },
    scheduler: createScheduler({ store, now: Date.now, configured: [], logger: createLogger('test', 'silent') }),
    workers: createWorkers({ store, now: Date.now, limits, config: { at_once: 0, depth: 1 }, tools: [] }),
    createPayments: () => ({
      desk: { reject: async () => ({ ok: false, message: 'no wallet' }) },
      start: async () => {},
      stop: async () => {},
    }),
    now: Date.now,
    random: Math.random,
    logger: createLogger('test', 'silent'),
    ...changes,
  })
  await agent.start()
  const open: TestClient[] = []
  return {
    agent,
    pairing,
    store,
    home,
    port,
    client: async (options = {}) => {
      const client = await connectClient(port)
      open.push(client)
      client.send({ type: 'hello', protocol: 1, clientId: 'tab', ...options })
      await client.next('welcome')
      return client
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of open) client.close()
      await agent.stop(0)
      await store.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

export type TestClient = {
  frames: ServerFrame[]
  send: (frame: ClientFrame) => void
  sendRaw: (text: string) => void
  /** The next frame of that type that no `next` has answered, whenever it comes. */
  next: <Type extends ServerFrame['type']>(type: Type) => Promise<Extract<ServerFrame, { type: Type }>>
  /** Says something and waits for the end of the turn. */
  say: (text: string, id?: string) => Promise<Extract<ServerFrame, { type: 'turn.finished' }>>
  close: () => void
}

/** A client of the protocol. Every frame that comes is checked against the schema. */
export async function connectClient(port: number, token = TOKEN): Promise<TestClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers: { authorization: `Bearer ${token}` } })
  const inbox = createFrameInbox()
  socket.on('message', (data) => inbox.push(data.toString()))
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => {})
  return testClient(
    inbox,
    (text) => socket.send(text),
    () => socket.terminate(),
  )
}

type FrameInbox = ReturnType<typeof createFrameInbox>

export function createFrameInbox() {
  const frames: ServerFrame[] = []
  const taken = new Set<ServerFrame>()
  const waiters: { type: string; resolve: (frame: ServerFrame) => void }[] = []
  return {
    frames,
    push: (text: string) => {
      const frame = ServerFrame.parse(JSON.parse(text))
      frames.push(frame)
      const index = waiters.findIndex(({ type }) => type === frame.type)
      if (index === -1) return
      taken.add(frame)
      waiters.splice(index, 1)[0]!.resolve(frame)
    },
    next: <Type extends ServerFrame['type']>(type: Type) => {
      const known = frames.find((frame) => frame.type === type && !taken.has(frame))
      const { promise, resolve } = Promise.withResolvers<ServerFrame>()
      if (known === undefined) waiters.push({ type, resolve })
      else {
        taken.add(known)
        resolve(known)
      }
      return promise as Promise<Extract<ServerFrame, { type: Type }>>
    },
  }
}

export function testClient(inbox: FrameInbox, sendRaw: (text: string) => void, close: () => void): TestClient {
  const send = (frame: ClientFrame) => sendRaw(JSON.stringify(frame))
  return {
    frames: inbox.frames,
    next: inbox.next,
    sendRaw,
    send,
    close,
    say: async (text, id = crypto.randomUUID()) => {
      send({ type: 'message', id, text })
      return await inbox.next('turn.finished')
    },
  }
}
