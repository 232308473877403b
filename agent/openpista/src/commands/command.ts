import type { ToolCall } from '../domain/message.ts'
import { isTrusted, type Provenance } from '../domain/provenance.ts'

/** What a slash command does: one tool call, or words at once. */
export type CommandStep =
  | { kind: 'call'; tool: string; arguments: Record<string, unknown> }
  | { kind: 'say'; text: string }

/** A slash command: works without a model, and runs through the same loop as a model's calls. */
export type Command = {
  /** Without the slash. */
  name: string
  /** One line each: how it is written. */
  usage: readonly string[]
  summary: string
  /** `sender`: who wrote it. */
  plan: (args: string, sessionId: string, sender: Provenance) => Promise<CommandStep> | CommandStep
  /** What to do when the tool that it calls is not there. */
  missing?: string
  /** A second call that the result of the first one asks for, if any. */
  follow?: (first: ToolCall, output: string) => CommandStep | undefined
}

/** The command, for the owner alone: it shows or changes what is not another person's business. */
export function forOwner(command: Command): Command {
  return {
    ...command,
    plan: (args, sessionId, sender) =>
      isTrusted(sender)
        ? command.plan(args, sessionId, sender)
        : { kind: 'say', text: `❌ Only the owner may use /${command.name}.` },
  }
}

/** The command that a text names, if it starts with a slash; an unknown one explains itself. */
export function findCommand(
  commands: readonly Command[],
  text: string,
): { command: Command; args: string } | undefined {
  const match = /^\/([a-z]+)(?:\s+([\s\S]*))?$/.exec(text.trim())
  if (match === null) return undefined
  const [, name = '', args = ''] = match
  return { command: commands.find((command) => command.name === name) ?? unknownCommand(name), args: args.trim() }
}

/** How a command is written, for someone who wrote it wrong. */
export function usageOf(command: Pick<Command, 'usage'>, fault: string): CommandStep {
  return { kind: 'say', text: `❌ ${fault}\nUsage:\n${command.usage.map((line) => `  ${line}`).join('\n')}` }
}

function unknownCommand(name: string): Command {
  const plan = () => ({ kind: 'say' as const, text: `❌ There is no command /${name}. /help lists them all.` })
  return { name, usage: [`/${name}`], summary: '', plan }
}
