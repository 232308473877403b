import { newId } from '@openpista/common'
import type { ToolCall } from '../domain/message.ts'
import type { ModelRequest, Provider, ProviderEvent } from '../providers/provider.ts'
import type { Command } from './command.ts'

/**
 * A command as a provider: it "answers" with the command's tool call, and then with the call's result as text.
 * So approval, journal and frames of a command are those of a model's turn.
 */
export function scriptProvider(command: Command, args: string, sessionId: string): Provider {
  return {
    id: `command:${command.name}`,
    async *stream(request: ModelRequest): AsyncIterable<ProviderEvent> {
      const last = request.messages.at(-1)
      if (last?.role === 'tool') return yield* say(last.isError ? `❌ ${last.output}` : last.output)
      const step = await command.plan(args, sessionId)
      if (step.kind === 'say') return yield* say(step.text)
      yield* done('', [{ id: newId(), name: step.tool, arguments: step.arguments }])
    },
  }
}

/** Answers everything with the same words: for a session without a model. */
export function hintProvider(hint: string): Provider {
  return { id: 'none', stream: () => say(hint) }
}

async function* say(text: string): AsyncIterable<ProviderEvent> {
  yield { type: 'text', delta: text }
  yield* done(text, [])
}

async function* done(text: string, calls: ToolCall[]): AsyncIterable<ProviderEvent> {
  yield { type: 'done', text, thinking: [], calls, usage: { inputTokens: 0, outputTokens: 0 } }
}
