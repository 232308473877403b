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

/** Writes what went wrong and what to do next to standard error; answers the exit code. A bug shows its stack. */
export function reportFault(error: unknown): number {
  if (!(error instanceof Error)) throw error
  const { hint, exitCode } = error as { hint?: string; exitCode?: number }
  console.error(`waiaas: ${EXPECTED.includes(error.name) ? error.message : (error.stack ?? error.message)}`)
  if (hint !== undefined) console.error(`  ${hint}`)
  return exitCode ?? 1
}
