import { type Logger, newId } from '@openpista/common'
import type { Approver } from './approvals/approver.ts'
import { type Command, findCommand } from './commands/command.ts'
import { hintProvider, type ScriptedCommand, scriptCommand } from './commands/script-provider.ts'
import { type Compaction, compact } from './compact.ts'
import { contextMessages } from './domain/compaction.ts'
import { type ContextBudget, replay, untrustedSources } from './domain/history.ts'
import type { Message } from './domain/message.ts'
import { modelInfo } from './domain/model-info.ts'
import { type Provenance, senderProvenance } from './domain/provenance.ts'
import type { Executor } from './executors/executor.ts'
import type { Cards } from './gateway/cards.ts'
import type { HumanApprover } from './gateway/human-approver.ts'
import type { SessionLog } from './gateway/session-log.ts'
import type { LoopEnd, LoopEvent } from './loop.ts'
import type { Candidate, RetryPolicy } from './model-stream.ts'
import type { Models } from './models.ts'
import { systemPrompt } from './prompt.ts'
import type { ToolSpec } from './providers/provider.ts'
import type { RunLoop } from './recording.ts'
import { type Notice, type ReadContext, readContext, storeSummary } from './store/conversation.ts'
import type { Store } from './store/store.ts'
import { createTurnJournal, type TurnJournal } from './store/turn-journal.ts'
import { beginTurn, endTurn, isAnythingWaiting, nextWaiting, type Turn, takeSteering } from './store/turns.ts'
import type { Tool } from './tools/tool.ts'
import { createTurnLimits, type TurnLimitParts } from './turn-limits.ts'

/** What every session's turns are made of. */
export type SessionParts = {
  store: Store
  tools: readonly Tool[]
  specs: readonly ToolSpec[]
  commands: readonly Command[]
  models: Models
  /** Closes what a turn of an earlier process asked. */
  cards: Pick<Cards, 'resolve'>
  /** The chain: rules first, then the person. */
  approver: Approver
  /** The person alone. */
  person: Approver & Pick<HumanApprover, 'confirm'>
  executor: Executor
  workspace: string
  /** What the system prompt says about skills; looked up for every turn. */
  skillIndex: () => Promise<string>
  runLoop: RunLoop
  limits: TurnLimitParts['limits']
  context: ContextBudget
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
  /** The conversation as the last turn read it. */
  #known: ReadContext | undefined
  #forgetting: NodeJS.Timeout | undefined
  /** Where the conversation ended when it could not be summed up. */
  #unsummed: number | undefined
  #current: { abort: AbortController; ended: Promise<void>; sender: Provenance } | undefined

  constructor(log: SessionLog, parts: SessionParts) {
    this.#log = log
    this.#parts = parts
  }

  /** Who asked for the turn that runs. */
  get sender(): Provenance | undefined {
    return this.#current?.sender
  }

  get running(): boolean {
    return this.#pumping !== undefined
  }

  /** There is, or may be, a waiting message; or one is being stored by a transaction that was handed over before. */
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
    clearTimeout(this.#forgetting)
  }

  async #pump(): Promise<void> {
    try {
      while (!this.#stopped) {
        // Looked at twice: something may have woken the session while it was found empty.
        if (!this.#again && !(await this.#isWaiting()) && !this.#again) break
        this.#again = false
        const turn = this.#open.shift() ?? (await this.#begin())
        if (turn !== undefined) await this.#run(turn)
      }
    } catch (error) {
      this.#parts.logger.error({ err: error, sessionId: this.#log.sessionId }, 'a session stopped working')
    } finally {
      this.#pumping = undefined
    }
  }

  async #isWaiting(): Promise<boolean> {
    return this.#open.length > 0 || (await nextWaiting(this.#parts.store.db, this.#log.sessionId)) !== undefined
  }

  /** Reads inside the transaction: the message that woke the session may be stored by the same one. */
  async #begin(): Promise<Turn | undefined> {
    const { sessionId } = this.#log
    return await this.#log.commit(async (transaction) => {
      const waiting = await nextWaiting(transaction, sessionId)
      if (waiting === undefined) return undefined
      const turn: Turn = { id: newId(), sessionId, inbound: waiting.inbound, begun: new Set() }
      await beginTurn(transaction, turn, waiting, this.#parts.now())
      this.#log.append({ type: 'turn.started', turnId: turn.id, messageId: turn.inbound.id })
      return turn
    })
  }

  async #run(turn: Turn): Promise<void> {
    const abort = new AbortController()
    const ended = Promise.withResolvers<void>()
    this.#current = { abort, ended: ended.promise, sender: senderProvenance(turn.inbound) }
    const { now } = this.#parts
    const journal = createTurnJournal({ sessionId: turn.sessionId, turnId: turn.id, log: this.#log, now })
    try {
      const end = await this.#loop(turn, journal, abort.signal).catch((error: unknown): TurnEnd => {
        this.#parts.logger.error({ err: error, sessionId: turn.sessionId, turnId: turn.id }, 'a turn failed')
        return { status: 'error', code: 'BAD_RESPONSE', message: FAULT, text: '', usage: NO_USAGE, rounds: 0 }
      })
      await this.#finish(turn, journal, end)
    } catch (error) {
      // What could not be stored must not stand in the way of the session's next turn.
      this.#log.discard()
      throw error
    } finally {
      this.#current = undefined
      ended.resolve()
    }
  }

  async #loop(turn: Turn, journal: TurnJournal, signal: AbortSignal): Promise<TurnEnd> {
    const { runLoop, tools, specs, retry, approver, person, executor, workspace } = this.#parts
    const { sessionId, inbound } = turn
    const { candidates, steers, answer } = await this.#models(turn)
    const skills = steers ? await this.#parts.skillIndex() : ''
    const about = { sessionId, turnId: turn.id, channel: inbound.channel }
    const limits = createTurnLimits({ ...this.#parts, confirm: person.confirm, about })
    // What the last round used must be written down before it is added up.
    const limit: typeof limits = async (rounds, ending) => {
      if (rounds > 0) await journal.commit(async () => {})
      return await limits(rounds, ending)
    }
    const context = contextBudget(candidates[0], this.#parts.context)
    const { messages, sources } = await this.#context(turn, journal, { candidates, context, steers }, signal)
    const config = {
      candidates,
      system: systemPrompt({ workspace, executor: executor.name, channel: inbound.channel, skills }),
      tools,
      specs,
      context,
      limit: steers ? limit : unlimited,
      retry,
      approver,
      person,
      journal,
      steer: async () => (steers ? await this.#steer(turn, journal) : []),
      about: { ...about, sender: senderProvenance(inbound), sources },
      place: { workspace, exec: executor },
      begun: turn.begun,
    }
    const end = await runLoop(messages, config, (event) => this.#emit(turn, journal, event), signal)
    return end.status === 'stop' ? { ...end, ...answer() } : end
  }

  async #steer(turn: Turn, journal: TurnJournal): Promise<Message[]> {
    if (!(await isAnythingWaiting(this.#parts.store.db, turn.sessionId))) return []
    let taken: Message[] = []
    await journal.commit(async (transaction) => {
      taken = await takeSteering(transaction, turn, this.#parts.now())
    })
    return taken
  }

  /** The conversation so far, as it goes to the model; one that has become too long is summed up first. */
  async #context(turn: Turn, journal: TurnJournal, how: ContextHow, signal: AbortSignal) {
    const { store, retry, now } = this.#parts
    const { sessionId } = turn
    const rows = 2 * how.context.messages
    let context = await readContext(store.db, sessionId, rows, this.#known)
    const mayCompact = this.#unsummed === undefined || context.last - this.#unsummed >= MESSAGES_TO_TRY_AGAIN
    if (how.steers && mayCompact) {
      const ask = { candidates: how.candidates, retry, onFailover: () => {} }
      const compaction = await compact(context, how.context, ask, signal)
      if (compaction !== undefined) {
        await journal.used(compaction.reply.by, compaction.reply.usage)
        this.#note(journal, compactionNotice(compaction))
        await journal.commit(async (transaction) => {
          if ('summary' in compaction) await storeSummary(transaction, sessionId, compaction.summary, now())
        })
        this.#unsummed = 'summary' in compaction ? undefined : context.last
        context = await readContext(store.db, sessionId, rows)
      }
    }
    this.#remember(context)
    const messages = contextMessages(context)
    // What does not fit any more was read all the same, and the agent's own words may repeat it.
    return { messages: replay(messages, how.context), sources: untrustedSources(messages) }
  }

  /** Keeps what was read for the next turn, as long as the session is in use. */
  #remember(context: ReadContext): void {
    this.#known = context
    clearTimeout(this.#forgetting)
    this.#forgetting = setTimeout(() => (this.#known = undefined), KEPT_CONTEXT_MS).unref()
  }

  async #models(turn: Turn): Promise<TurnModels> {
    const { store, commands, models } = this.#parts
    const found = findCommand(commands, turn.inbound.text)
    if (found !== undefined) {
      const about = { sessionId: turn.sessionId, sender: senderProvenance(turn.inbound), tools: this.#parts.specs }
      const script = scriptCommand(found, about)
      return { candidates: [{ provider: script.provider, model: 'command' }], steers: false, answer: script.answer }
    }
    const session = await store.db
      .selectFrom('sessions')
      .select('model')
      .where('id', '=', turn.sessionId)
      .executeTakeFirstOrThrow()
    const choice = await models.choose(session.model)
    return choice.ok
      ? { candidates: [choice, ...choice.fallbacks], steers: true, answer: alreadySaid }
      : { candidates: [{ provider: hintProvider(choice.hint), model: 'none' }], steers: false, answer: alreadySaid }
  }

  #note(journal: TurnJournal, notice: Notice): void {
    journal.notice(notice)
    this.#log.append({ type: 'notice', ...notice })
  }

  #emit(turn: Turn, journal: TurnJournal, event: LoopEvent): void {
    const turnId = turn.id
    if (event.type === 'text') this.#log.text(turnId, event.delta)
    else if (event.type === 'notice') this.#note(journal, { text: event.text, tone: 'warning' })
    else if (event.type !== 'tool.started') this.#log.show({ ...event, turnId })
    else {
      const { id: callId, name, arguments: args } = event.call
      const call = { callId, name, summary: event.summary, arguments: args }
      this.#log.show({ type: 'tool.started', turnId, call })
    }
  }

  async #finish(turn: Turn, journal: TurnJournal, end: TurnEnd): Promise<void> {
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
      const { status, answeredBy } = end
      const how = answeredBy === undefined ? {} : { answeredBy }
      this.#log.append({ type: 'turn.finished', turnId: turn.id, status, text, ...how })
      if (outbox) queueMicrotask(this.#parts.onOutbox)
    })
  }
}

/** How a turn ended. `answeredBy`: the tool call whose output is the answer. */
type TurnEnd = LoopEnd & { answeredBy?: string }

/** Who answers. `steers`: a model does, and takes what is said meanwhile into account. */
type TurnModels = { candidates: [Candidate, ...Candidate[]]; steers: boolean; answer: ScriptedCommand['answer'] }

const alreadySaid = () => undefined

type ContextHow = { candidates: readonly Candidate[]; context: ContextBudget; steers: boolean }

/** So many messages after a conversation could not be summed up it is tried again, and not in every turn. */
const MESSAGES_TO_TRY_AGAIN = 10

/** How long the conversation of a quiet session stays in memory. */
const KEPT_CONTEXT_MS = 5 * 60_000

const unlimited = async () => undefined

/** Characters that one token stands for, on the safe side for code and for scripts other than Latin. */
const CHARS_OF_A_TOKEN = 2.5

/** What the owner configured, and no more than the model takes beside its answer. */
function contextBudget({ provider, model }: Candidate, configured: ContextBudget): ContextBudget {
  const info = modelInfo(provider.id, model)
  const room = Math.floor((info.context - Math.min(info.output, info.context / 4)) * CHARS_OF_A_TOKEN)
  return { ...configured, chars: Math.min(configured.chars, room) }
}

function compactionNotice(compaction: Compaction): Notice {
  return 'summary' in compaction
    ? { text: 'This conversation is long: its older part was summed up. Nothing of it is lost.', tone: 'info' }
    : {
        text: `This conversation is too long and could not be summed up: ${compaction.failed} The oldest messages are left out.`,
        tone: 'warning',
      }
}

const NO_USAGE = { inputTokens: 0, outputTokens: 0 }
const FAULT = 'openpista made a mistake of its own; its log says more.'

/** The words of a turn that was told to end. */
export const CANCELLED = 'Cancelled.'

/** What goes wrong is told to the person in words. */
function faultOf(end: LoopEnd): string | undefined {
  switch (end.status) {
    case 'stop':
      return end.text === '' ? 'The model gave no answer.' : undefined
    case 'aborted':
      return CANCELLED
    case 'limit':
      return `❌ ${end.message} Say "go on" to continue.`
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
