import { CliError } from './fault.ts'

/**
 * Asks for a yes at the terminal. Without a terminal only `--yes` is one.
 *
 * @throws CliError where the answer is no, or nobody can be asked.
 */
export async function assertConfirmed(facts: readonly string[], { yes }: { yes?: boolean | undefined }): Promise<void> {
  if (yes === true) return
  console.error(facts.join('\n'))
  if (!process.stdin.isTTY) {
    throw new CliError('This has to be confirmed, and there is no terminal to ask at. Nothing was changed.', {
      hint: 'To confirm it, run the command again with --yes.',
    })
  }
  const { confirm, isCancel } = await import('@clack/prompts')
  const answer = await confirm({ message: 'Continue?', initialValue: false, output: process.stderr })
  if (isCancel(answer) || !answer) throw new CliError('Cancelled. Nothing was changed.', { exitCode: 130 })
}
