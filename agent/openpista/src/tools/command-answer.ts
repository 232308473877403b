import type { Provenance } from '../domain/provenance.ts'
import type { ExecResult } from '../executors/executor.ts'
import type { ToolResult } from './tool.ts'

/** Characters of each stream that an answer holds. */
export const MAX_CHARS = 5000

/** Characters of each stream that are kept to be read later. */
const KEPT_CHARS = 5 * 1024 * 1024

/** What an executor is asked for: one more than is kept tells that there was more. */
export const MAX_OUTPUT = KEPT_CHARS + 1

/** What a command printed and how it ended. A non-zero exit is an answer, not an error. */
export function commandAnswer(
  provenance: Provenance,
  { timeout_secs, callId }: { timeout_secs: number; callId: string },
  result: ExecResult,
): ToolResult {
  const ending =
    result.killed === 'timeout'
      ? `Command timed out after ${timeout_secs}s`
      : result.killed === 'cancelled'
        ? 'Command cancelled'
        : `exit_code: ${result.exitCode}`
  const shown: string[] = []
  let whole = ''
  let isCut = false
  for (const [name, text] of Object.entries({ stdout: result.stdout, stderr: result.stderr })) {
    if (text === '') continue
    const head = `${whole}${name}:\n`
    const body = text.slice(0, KEPT_CHARS).replace(/\n$/, '')
    const lost = text.length > KEPT_CHARS ? `\n[${name}: what came after ${KEPT_CHARS} characters was not kept]` : ''
    shown.push(`${name}:\n${cutAt(MAX_CHARS, body, { what: `${name} `, callId, before: head.length })}`)
    whole = `${head}${body}${lost}\n`
    isCut ||= body.length > MAX_CHARS
  }
  const output = [...shown, ending].join('\n')
  return { output, isError: result.killed !== null, provenance, ...(isCut ? { whole: `${whole}${ending}` } : {}) }
}

/** The beginning of a text, with a mark that says how to read on. `before`: characters that stand before it in the whole. */
export function cutAt(
  chars: number,
  text: string,
  { what, callId, before }: { what: string; callId: string; before: number },
): string {
  if (text.length <= chars) return text
  const rest = `the rest: output.read with call "${callId}" and offset ${before + chars}`
  return `${text.slice(0, chars).toWellFormed()}\n[${what}cut at ${chars} of ${text.length} characters; ${rest}]`
}

/** Passes on the beginning of what a command prints while it runs: people who watch need no more than the answer has. */
export function beginning(emit: (text: string) => void): (text: string) => void {
  let room = 2 * MAX_CHARS
  return (text) => {
    if (room <= 0) return
    emit(text.slice(0, room))
    room -= text.length
  }
}
