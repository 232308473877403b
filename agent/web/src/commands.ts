/** A slash command of the gateway, as the composer offers it. They need no model. */
export type Command = { name: string; usage: string; what: string }

export const commands: readonly Command[] = [
  { name: '/run', usage: '/run uname -a', what: 'Run a command on this machine' },
  { name: '/read', usage: '/read notes.txt', what: 'Show a file' },
  { name: '/write', usage: '/write notes.txt buy milk', what: 'Write a file anew' },
  { name: '/fetch', usage: '/fetch https://example.com', what: 'Read a web page' },
  { name: '/wallet balance', usage: '/wallet balance', what: 'What the wallet holds' },
  { name: '/wallet address', usage: '/wallet address', what: 'Where to send money to' },
  { name: '/wallet send', usage: '/wallet send 0.001 ETH to 0x…', what: 'Pay; your policy decides' },
  { name: '/wallet history', usage: '/wallet history', what: 'Past payments' },
  { name: '/model', usage: '/model', what: 'Show or choose the model of this session' },
  { name: '/clear', usage: '/clear', what: 'Begin a new conversation here' },
  { name: '/session', usage: '/session', what: 'List the sessions' },
  { name: '/status', usage: '/status', what: 'What runs, and what it has used' },
  { name: '/help', usage: '/help', what: 'All commands' },
]

/** Commands that go on from what is typed; none once arguments are being typed. */
export function matchingCommands(typed: string): Command[] {
  if (!typed.startsWith('/') || typed.includes('\n')) return []
  const text = typed.toLowerCase()
  return commands.filter(({ name }) => name.startsWith(text) && name !== text.trimEnd())
}
