#!/usr/bin/env node
import { Command } from 'commander'

/** The command line. Each command loads what it needs and nothing else, so that `--help` answers at once. */
const program = new Command('openpista')
  .description('An agent that works on your machine and answers in your chats.')
  .version('0.1.0')
  .option('-c, --config <file>', 'configuration file (default: config.toml in ~/.openpista)')
  .option('-l, --log-level <level>', 'debug, info, warn, error or silent', 'info')
  .showHelpAfterError('(openpista --help lists the commands)')

program
  .command('start')
  .description('run the gateway: web client, Unix socket, every enabled channel')
  .action(() =>
    perform(async ({ settings, logLevel }) => (await import('./cli/start.ts')).start(settings, process.env, logLevel)),
  )

program
  .command('run')
  .description('one turn: send a text, print the answer')
  .requiredOption('-e, --execute <text>', 'what to say')
  .option('-s, --session <name>', 'continue the session cli:<name>')
  .option('--json', 'print one JSON object', false)
  .option('-y, --yes', 'approve every tool call of this run', false)
  .action((options: { execute: string; session?: string; json: boolean; yes: boolean }) =>
    perform(async ({ settings, logLevel }) => {
      const { run } = await import('./cli/run.ts')
      const { execute: text, session, json, yes } = options
      return await run(settings, process.env, quiet(logLevel), { text, session, json, yes })
    }),
  )

program
  .command('repl')
  .description('a conversation line by line')
  .option('-s, --session <name>', 'name of the session', 'local')
  .action(({ session }: { session: string }) =>
    perform(async ({ settings, logLevel }) =>
      (await import('./cli/repl.ts')).repl(settings, process.env, quiet(logLevel), session),
    ),
  )

program
  .command('status')
  .description('say whether a gateway runs')
  .action(() => perform(async ({ settings }) => (await import('./cli/manage.ts')).status(settings)))

program
  .command('stop')
  .description('stop the gateway')
  .action(() => perform(async ({ settings }) => (await import('./cli/manage.ts')).stop(settings)))

program
  .command('link')
  .description('print a new one-time link to the web client')
  .action(() => perform(async ({ settings }) => (await import('./cli/manage.ts')).link(settings)))

program
  .command('audit')
  .description('the audit log')
  .command('verify')
  .description('check that no entry was changed or taken out')
  .action(() => perform(async ({ settings }) => (await import('./cli/manage.ts')).verifyAudit(settings)))

await program.parseAsync()

type Prepared = { settings: import('./config.ts').Settings; logLevel: string }

/** Runs a command with the configuration; a failure is words on standard error and exit code 1. */
async function perform(work: (prepared: Prepared) => Promise<number>): Promise<void> {
  const { AppError } = await import('@openpista/common')
  try {
    const { loadSettings } = await import('./config.ts')
    const { config, logLevel } = program.opts<{ config?: string; logLevel: string }>()
    process.exitCode = await work({ settings: loadSettings(config, process.env), logLevel })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    process.stderr.write(`Error: ${error.message}${error.hint === undefined ? '' : `\n${error.hint}`}\n`)
    process.exitCode = 1
  }
}

/** Programs that print answers keep their log to what is wrong. */
function quiet(level: string): string {
  return level === 'info' ? 'error' : level
}
