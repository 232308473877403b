import { type Logger, newId } from '@openpista/common'
import type { Approver } from './approvals/approver.ts'
import type { Inbound } from './channels/channel.ts'
import { type Command, findCommand } from './commands/command.ts'
import { hintProvider, scriptProvider } from './commands/script-provider.ts'
import { replay } from './domain/history.ts'
import type { Message } from './domain/message.ts'
import type { Provenance } from './domain/provenance.ts'
import type { Executor } from './executors/executor.ts'
import type { SessionLog } from './gateway/session-log.ts'
import { type LoopEnd, type LoopEvent, run } from './loop.ts'
import type { RetryPolicy } from './model-stream.ts'
import type { Models } from './models.ts'
import { systemPrompt } from './prompt.ts'
import type { Provider, ToolSpec } from './providers/provider.ts'
import { recentMessages } from './store/conversation.ts'
import type { Store } from './store/store.ts'
import { createTurnJournal, type TurnJournal } from './store/turn-journal.ts'
import { beginTurn, endTurn, nextWaiting, type Turn, takeSteering } from './store/turns.ts'
import type { Tool } from './tools/tool.ts'

/** What every session's turns are made of. */
export type SessionParts = {
  store: Store
  tools: readonly Tool[]
  specs: readonly ToolSpec[]
  commands: readonly Command[]
  models: Models
  /** The chain: rules first, then the person. */
  approver: Approver
  /** The person alone. */
  person: Approver
  executor: Executor
  workspace: string
  limits: { maxRounds: number; messages: number; chars: number }
  retry: RetryPolicy
  now: () => number
  /** True for channels whose clients see frames; the others get the answer through the outbox. */
  isLive: (channel: string) => boolean
  /** Something was put into the outbox. */
  onOutbox: () => void
  logger: Logger
}

/**
 * Runs the turns of one session, one after the other: takes waiting messages in order, lets messages that arrive
 * during a turn steer it, and ends when none waits.
 */
export class SessionRunner {
  readonly #log: SessionLog
  readonly #parts: SessionParts
  readonly #open: Turn[] = []
  #pumping: Promise<void> | undefined
  #again = false
  #stopped = false
  #current: { abort: AbortController; ended: Promise<void> } | undefined

  constructor(log: SessionLog, parts: SessionParts) {
    this.#log = log
    this.#parts = parts
  }

  get running(): boolean {
    return this.#pumping !== undefined
  }

  /** There is, or may be, a waiting message. */
  wake(): void {
    this.#again = true
    if (this.#stopped) return
    this.#pumping ??= this.#pump()
  }

  /** Goes on with a turn that an earlier process left open, before anything that waits. */
  resume(turn: Turn): void {
    this.#open.push(turn)
    this.wake()
  }

  /** Stops the running turn; resolves when it has ended. What waits goes on after it. */
  async cancel(): Promise<void> {
    this.#current?.abort.abort()
    await this.#current?.ended
  }

  /** Takes no more messages. The running turn may end within `graceMs`, then it is stopped. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true
    const timer = setTimeout(() => this.#current?.abort.abort(), graceMs)
    await this.#pumping
    clearTimeout(timer)
  }

  async #pump(): Promise<void> {
    try {
      while (!this.#stopped) {
        this.#again = false
        const turn = this.#open.shift() ?? (await this.#begin())
        if (turn !== undefined) await this.#run(turn)
        else if (!this.#again) break
      }
    } catch (error) {
      this.#parts.logger.error({ err: error, sessionId: this.#log.sessionId }, 'a session stopped working')
    } finally {
      this.#pumping = undefined
    }
  }

  async #begin(): Promise<Turn | undefined> {
    const waiting = await nextWaiting(this.#parts.store.db, this.#log.sessionId)
    if (waiting === undefined) return undefined
    const turn: Turn = { id: newId(), sessionId: this.#log.sessionId, inbound: waiting.inbound, begun: new Set() }
    await this.#log.commit(async (transaction) => {
      await beginTurn(transaction, turn, waiting, this.#parts.now())
      this.#log.append({ type: 'turn.started', turnId: turn.id, messageId: turn.inbound.id })
    })
    return turn
  }

  async #run(turn: Turn): Promise<void> {
    const abort = new AbortController()
    const ended = Promise.withResolvers<void>()
    this.#current = { abort, ended: ended.promise }
    const { now } = this.#parts
    const commit = (work: Parameters<TurnJournal['commit']>[0]) => this.#log.commit(work)
    const journal = createTurnJournal({ sessionId: turn.sessionId, turnId: turn.id, commit, now })
    try {
      const end = await this.#loop(turn, journal, abort.signal).catch((error: unknown): LoopEnd => {
        this.#parts.logger.error({ err: error, sessionId: turn.sessionId, turnId: turn.id }, 'a turn failed')
        return { status: 'error', code: 'BAD_RESPONSE', message: FAULT, text: '', usage: NO_USAGE, rounds: 0 }
      })
      await this.#finish(turn, journal, end)
    } finally {
      this.#current = undefined
      ended.resolve()
    }
  }

  async #loop(turn: Turn, journal: TurnJournal, signal: AbortSignal): Promise<LoopEnd> {
    const { store, tools, specs, limits, retry, approver, person, executor, workspace } = this.#parts
    const { sessionId, inbound } = turn
    const { provider, model, steers } = await this.#provider(turn)
    const messages = replay(await recentMessages(store.db, sessionId, limits.messages), limits)
    const config = {
      provider,
      model,
      system: systemPrompt({ workspace, executor: executor.name, channel: inbound.channel }),
      tools,
      specs,
      maxRounds: limits.maxRounds,
      retry,
      approver,
      person,
      journal,
      steer: async () => (steers ? await this.#steer(turn, journal) : []),
      about: { sessionId, turnId: turn.id, channel: inbound.channel, sender: senderOf(inbound) },
      place: { workspace, exec: executor },
      begun: turn.begun,
    }
    return await run(messages, config, (event) => this.#emit(turn, event), signal)
  }

  async #steer(turn: Turn, journal: TurnJournal): Promise<Message[]> {
    let taken: Message[] = []
    await journal.commit(async (transaction) => {
      taken = await takeSteering(transaction, turn, this.#parts.now())
    })
    return taken
  }

  async #provider(turn: Turn): Promise<{ provider: Provider; model: string; steers: boolean }> {
    const { store, commands, models } = this.#parts
    const found = findCommand(commands, turn.inbound.text)
    if (found !== undefined) {
      return { provider: scriptProvider(found.command, found.args, turn.sessionId), model: 'command', steers: false }
    }
    const session = await store.db
      .selectFrom('sessions')
      .select('model')
      .where('id', '=', turn.sessionId)
      .executeTakeFirstOrThrow()
    const choice = await models.choose(session.model)
    return choice.ok
      ? { ...choice, steers: true }
      : { provider: hintProvider(choice.hint), model: 'none', steers: false }
  }

  #emit(turn: Turn, event: LoopEvent): void {
    const turnId = turn.id
    if (event.type === 'text') this.#log.text(turnId, event.delta)
    else if (event.type !== 'tool.started') this.#log.append({ ...event, turnId })
    else {
      const { id: callId, name, arguments: args } = event.call
      const call = { callId, name, summary: event.summary, arguments: args }
      this.#log.append({ type: 'tool.started', turnId, call })
    }
  }

  async #finish(turn: Turn, journal: TurnJournal, end: LoopEnd): Promise<void> {
    const fault = faultOf(end)
    const text = [end.text, fault ?? ''].filter((part) => part !== '').join('\n\n')
    await journal.commit(async (transaction) => {
      const outbox = await endTurn(transaction, turn, {
        end,
        fault,
        text,
        now: this.#parts.now(),
        isLive: this.#parts.isLive,
      })
      this.#log.append({ type: 'turn.finished', turnId: turn.id, status: end.status, text })
      if (outbox) queueMicrotask(this.#parts.onOutbox)
    })
  }
}

const NO_USAGE = { inputTokens: 0, outputTokens: 0 }
const FAULT = 'openpista made a mistake of its own; its log says more.'

/** What goes wrong is told to the person in words. */
function faultOf(end: LoopEnd): string | undefined {
  switch (end.status) {
    case 'stop':
      return end.text === '' ? 'The model gave no answer.' : undefined
    case 'aborted':
      return 'Cancelled.'
    case 'max_rounds':
      return `❌ Max tool rounds exceeded (${end.rounds}). Say "go on" to continue.`
    case 'error':
      return `❌ ${ERROR_WORDS[end.code]}: ${end.message}`
  }
}

const ERROR_WORDS = {
  AUTH: 'Authentication required',
  RATE_LIMIT: 'Rate limit exceeded',
  OVERLOADED: 'LLM error: the service is overloaded',
  NETWORK: 'LLM error: no connection',
  BAD_REQUEST: 'LLM error',
  BAD_RESPONSE: 'Invalid response from LLM',
  ABORTED: 'LLM error',
} as const

function senderOf({ owner, channel, user }: Inbound): Provenance {
  return owner ? { kind: 'owner', channel } : { kind: 'person', channel, user }
}
