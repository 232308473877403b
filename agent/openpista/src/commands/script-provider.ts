import { newId } from '@openpista/common'
import type { Message, ToolCall } from '../domain/message.ts'
import type { Provenance } from '../domain/provenance.ts'
import type { ModelRequest, Provider, ProviderEvent } from '../providers/provider.ts'
import type { Command, CommandStep } from './command.ts'

/**
 * A command as a provider: it "answers" with the command's tool call, and then with the call's result as text.
 * So approval, journal and frames of a command are those of a model's turn.
 */
export function scriptProvider(command: Command, args: string, sessionId: string, sender: Provenance): Provider {
  return {
    id: `command:${command.name}`,
    async *stream(request: ModelRequest): AsyncIterable<ProviderEvent> {
      const done = resultsOfTurn(request.messages)
      const last = done.at(-1)
      const step =
        last === undefined
          ? await command.plan(args, sessionId, sender)
          : (followUp(command, done) ?? answer(last.result))
      if (step.kind === 'say') return yield* say(step.text)
      if (!request.tools.some(({ name }) => name === step.tool)) {
        return yield* say(`❌ There is no tool ${step.tool} here. ${command.missing ?? ''}`.trim())
      }
      yield* end('', [{ id: newId(), name: step.tool, arguments: step.arguments }])
    },
  }
}

/** Answers everything with the same words: for a session without a model. */
export function hintProvider(hint: string): Provider {
  return { id: 'none', stream: () => say(hint) }
}

type Done = { call: ToolCall; result: Extract<Message, { role: 'tool' }> }

/** What the command has called so far: the state is the conversation, so that a restart changes nothing. */
function resultsOfTurn(messages: readonly Message[]): Done[] {
  const turn = messages.slice(messages.findLastIndex(({ role }) => role === 'user') + 1)
  const calls = turn.flatMap((message) => (message.role === 'assistant' ? message.calls : []))
  return calls.flatMap((call) => {
    const result = turn.find((message) => message.role === 'tool' && message.callId === call.id)
    return result?.role === 'tool' ? { call, result } : []
  })
}

function followUp(command: Command, done: readonly Done[]): CommandStep | undefined {
  const [first, second] = done
  if (first === undefined || second !== undefined || first.result.isError) return undefined
  return command.follow?.(first.call, first.result.output)
}

function answer({ output, isError }: Done['result']): CommandStep {
  return { kind: 'say', text: isError ? `❌ ${output}` : output }
}

async function* say(text: string): AsyncIterable<ProviderEvent> {
  yield { type: 'text', delta: text }
  yield* end(text, [])
}

async function* end(text: string, calls: ToolCall[]): AsyncIterable<ProviderEvent> {
  yield { type: 'done', text, thinking: [], calls, usage: { inputTokens: 0, outputTokens: 0 } }
}
