import type { Provenance } from '../domain/provenance.ts'
import type { ExecResult } from '../executors/executor.ts'
import type { ToolResult } from './tool.ts'

/** Characters of each stream that an answer holds. */
export const MAX_CHARS = 5000

/** What a command printed and how it ended. A non-zero exit is an answer, not an error. */
export function commandAnswer(
  provenance: Provenance,
  { timeout_secs }: { timeout_secs: number },
  result: ExecResult,
): ToolResult {
  const blocks = [block('stdout', result.stdout), block('stderr', result.stderr)].filter((text) => text !== '')
  const ending =
    result.killed === 'timeout'
      ? `Command timed out after ${timeout_secs}s`
      : result.killed === 'cancelled'
        ? 'Command cancelled'
        : `exit_code: ${result.exitCode}`
  return {
    output: [...blocks, ending].join('\n'),
    isError: result.killed !== null,
    provenance,
  }
}

function block(name: string, text: string): string {
  if (text === '') return ''
  const cut = text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}\n[${name} cut at ${MAX_CHARS} characters]` : text
  return `${name}:\n${cut.replace(/\n$/, '')}`
}
