import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger } from '@openpista/common'
import { z } from 'zod'
import { createAgent } from '../app.ts'
import { createApprovalMemory } from '../approvals/memory.ts'
import type { Admission, Channel } from '../channels/channel.ts'
import { createTaskTokens } from '../executors/task-tokens.ts'
import { createAccess } from '../gateway/access.ts'
import { run } from '../loop.ts'
import { jitteredRetry } from '../model-stream.ts'
import { createPairing } from '../pairing/pairing.ts'
import { createScheduler } from '../schedules/scheduler.ts'
import { openStore, type Store } from '../store/store.ts'
import { defineTool, type Tool } from '../tools/tool.ts'
import { createWorkers } from '../workers/workers.ts'
import { withoutBudget } from './limits.ts'
import { callTool, sayText } from './script.ts'

/**
 * An agent with a messenger that delivers one message at every start, as platforms do until they hear that it arrived,
 * and a model that calls one tool and answers. It kills itself with SIGKILL before write number `CRASH_AT` to its
 * database, and ends well once its answer is delivered.
 */
const home = process.env.CRASH_HOME!
const crashAt = Number(process.env.CRASH_AT)
const repeatable = process.env.CRASH_REPEATABLE === 'yes'

const note = (file: string, line: string) => appendFileSync(join(home, file), `${line}\n`)

function crashing(store: Store): Store {
  let writes = 0
  return {
    ...store,
    write: (work) => {
      writes += 1
      if (writes === crashAt) process.kill(process.pid, 'SIGKILL')
      return store.write(work)
    },
  }
}

const pay = defineTool({
  name: 'pay',
  description: 'Pays once.',
  input: z.strictObject({ to: z.string() }),
  risk: 'exec',
  repeatable,
  summary: ({ to }) => `pay ${to}`,
  scope: () => 'pay',
  run: async (_input, { sessionId, turnId, callId }) => {
    note('payments', `${sessionId} ${turnId} ${callId}`)
    return { output: 'paid', isError: false, provenance: { kind: 'system' } }
  },
}) as unknown as Tool

const store = crashing(await openStore(join(home, 'memory.db')))

const ANN = { channel: 'letters', user: 'ann', owner: true }
let admission: Admission
const letters: Channel = {
  name: 'letters',
  approvalSeconds: 20,
  start: async (given) => {
    admission = given
    const inbound = { ...ANN, chat: 'ann', id: '1', text: 'pay bob' }
    await admission.admit(inbound)
  },
  deliver: async (outbound) => {
    if (outbound.kind === 'card') await admission.answer(ANN, 'letters:ann', outbound.card.id, 'approve')
    if (outbound.kind === 'text') note('answers', `${outbound.key} ${outbound.text}`)
    return { kind: 'delivered' }
  },
  stop: async () => {},
}

const limits = { maxRounds: 10, ...withoutBudget }

const agent = createAgent({
  store,
  tools: [pay],
  commands: [],
  models: {
    choose: async () => ({
      ok: true,
      model: 'scripted',
      fallbacks: [],
      provider: {
        id: 'scripted',
        stream: ({ messages }) => {
          const last = messages.at(-1)
          return last?.role === 'tool' ? sayText(`result: ${last.output}`) : callTool('pay', { to: 'bob' })
        },
      },
    }),
  },
  executor: { name: 'none', run: () => Promise.reject(new Error('no executor here')) },
  workspace: home,
  skillIndex: async () => '',
  approvals: { rules: [] },
  memory: createApprovalMemory(),
  runLoop: run,
  limits,
  context: { messages: 200, chars: 400_000 },
  retry: jitteredRetry(0, Math.random),
  channels: [{ name: 'letters', create: () => letters }],
  pairing: createPairing({ store, now: Date.now, configured: [] }),
  access: createAccess({ token: 'x', hosts: [], origins: [], now: Date.now }),
  shared: undefined,
  web: { webRoot: home, version: '0', port: 0, onListening: () => {}, tasks: createTaskTokens(Date.now) },
  cli: { socketPath: join(home, 's') },
  scheduler: createScheduler({ store, now: Date.now, configured: [], logger: createLogger('test', 'silent') }),
  workers: createWorkers({ store, now: Date.now, limits, config: { at_once: 0, depth: 1 }, tools: [] }),
  createPayments: () => ({
    desk: { reject: async () => ({ ok: false, message: '' }) },
    start: async () => {},
    stop: async () => {},
  }),
  now: Date.now,
  random: () => 0,
  logger: createLogger('crash', 'error'),
})

await agent.start()
for (;;) {
  const open = await store.db.selectFrom('outbox').select('id').where('state', '=', 'WAITING').execute()
  const waiting = await store.db.selectFrom('inbox').select('id').where('state', '<>', 'DONE').execute()
  if (open.length === 0 && waiting.length === 0) break
  await new Promise((resolve) => setTimeout(resolve, 5))
}
await agent.stop(1_000)
await store.close()
