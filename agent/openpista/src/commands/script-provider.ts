import { newId } from '@openpista/common'
import type { Message, ToolCall } from '../domain/message.ts'
import type { Provenance } from '../domain/provenance.ts'
import type { ModelRequest, Provider, ProviderEvent, ToolSpec } from '../providers/provider.ts'
import type { Command, CommandStep } from './command.ts'

/** A command on its way through the loop. */
export type ScriptedCommand = {
  provider: Provider
  /** After the loop: the tool call whose output is the answer, and the words of it; `undefined` when it only spoke. */
  answer: () => { answeredBy: string; text: string } | undefined
}

/**
 * A command as a provider: it asks for the command's tool calls and says nothing about their results, which people
 * have seen and a model reads once. So approval, journal and frames of a command are those of a model's turn.
 */
export function scriptCommand(
  { command, args }: { command: Command; args: string },
  { sessionId, sender, tools }: { sessionId: string; sender: Provenance; tools: readonly Pick<ToolSpec, 'name'>[] },
): ScriptedCommand {
  let last: Done | undefined
  const provider: Provider = {
    id: `command:${command.name}`,
    async *stream(request: ModelRequest): AsyncIterable<ProviderEvent> {
      const done = resultsOfTurn(request.messages)
      last = done.at(-1)
      const step = last === undefined ? await command.plan(args, sessionId, sender) : followUp(command, done)
      if (step === undefined) return yield* end('', [])
      if (step.kind === 'say') return yield* say(step.text)
      if (!tools.some(({ name }) => name === step.tool)) {
        return yield* say(`❌ There is no tool ${step.tool} here. ${command.missing ?? ''}`.trim())
      }
      yield* end('', [{ id: newId(), name: step.tool, arguments: step.arguments }])
    },
  }
  return { provider, answer: () => (last === undefined ? undefined : answerOf(last)) }
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

function answerOf({ call, result }: Done): { answeredBy: string; text: string } {
  const words = (result.shown ?? result.output) || '(no output)'
  return { answeredBy: call.id, text: result.isError ? `❌ ${words}` : words }
}

async function* say(text: string): AsyncIterable<ProviderEvent> {
  yield { type: 'text', delta: text }
  yield* end(text, [])
}

async function* end(text: string, calls: ToolCall[]): AsyncIterable<ProviderEvent> {
  yield { type: 'done', text, thinking: [], calls, usage: { inputTokens: 0, outputTokens: 0 } }
}
