import { canonicalHash, canonicalJson } from '@openpista/common'
import type { ApprovalAnswer, Approver } from './approvals/approver.ts'
import type { ContextBudget } from './domain/history.ts'
import type { Message } from './domain/message.ts'
import type { LoopConfig, LoopEnd, LoopEvent, run } from './loop.ts'
import type { ModelRequest, ProviderEvent, ToolSpec } from './providers/provider.ts'
import type { Tool, ToolResult } from './tools/tool.ts'

/** The loop, or something that stands around it. */
export type RunLoop = typeof run

/** The first line of a recording: everything that a run began with. */
export type RecordedStart = {
  kind: 'start'
  version: 1
  messages: readonly Message[]
  candidates: { provider: string; model: string }[]
  system: string
  specs: readonly ToolSpec[]
  context: ContextBudget
  about: LoopConfig['about']
  workspace: string
  begun: string[]
}

/** One line of a recording, in the order in which things happened. */
export type Recorded =
  | RecordedStart
  /** A request as it went to the provider: the hash of its canonical JSON. */
  | { kind: 'request'; sha256: string }
  | { kind: 'event'; event: ProviderEvent }
  | { kind: 'limit'; words: string | null }
  | { kind: 'steer'; messages: Message[] }
  | { kind: 'answer'; callId: string; answer: ApprovalAnswer | null }
  | { kind: 'output'; callId: string; text: string }
  | { kind: 'result'; callId: string; result: ToolResult }
  | { kind: 'shown'; event: LoopEvent }
  | { kind: 'abort' }
  | { kind: 'end'; end: LoopEnd }

/** The hash of everything that a provider is asked. */
export function requestHash(request: ModelRequest): string {
  return canonicalHash(JSON.parse(JSON.stringify(request)))
}

/**
 * The loop, with everything that comes into a run and goes out of it written down. `store` gets the lines (JSON, one
 * object each) when the run has ended; it is not called for a run that throws.
 */
export function recordRuns(runLoop: RunLoop, store: (turnId: string, lines: string) => void): RunLoop {
  return async (messages, config, emit, signal) => {
    const lines: string[] = []
    const write = (entry: Recorded) => lines.push(canonicalJson(JSON.parse(JSON.stringify(entry))))
    write(startOf(messages, config))
    signal.addEventListener('abort', () => write({ kind: 'abort' }), { once: true })
    const watched = watch(config, write)
    const shown = (event: LoopEvent) => {
      write({ kind: 'shown', event })
      emit(event)
    }
    const end = await runLoop(messages, watched, shown, signal)
    write({ kind: 'end', end })
    store(config.about.turnId, `${lines.join('\n')}\n`)
    return end
  }
}

function startOf(messages: readonly Message[], config: LoopConfig): RecordedStart {
  const { candidates, system, specs, context, about, place, begun } = config
  const names = candidates.map(({ provider, model }) => ({ provider: provider.id, model }))
  const { workspace } = place
  return {
    ...{ kind: 'start', version: 1, messages, candidates: names, system, specs, context, about, workspace },
    begun: [...begun],
  }
}

type Write = (entry: Recorded) => void

function watch(config: LoopConfig, write: Write): LoopConfig {
  return {
    ...config,
    candidates: config.candidates.map((candidate) => ({
      ...candidate,
      provider: {
        id: candidate.provider.id,
        async *stream(request, signal) {
          write({ kind: 'request', sha256: requestHash(request) })
          for await (const event of candidate.provider.stream(request, signal)) {
            if (!signal.aborted) write({ kind: 'event', event })
            yield event
          }
        },
      },
    })),
    tools: config.tools.map((tool) => watchTool(tool, write)),
    approver: watchApprover(config.approver, write),
    person: watchApprover(config.person, write),
    limit: async (rounds, signal) => {
      const words = await config.limit(rounds, signal)
      write({ kind: 'limit', words: words ?? null })
      return words
    },
    steer: async () => {
      const messages = await config.steer()
      write({ kind: 'steer', messages })
      return messages
    },
  }
}

function watchTool(tool: Tool, write: Write): Tool {
  return {
    ...tool,
    run: async (input, context) => {
      const { callId } = context
      const emit = (text: string) => {
        write({ kind: 'output', callId, text })
        context.emit(text)
      }
      const result = await tool.run(input, { ...context, emit })
      if (!context.signal.aborted) write({ kind: 'result', callId, result })
      return result
    },
  }
}

function watchApprover(approver: Approver, write: Write): Approver {
  return {
    ask: async (question, signal) => {
      const answer = await approver.ask(question, signal)
      write({ kind: 'answer', callId: question.call.id, answer: answer ?? null })
      return answer
    },
  }
}
