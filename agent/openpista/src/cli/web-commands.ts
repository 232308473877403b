import type { Command } from 'commander'
import type { Perform } from './perform.ts'
import type { WebSetupFlags } from './web-setup.ts'

/** `openpista web …`: the web client's settings, and a gateway for it alone. */
export function addWebCommands(program: Command, perform: Perform): void {
  const web = program.command('web').description('the web client: its settings, and a gateway that serves it alone')
  web
    .command('setup')
    .description('show or change its settings in config.toml')
    .option('--token <token>', 'use this token for programs that speak to the gateway')
    .option('--regenerate-token', 'make a new token; it is printed once, and browsers have to sign in again', false)
    .option('--port <number>', 'port on 127.0.0.1')
    .option('--cors-origins <list>', 'origins of pages elsewhere that may speak to it, with commas; "" for none')
    .option('--static-dir <folder>', 'serve another built client; "" for the one that comes with the program')
    .option('--shared-session-id <name>', 'a session that every browser and tui opens first; "" for none')
    .option('--enable', 'serve it with openpista start')
    .option('--disable', 'do not serve it with openpista start')
    .option('-y, --yes', 'do not ask before writing', false)
    .action((flags: WebSetupFlags) =>
      perform(async ({ settings, configFile }) =>
        (await import('./web-setup.ts')).webSetup(settings, process.env, flags, configFile),
      ),
    )
  web
    .command('start')
    .description('run a gateway with the web client and no other channel')
    .action(() =>
      perform(async ({ settings, log }) => (await import('./start.ts')).start(settings, process.env, log, 'web')),
    )
  web
    .command('status')
    .description('say whether the web client is served: running, partial or stopped')
    .action(() => perform(async ({ settings }) => (await import('./web.ts')).webStatus(settings)))
  web
    .command('stop')
    .description('stop the gateway that web start runs')
    .action(() => perform(async ({ settings }) => (await import('./web.ts')).webStop(settings)))
  web
    .command('restart')
    .description('stop it and run it anew, here')
    .action(() =>
      perform(async ({ settings, log }) => {
        const stopped = await (await import('./web.ts')).webStop(settings)
        return stopped === 0 ? (await import('./start.ts')).start(settings, process.env, log, 'web') : stopped
      }),
    )
}
