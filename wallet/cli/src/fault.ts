import type { Command } from 'commander'

/** A failure that the person at the terminal can do something about. */
export class CliError extends Error {
  readonly hint: string | undefined
  readonly exitCode: number

  constructor(message: string, options: { hint?: string; exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CliError'
    this.hint = options.hint
    this.exitCode = options.exitCode ?? 1
  }
}

const EXPECTED = ['CliError', 'AppError', 'WAIaaSError']

/**
 * Writes to standard error what went wrong and what to do about it, in words that fit the command that ran. Returns the exit
 * code. A bug shows its stack.
 */
export async function reportFault(error: unknown, command: Command): Promise<number> {
  if (!(error instanceof Error)) throw error
  const { inCommandWords } = await import('./command-words.ts')
  const { message, hint } = inCommandWords(error, command)
  console.error(`waiaas: ${EXPECTED.includes(error.name) ? message : (error.stack ?? message)}`)
  if (hint !== undefined) console.error(`  ${hint}`)
  return (error as { exitCode?: number }).exitCode ?? 1
}
