import type { Command } from './command.ts'

/** `/cancel`: the gateway acts on it as it arrives; here it stands for the list. */
export const cancel: Command = {
  name: 'cancel',
  usage: ['/cancel'],
  summary: 'stop what runs here',
  plan: () => ({ kind: 'say', text: 'Nothing runs here.' }),
}
