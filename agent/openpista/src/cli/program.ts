import { Command, Option } from 'commander'
import type { LogChoice } from './log.ts'
import { addPairingCommands } from './pairing.ts'
import type { Perform } from './perform.ts'
import { addWebCommands } from './web-commands.ts'

/** The command line. Each command loads what it needs and nothing else, so that `--help` answers at once. */
export const program = new Command('openpista')
  .description('An agent that works on your machine and answers in your chats.')
  .version('0.1.0')
  .option('-c, --config <file>', 'configuration file (default: config.toml in ~/.openpista)')
  .addOption(
    new Option('-l, --log-level <level>', 'what is logged on standard error')
      .choices(['debug', 'info', 'warn', 'error', 'silent'])
      .default('info'),
  )
  .option('--debug', 'log everything into ~/.openpista/logs/debug.log too', false)
  .option('-s, --session <id>', 'session of run, repl and tui; without a command: of tui')
  .showHelpAfterError('(openpista --help lists the commands)')

program
  .command('start')
  .description('run the gateway: web client, Unix socket, every enabled channel')
  .action(() => perform(async ({ settings, log }) => (await import('./start.ts')).start(settings, process.env, log)))

program
  .command('run')
  .description('one turn: send a text, print the answer')
  .requiredOption('-e, --execute <text>', 'what to say')
  .option('-s, --session <name>', 'continue the session cli:<name>')
  .option('--json', 'print one JSON object', false)
  .option('-y, --yes', 'approve every tool call of this run', false)
  .action((options: { execute: string; session?: string; json: boolean; yes: boolean }) =>
    perform(async ({ settings, log }) => {
      const { run } = await import('./run.ts')
      const { execute: text, session = sharedSession(), json, yes } = options
      return await run(settings, process.env, quiet(log), { text, session, json, yes })
    }),
  )

program
  .command('repl')
  .description('a conversation line by line')
  .option('-s, --session <name>', 'name of the session (default: local)')
  .action(({ session = sharedSession() ?? 'local' }: { session?: string }) =>
    perform(async ({ settings, log }) => (await import('./repl.ts')).repl(settings, process.env, quiet(log), session)),
  )

program
  .command('tui')
  .description('the conversation on the whole terminal; also without a command')
  .option('-s, --session <id>', 'open this session: a name, or the id of one that is there')
  .action(({ session }: { session?: string }) => openTui(session))

program
  .command('status')
  .description('say whether a gateway runs')
  .action(() => perform(async ({ settings }) => (await import('./manage.ts')).status(settings)))

program
  .command('stop')
  .description('stop the gateway')
  .action(() => perform(async ({ settings }) => (await import('./manage.ts')).stop(settings)))

program
  .command('link')
  .description('print a new one-time link to the web client')
  .action(() => perform(async ({ settings }) => (await import('./manage.ts')).link(settings)))

program
  .command('doctor')
  .description('check everything that a start needs')
  .action(async () => {
    const { config } = program.opts<{ config?: string }>()
    process.exitCode = await (await import('./doctor.ts')).doctor(config, process.env, quiet(logChoice()))
  })

program
  .command('replay <turn>')
  .description('run a recorded turn again, offline, and compare')
  .action((turn: string) =>
    perform(async ({ settings }) => (await import('./replay.ts')).replay(settings, process.env, turn)),
  )

program
  .command('audit')
  .description('the audit log')
  .command('verify')
  .description('check that no entry was changed or taken out')
  .action(() => perform(async ({ settings }) => (await import('./manage.ts')).verifyAudit(settings)))

program
  .command('model [what]')
  .description('list, select or test models, or test the one of this name')
  .option('-m, --message <text>', 'what a test says', 'Say hello in a few words.')
  .action((what: string | undefined, { message }: { message: string }) =>
    perform(async ({ settings, configFile }) => {
      return await (await import('./model.ts')).model(settings, process.env, what, { message, configFile })
    }),
  )

addWebCommands(program, perform)
addPairingCommands(program, (text) =>
  perform(async ({ settings, log }) => {
    const { run } = await import('./run.ts')
    return await run(settings, process.env, quiet(log), { text, session: 'pairing', json: false, yes: false })
  }),
)

const auth = program.command('auth').description('logins at model services')
auth
  .command('login')
  .description('sign in, or keep an API key')
  .option('-p, --provider <id>', 'which service', 'openai')
  .option('--api-key <key>', 'keep this key')
  .option('--endpoint <address>', 'address or region of the service, where each customer has an own one')
  .option('--port <number>', 'port on which the browser comes back')
  .option('--timeout <seconds>', 'time for the login', '120')
  .option('--non-interactive', 'take everything from options and environment', false)
  .option('--browser', 'sign in through the browser where that is not the usual way (anthropic, github-copilot)', false)
  .action((flags: import('./auth.ts').LoginFlags) =>
    perform(async ({ settings }) => (await import('./auth.ts')).login(settings, process.env, flags)),
  )
auth
  .command('logout')
  .description('forget a login')
  .option('-p, --provider <id>', 'which service', 'openai')
  .action(({ provider }: { provider: string }) =>
    perform(async ({ settings }) => (await import('./auth.ts')).logout(settings, process.env, provider)),
  )
auth
  .command('status')
  .description('show the logins and when they end')
  .action(() => perform(async ({ settings }) => (await import('./auth.ts')).status(settings, process.env)))

program.allowExcessArguments().action(() => {
  const [unknown] = program.args
  if (unknown !== undefined) program.error(`error: unknown command '${unknown}'`)
  if (!process.stdin.isTTY || !process.stdout.isTTY) program.help({ error: true })
  return openTui(undefined)
})

/** Runs a command with the configuration; a failure is words on standard error and exit code 1. */
async function perform(work: Parameters<Perform>[0]): Promise<void> {
  const { AppError } = await import('@openpista/common')
  process.stdout.on('error', readerHasLeft)
  try {
    const { loadSettings } = await import('../config.ts')
    const { config } = program.opts<{ config?: string }>()
    process.exitCode = await work({ settings: loadSettings(config, process.env), log: logChoice(), configFile: config })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    process.stderr.write(`Error: ${error.message}${error.hint === undefined ? '' : `\n${error.hint}`}\n`)
    process.exitCode = 1
  }
}

/**
 * `openpista run -e … | head`, or a terminal that was closed: what is left to print has no reader, and the work goes
 * on to its end.
 */
function readerHasLeft(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
}

/** A `-s` that a command has too is read with the options of the whole program, wherever it stands. */
function sharedSession(): string | undefined {
  return program.opts<{ session?: string }>().session
}

async function openTui(session = sharedSession()): Promise<void> {
  await perform(async ({ settings, log }) => (await import('./tui.ts')).tui(settings, process.env, quiet(log), session))
}

function logChoice(): LogChoice {
  const { logLevel: level, debug } = program.opts<{ logLevel: string; debug: boolean }>()
  return { level, debug }
}

/** Programs that print answers keep their log to what is wrong. */
function quiet(log: LogChoice): LogChoice {
  return log.level === 'info' ? { ...log, level: 'error' } : log
}
