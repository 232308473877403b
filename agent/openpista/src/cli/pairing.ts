import type { Command } from 'commander'

/** `openpista pairing …`: the slash command, said to the gateway from here. */
export function addPairingCommands(program: Command, say: (text: string) => Promise<void>): void {
  const pairing = program.command('pairing').description('who may talk to the agent on messengers')
  pairing
    .command('list')
    .description('show who may, and who wants to')
    .action(() => say('/pairing'))
  pairing
    .command('approve <code>')
    .description('let in whoever was told this code')
    .option('--owner', 'it is you', false)
    .action((code: string, { owner }: { owner: boolean }) => say(`/pairing approve ${code}${owner ? ' owner' : ''}`))
  pairing
    .command('reject <channel> <user>')
    .description('turn down somebody who waits')
    .action((channel: string, user: string) => say(`/pairing reject ${channel} ${user}`))
  pairing
    .command('revoke <channel> <user>')
    .description('let somebody in no more')
    .action((channel: string, user: string) => say(`/pairing revoke ${channel} ${user}`))
}
