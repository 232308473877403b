import { canonicalJson } from '@openpista/common'
import type { ApprovalAnswer, Approver } from './approvals/approver.ts'
import { type ContextBudget, fit, interrupted, unansweredCalls, untrustedSources } from './domain/history.ts'
import type { Message, ToolCall } from './domain/message.ts'
import type { Usage } from './domain/model-info.ts'
import type { Provenance } from './domain/provenance.ts'
import { askModel, type Candidate, type Reply, type RetryPolicy } from './model-stream.ts'
import type { ProviderErrorCode, ToolSpec } from './providers/provider.ts'
import type { Tool, ToolContext } from './tools/tool.ts'

/** What the loop writes down. A promise that resolves means: it survives a crash. */
export type Journal = {
  /** A message joins the conversation. May be kept back until the next call that must be durable. */
  append: (message: Message) => Promise<void>
  /** What an answer cost. May be kept back like a message. */
  used: (by: Candidate, usage: Usage) => Promise<void>
  decided: (call: ToolCall, answer: ApprovalAnswer) => Promise<void>
  /** Before the tool runs. */
  starting: (call: ToolCall, tool: Tool) => Promise<void>
  /** After the tool ran, or was refused: the result joins the conversation. */
  finished: (call: ToolCall, result: ToolMessage, end: 'FINISHED' | 'DENIED' | 'INTERRUPTED') => Promise<void>
}

export type ToolMessage = Extract<Message, { role: 'tool' }>

/** Everything one run needs. Nothing in here draws, listens or stores. */
export type LoopConfig = {
  /** The first is asked; each other stands in when those before it fail. */
  candidates: readonly Candidate[]
  system: string
  tools: readonly Tool[]
  /** The same tools as the model sees them. */
  specs: readonly ToolSpec[]
  retry: RetryPolicy
  /** What fits into one request: older messages stay out. */
  context: ContextBudget
  /** Asked before each round: may there be one more? Else the words that say why not. */
  limit: (rounds: number, signal: AbortSignal) => Promise<string | undefined>
  /** The chain: rules first, then the person. */
  approver: Approver
  /** The person alone, for questions that no rule may answer. */
  person: Approver
  journal: Journal
  /** Messages that arrived since the last round; they are in the conversation already. */
  steer: () => Promise<Message[]>
  /** `sources`: everybody else whose words stood in the conversation, also where they do not fit into it any more. */
  about: { sessionId: string; turnId: string; channel: string; sender: Provenance; sources?: readonly Provenance[] }
  place: Pick<ToolContext, 'workspace' | 'exec'>
  /** Calls that an earlier process had begun. They are not begun again unless the tool says that this is safe. */
  begun: ReadonlySet<string>
}

export type LoopEvent =
  | { type: 'text'; delta: string }
  | { type: 'notice'; text: string }
  | { type: 'tool.started'; call: ToolCall; summary: string }
  | { type: 'tool.output'; callId: string; text: string }
  | { type: 'tool.finished'; callId: string; output: string; isError: boolean }

/** How a run ended. `text` is everything the assistant said in it. */
export type LoopEnd = { text: string; usage: Usage; rounds: number } & (
  | { status: 'stop' | 'aborted' }
  | { status: 'limit'; message: string }
  | { status: 'error'; code: ProviderErrorCode; message: string }
)

/** The same call this many times in a row is asked about. */
const REPEATS_TO_ASK = 3

/** How long a tool may take to end after it was told to. */
const ABORT_GRACE_MS = 800

/**
 * The one agent loop: stream an answer, ask about its tool calls, run them in order, append, again; until the
 * model stops calling. Failures are the returned value; an exception is a bug in a tool or in the journal.
 * `messages` may end in calls without results (a run that an earlier process began): these are done first.
 */
export async function run(
  messages: readonly Message[],
  config: LoopConfig,
  emit: (event: LoopEvent) => void,
  signal: AbortSignal,
): Promise<LoopEnd> {
  const { candidates } = config
  const state: State = { messages: [...messages], candidates, repeats: { key: '', count: 0 }, refused: new Set() }
  const texts: string[] = []
  const usage = { inputTokens: 0, outputTokens: 0 }
  let calls = unansweredCalls(state.messages)
  for (let rounds = 0; ; rounds++) {
    await performAll(calls, state, config, emit, signal)
    const sofar = { text: texts.join('\n\n'), usage, rounds }
    if (signal.aborted) return { status: 'aborted', ...sofar }
    const message = await config.limit(rounds, signal)
    if (signal.aborted) return { status: 'aborted', ...sofar }
    if (message !== undefined) return { status: 'limit', message, ...sofar }
    if (rounds > 0) state.messages.push(...(await config.steer()))
    const reply = await ask(state, config, emit, signal)
    usage.inputTokens += reply.usage.inputTokens
    usage.outputTokens += reply.usage.outputTokens
    await config.journal.used(reply.by, reply.usage)
    const said = withFreshIds(reply, state.messages)
    if (said.text !== '' || said.calls.length > 0) await append(state, config, { role: 'assistant', ...said })
    if (said.text !== '') texts.push(said.text)
    const text = texts.join('\n\n')
    if (reply.end === 'aborted') return { status: 'aborted', text, usage, rounds: rounds + 1 }
    if (reply.end !== 'done') return { status: 'error', ...reply.end, text, usage, rounds: rounds + 1 }
    if (said.calls.length === 0) return { status: 'stop', text, usage, rounds: rounds + 1 }
    calls = said.calls
  }
}

type State = {
  messages: Message[]
  /** Without those that failed in this run. */
  candidates: readonly Candidate[]
  repeats: { key: string; count: number }
  /** Repeated calls that were denied: asking again would only tire the owner. */
  refused: Set<string>
}

async function ask(state: State, config: LoopConfig, emit: Emit, signal: AbortSignal): Promise<Reply> {
  const onFailover = ({ by, end }: Reply, next: Candidate) => {
    state.candidates = state.candidates.slice(state.candidates.indexOf(next))
    const why = typeof end === 'string' ? end : end.message
    emit({ type: 'notice', text: `${by.model} (${by.provider.id}) gave no answer: ${why} ${next.model} goes on.` })
  }
  const messages = fit(state.messages, config.context)
  const request = { system: config.system, messages, tools: offered(config, messages) }
  return await askModel(request, { candidates: state.candidates, retry: config.retry, onFailover }, emit, signal)
}

/** The tools that this conversation has a use for: all but those that another one has to come before. */
function offered({ tools, specs }: LoopConfig, messages: readonly Message[]): readonly ToolSpec[] {
  const called = new Set(
    messages.flatMap((each) => (each.role === 'assistant' ? each.calls.map(({ name }) => name) : [])),
  )
  const hidden = new Set(
    tools.flatMap(({ name, offeredAfter }) =>
      offeredAfter === undefined || [offeredAfter].flat().some((tool) => called.has(tool)) ? [] : [name],
    ),
  )
  return specs.filter(({ name }) => !hidden.has(name))
}

async function append(state: State, config: LoopConfig, message: Message): Promise<void> {
  state.messages.push(message)
  await config.journal.append(message)
}

/** Some servers number calls anew in every answer; in a conversation an id stands for one call. */
function withFreshIds(reply: Reply, messages: readonly Message[]): Pick<Reply, 'text' | 'thinking' | 'calls'> {
  const taken = new Set(
    messages.flatMap((message) => (message.role === 'assistant' ? message.calls.map((call) => call.id) : [])),
  )
  const calls = reply.calls.map((call) => {
    let id = call.id
    for (let copy = 2; taken.has(id); copy++) id = `${call.id}-${copy}`
    taken.add(id)
    return { ...call, id }
  })
  return { text: reply.text, thinking: reply.thinking, calls }
}

type Emit = (event: LoopEvent) => void

async function performAll(calls: ToolCall[], state: State, config: LoopConfig, emit: Emit, signal: AbortSignal) {
  for (const call of calls) {
    if (signal.aborted) await conclude(call, interrupted(call), 'INTERRUPTED', state, config, emit)
    else await perform(call, state, config, emit, signal)
  }
}

async function perform(call: ToolCall, state: State, config: LoopConfig, emit: Emit, signal: AbortSignal) {
  const fail = (words: string, end: 'FINISHED' | 'DENIED' | 'INTERRUPTED' = 'FINISHED') =>
    conclude(call, interrupted(call, words), end, state, config, emit)
  const tool = config.tools.find(({ name }) => name === call.name)
  const input = tool?.input.safeParse(call.arguments)
  const summary = tool !== undefined && input?.success === true ? tool.summary(input.data) : call.name
  if (tool === undefined || input === undefined) {
    emit({ type: 'tool.started', call, summary })
    return await fail(`Tool '${call.name}' not found`)
  }
  if (!input.success) {
    emit({ type: 'tool.started', call, summary })
    const faults = input.error.issues.map((issue) => `${issue.path.join('.') || 'arguments'}: ${issue.message}`)
    return await fail(`Invalid arguments: ${faults.join('; ')}`)
  }
  if (config.begun.has(call.id)) {
    emit({ type: 'tool.started', call, summary })
    if (!tool.repeatable) return await fail(BEGUN_WORDS, 'INTERRUPTED')
  } else {
    const refusal = await decide(call, tool, summary, tool.scope(input.data), state, config, signal)
    emit({ type: 'tool.started', call, summary })
    if (signal.aborted) return await fail('Interrupted before it ran.', 'INTERRUPTED')
    if (refusal !== undefined) return await fail(refusal, 'DENIED')
  }
  await config.journal.starting(call, tool)
  const result = await execute(call, tool, input.data, config, emit, signal)
  await conclude(call, result, signal.aborted ? 'INTERRUPTED' : 'FINISHED', state, config, emit)
}

const BEGUN_WORDS =
  'Interrupted: openpista was stopped while this ran. It may have taken effect wholly, partly or not at all. ' +
  'It was not run again; look at the result before repeating it.'

/** `undefined`: it may run. Else the words that the model gets. */
async function decide(
  call: ToolCall,
  tool: Tool,
  summary: string,
  scope: string,
  state: State,
  config: LoopConfig,
  signal: AbortSignal,
): Promise<string | undefined> {
  const key = `${call.name} ${canonicalJson(call.arguments)}`
  if (state.refused.has(key)) return 'Tool call rejected: the same call was rejected before in this turn.'
  state.repeats = { key, count: state.repeats.key === key ? state.repeats.count + 1 : 1 }
  const repeated = state.repeats.count >= REPEATS_TO_ASK
  const { sources = [], ...about } = config.about
  const question = {
    ...about,
    call,
    summary,
    scope,
    risk: tool.risk,
    untrusted: untrustedSources(state.messages, sources),
    ...(repeated ? { note: `The agent asks for the same call ${state.repeats.count} times in a row.` } : {}),
  }
  const answer = (await (repeated ? config.person : config.approver).ask(question, signal)) ?? {
    decision: 'deny' as const,
    by: 'nobody',
    reason: 'Tool call rejected: no rule allows it and nobody can be asked.',
  }
  await config.journal.decided(call, answer)
  if (answer.decision !== 'deny') return undefined
  if (repeated) state.refused.add(key)
  return answer.reason
}

async function execute(
  call: ToolCall,
  tool: Tool,
  input: unknown,
  config: LoopConfig,
  emit: Emit,
  signal: AbortSignal,
): Promise<ToolMessage> {
  const context: ToolContext = {
    sessionId: config.about.sessionId,
    turnId: config.about.turnId,
    callId: call.id,
    ...config.place,
    signal,
    emit: (text) => emit({ type: 'tool.output', callId: call.id, text }),
  }
  const result = await Promise.race([tool.run(input, context), afterAbort(signal)])
  if (result === undefined) return interrupted(call, 'Interrupted: cancelled while it ran.')
  const { images = [], ...said } = result
  return { role: 'tool', callId: call.id, name: call.name, images, ...said }
}

/** Resolves a moment after the abort, so that a tool that does not listen cannot hold the session. */
function afterAbort(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const later = () => setTimeout(() => resolve(undefined), ABORT_GRACE_MS).unref()
    if (signal.aborted) later()
    else signal.addEventListener('abort', later, { once: true })
  })
}

async function conclude(
  call: ToolCall,
  result: ToolMessage,
  end: 'FINISHED' | 'DENIED' | 'INTERRUPTED',
  state: State,
  config: LoopConfig,
  emit: Emit,
): Promise<void> {
  state.messages.push(result)
  emit({ type: 'tool.finished', callId: call.id, output: result.shown ?? result.output, isError: result.isError })
  await config.journal.finished(call, result, end)
}
