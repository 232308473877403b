import { sleep } from '@openpista/common'
import type { ThinkingPart, ToolCall } from './domain/message.ts'
import type { Usage } from './domain/model-info.ts'
import type { ModelRequest, Provider, ProviderErrorCode, ProviderEvent } from './providers/provider.ts'

/** When and how long to wait before asking a model again. */
export type RetryPolicy = {
  /** Attempts after the first. */
  max: number
  /** Milliseconds before attempt `attempt` (1 is the first repetition). */
  delay: (attempt: number, retryAfterMs: number | undefined) => number
}

/** A model to ask, and who to ask for it. */
export type Candidate = { provider: Provider; model: string }

/** What a model said, and how it ended: what was said before an error or an abort is kept. */
export type Reply = {
  by: Candidate
  text: string
  thinking: ThinkingPart[]
  calls: ToolCall[]
  usage: Usage
  end: 'done' | 'aborted' | { code: ProviderErrorCode; message: string }
}

/** Exponential from 400 ms to 8 s with full jitter, at least what the server asked for, at most 30 s. */
export function jitteredRetry(max: number, random: () => number): RetryPolicy {
  return {
    max,
    delay: (attempt, retryAfterMs = 0) => {
      const ceiling = Math.min(8_000, 400 * 2 ** (attempt - 1))
      return Math.min(30_000, Math.max(retryAfterMs, ceiling / 2 + (random() * ceiling) / 2))
    },
  }
}

export type AskConfig = {
  /** The first is asked; each other stands in for those before it. Never empty. */
  candidates: readonly Candidate[]
  retry: RetryPolicy
  /** The next candidate takes over; `failed` is the answer of the one before. */
  onFailover: (failed: Reply, next: Candidate) => void
}

export type AskRequest = Omit<ModelRequest, 'model'>

type Emit = (event: { type: 'text'; delta: string }) => void

/**
 * One answer of a model. Errors that may pass (no connection, 429, 5xx) are tried again, and what does not pass
 * goes to the next candidate; both only while nothing of the answer was shown.
 */
export async function askModel(
  request: AskRequest,
  config: AskConfig,
  emit: Emit,
  signal: AbortSignal,
): Promise<Reply> {
  const [candidate, ...others] = config.candidates
  if (candidate === undefined) throw new Error('askModel needs a candidate')
  const { reply, shown } = await askOne(request, candidate, config.retry, emit, signal)
  const [next] = others
  if (shown || next === undefined || typeof reply.end === 'string' || IS_OURS.has(reply.end.code)) return reply
  config.onFailover(reply, next)
  return await askModel(request, { ...config, candidates: others }, emit, signal)
}

async function askOne(
  request: AskRequest,
  candidate: Candidate,
  retry: RetryPolicy,
  emit: Emit,
  signal: AbortSignal,
): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await streamOnce(request, candidate, emit, signal)
    const { reply, shown, retryAfterMs } = outcome
    if (shown || typeof reply.end === 'string') return outcome
    if (attempt > retry.max || !MAY_PASS.has(reply.end.code)) return outcome
    await sleep(retry.delay(attempt, retryAfterMs), signal)
    if (signal.aborted) return { ...outcome, reply: { ...reply, end: 'aborted' } }
  }
}

const MAY_PASS: ReadonlySet<ProviderErrorCode> = new Set(['RATE_LIMIT', 'OVERLOADED', 'NETWORK'])
/** Another model would get the same request, and the same refusal. */
const IS_OURS: ReadonlySet<ProviderErrorCode> = new Set(['BAD_REQUEST', 'ABORTED'])
const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0 }

type Outcome = { reply: Reply; shown: boolean; retryAfterMs?: number | undefined }

async function streamOnce(request: AskRequest, by: Candidate, emit: Emit, signal: AbortSignal): Promise<Outcome> {
  let text = ''
  let shown = false
  const partial = (end: Reply['end']): Reply => ({ by, text, thinking: [], calls: [], usage: NO_USAGE, end })
  for await (const event of untilAborted(by.provider.stream({ ...request, model: by.model }, signal), signal)) {
    if (event.type === 'text') {
      text += event.delta
      shown = true
      emit(event)
    } else if (event.type === 'thinking') {
      shown = true
    } else if (event.type === 'done') {
      const { thinking, calls, usage } = event
      return { reply: { by, text: event.text, thinking, calls, usage, end: 'done' }, shown }
    } else if (event.code === 'ABORTED') {
      return { reply: partial('aborted'), shown }
    } else {
      const { code, message, retryAfterMs } = event
      return { reply: partial({ code, message }), shown, retryAfterMs }
    }
  }
  if (signal.aborted) return { reply: partial('aborted'), shown }
  return { reply: partial({ code: 'BAD_RESPONSE', message: 'The answer ended without an end.' }), shown }
}

/** The same events, but the abort ends them also where the provider does not listen. */
async function* untilAborted(events: AsyncIterable<ProviderEvent>, signal: AbortSignal): AsyncIterable<ProviderEvent> {
  if (signal.aborted) return
  const aborted = Promise.withResolvers<'aborted'>()
  const onAbort = () => aborted.resolve('aborted')
  signal.addEventListener('abort', onAbort, { once: true })
  const iterator = events[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted.promise])
      if (next === 'aborted' || next.done === true) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Awaited by nobody: a provider that hangs would hang this one too.
    if (signal.aborted) iterator.return?.().catch(noLongerHeard)
  }
}

/** An answer that was cancelled may fail as it likes. */
function noLongerHeard(): void {}
