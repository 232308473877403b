import type { Logger } from '@openpista/common'
import { type ApprovalConfig, type ApprovalMemory, createRuleApprover, judgeByRules } from './approvals/rules.ts'
import type { Channel } from './channels/channel.ts'
import type { ChannelDefinition, ChannelParts } from './channels/definition.ts'
import type { Command } from './commands/command.ts'
import type { ToolCall } from './domain/message.ts'
import type { Executor } from './executors/executor.ts'
import type { Access } from './gateway/access.ts'
import { type Announcer, createAnnouncer, type PaymentDesk } from './gateway/announcer.ts'
import { chainApprovers } from './gateway/approval-chain.ts'
import { askAtRoot, personAtRoot } from './gateway/ask-at-root.ts'
import { createCards } from './gateway/cards.ts'
import { createGateway, type Gateway } from './gateway/gateway.ts'
import { createHumanApprover } from './gateway/human-approver.ts'
import { createLogBook } from './gateway/log-book.ts'
import { createOutbox } from './gateway/outbox.ts'
import type { RetryPolicy } from './model-stream.ts'
import type { Models } from './models.ts'
import { createDoor } from './pairing/door.ts'
import type { Pairing } from './pairing/pairing.ts'
import type { SessionFrame } from './protocol/index.ts'
import type { RunLoop } from './recording.ts'
import type { Scheduler } from './schedules/scheduler.ts'
import type { SessionParts } from './session.ts'
import { createSessions } from './sessions.ts'
import type { Store } from './store/store.ts'
import type { Tool } from './tools/tool.ts'
import { toolSpec } from './tools/tool-spec.ts'
import type { WorkerHost } from './workers/workers.ts'

/** The part that follows the wallet's events; made with the voice it speaks to the owner with. */
export type Payments = { desk: PaymentDesk; start: () => Promise<void>; stop: () => Promise<void> }

/** Everything the agent is put together from. */
export type AgentParts = {
  store: Store
  tools: readonly Tool[]
  commands: readonly Command[]
  models: Models
  executor: Executor
  workspace: string
  skillIndex: SessionParts['skillIndex']
  approvals: ApprovalConfig
  memory: ApprovalMemory
  runLoop: RunLoop
  limits: SessionParts['limits']
  context: SessionParts['context']
  retry: RetryPolicy
  channels: readonly ChannelDefinition[]
  access: Access
  pairing: Pairing
  web: ChannelParts['web']
  cli: ChannelParts['cli']
  shared: ChannelParts['connection']['shared']
  scheduler: Pick<Scheduler, 'start' | 'stop'>
  workers: Pick<WorkerHost, 'confine' | 'connect'>
  createPayments: (announcer: Announcer) => Payments
  now: () => number
  random: () => number
  logger: Logger
}

export type Agent = {
  gateway: Gateway
  announcer: Announcer
  /** Takes up open work, then opens the channels. */
  start: () => Promise<void>
  /** Closes the channels, lets running turns end within `graceMs`, then stops them. The store stays open. */
  stop: (graceMs: number) => Promise<void>
}

/** Puts the agent together. Nothing runs before `start`. */
export function createAgent(parts: AgentParts): Agent {
  const { store, now, logger, tools } = parts
  const channels = new Map<string, Channel>()
  const onFault = (error: unknown) => logger.error({ err: error }, 'a fault in the gateway')
  const isLive = (channel: string) => channels.get(channel)?.onFrame !== undefined

  const publish = (frame: SessionFrame) => {
    if (logger.isLevelEnabled('debug')) logger.debug(aboutFrame(frame), 'frame')
    for (const channel of channels.values()) channel.onFrame?.(frame)
  }
  const book = createLogBook({ store, publish, now, onFault })
  const outbox = createOutbox({ store, channels: () => channels, now, random: parts.random, logger })
  const cardsParts = { store, book, now, isLive, onOutbox: outbox.wake }
  const cards = createCards(cardsParts)
  const announcer = createAnnouncer(cards, cardsParts)
  const payments = parts.createPayments(announcer)
  const person = createHumanApprover({
    cards,
    now,
    approvalSeconds: (channel) => channels.get(channel)?.approvalSeconds ?? 60,
    judge: (question) => judgeByRules(parts.approvals.rules, question),
  })
  const sessions = createSessions(book, {
    ...parts,
    runLoop: parts.workers.confine(parts.runLoop),
    cards,
    specs: tools.map(toolSpec),
    approver: askAtRoot(store, chainApprovers(createRuleApprover(parts.approvals, parts.memory), person, parts.memory)),
    person: personAtRoot(store, person),
    isLive,
    onOutbox: outbox.wake,
  })
  const summary = (call: ToolCall) => summaryOf(tools, call)
  const gateway = createGateway({ store, book, sessions, person, desk: payments.desk, summary, now })
  const door = createDoor({ gateway, pairing: parts.pairing, announcer, store, channels, now, onFault })
  const { shared } = parts
  const connection = { gateway, describeModel: modelDescription(store, parts.models), shared, onFault }
  for (const { name, create } of parts.channels) channels.set(name, create({ ...parts, connection }))
  const workers = parts.workers.connect({ admitTo: gateway.admitTo, cancel: sessions.cancel, send: announcer.send })
  channels.set(workers.name, workers)

  return {
    gateway,
    announcer,
    start: async () => {
      await sessions.recover()
      for (const channel of channels.values()) await channel.start(door)
      await parts.scheduler.start((target, inbound) => gateway.admitTo(target, inbound))
      await payments.start()
      outbox.wake()
    },
    stop: async (graceMs) => {
      await parts.scheduler.stop()
      await payments.stop()
      await sessions.stop(graceMs)
      await outbox.stop()
      for (const channel of channels.values()) await channel.stop()
      await book.close()
    },
  }
}

/** What a log may say about a frame: none of the words in it. */
function aboutFrame(frame: SessionFrame) {
  const { type, sessionId, seq } = frame
  const turn = 'turnId' in frame ? { turnId: frame.turnId } : {}
  const tool = frame.type === 'tool.started' ? { tool: frame.call.name } : {}
  const status = 'status' in frame ? { status: frame.status } : {}
  return { type, sessionId, seq, ...turn, ...tool, ...status }
}

/** One line about a call as it stands in history, where its arguments may no longer fit the tool. */
function summaryOf(tools: readonly Tool[], call: ToolCall): string {
  const tool = tools.find(({ name }) => name === call.name)
  const input = tool?.input.safeParse(call.arguments)
  return tool !== undefined && input?.success === true ? tool.summary(input.data) : call.name
}

function modelDescription(store: Store, models: Models) {
  return async (sessionId: string): Promise<{ model?: string; hint?: string }> => {
    const row = await store.db.selectFrom('sessions').select('model').where('id', '=', sessionId).executeTakeFirst()
    const choice = await models.choose(row?.model ?? null)
    return choice.ok ? { model: choice.model } : { hint: choice.hint }
  }
}
