import type { ClientFrame } from 'openpista/protocol'

/** A slash command of the gateway, as the composer offers it. They need no model. */
export type Command = { name: string; usage: string; what: string }

export const commands: readonly Command[] = [
  { name: '/run', usage: '/run uname -a', what: 'Run a command on this machine' },
  { name: '/read', usage: '/read notes.txt', what: 'Show a file' },
  { name: '/write', usage: '/write notes.txt buy milk', what: 'Write a file anew' },
  { name: '/list', usage: '/list notes', what: 'Show what is in a folder' },
  { name: '/search', usage: '/search ducks?', what: 'Find lines in the files of the workspace' },
  { name: '/fetch', usage: '/fetch https://example.com', what: 'Read a web page' },
  { name: '/browse', usage: '/browse https://example.com', what: 'Open a web page in the browser' },
  { name: '/container', usage: '/container npm test', what: 'Run a command in a fresh container' },
  { name: '/remember', usage: '/remember ducks', what: 'Find what was said before' },
  { name: '/output', usage: '/output', what: 'Read on in an output that was cut' },
  { name: '/schedule', usage: '/schedule', what: 'What is done at given times' },
  { name: '/skill', usage: '/skill', what: 'List skills, look at new ones, allow them' },
  { name: '/skill run', usage: '/skill run greet Ann', what: 'Run a skill' },
  { name: '/wallet balance', usage: '/wallet balance', what: 'What the wallet holds' },
  { name: '/wallet address', usage: '/wallet address', what: 'Where to send money to' },
  { name: '/wallet send', usage: '/wallet send 0.001 ETH to 0x…', what: 'Pay; your policy decides' },
  { name: '/wallet history', usage: '/wallet history', what: 'Past payments' },
  { name: '/worker', usage: '/worker', what: 'What the workers do, and what they brought' },
  { name: '/pairing', usage: '/pairing', what: 'Who may talk to the agent and who wants to' },
  { name: '/model', usage: '/model', what: 'Show or choose the model of this session' },
  { name: '/model list', usage: '/model list', what: 'Every model that can be chosen' },
  { name: '/login', usage: '/login', what: 'Which model services are ready, how to sign in' },
  { name: '/session', usage: '/session', what: 'List the sessions' },
  { name: '/session new', usage: '/session new', what: 'Begin a new session' },
  { name: '/session load', usage: '/session load <id>', what: 'Open a session by its id' },
  { name: '/session delete', usage: '/session delete <id>', what: 'Delete a session and all that was said in it' },
  { name: '/connection', usage: '/connection', what: 'How this chat is connected' },
  { name: '/clear', usage: '/clear', what: 'Begin a new conversation here' },
  { name: '/cancel', usage: '/cancel', what: 'Stop what runs here' },
  { name: '/status', usage: '/status', what: 'What runs, and what it has used' },
  { name: '/help', usage: '/help', what: 'All commands' },
]

/** What this page does itself: which session it looks at is its own. Anything else is said to the gateway. */
export function ownCommand(text: string): ClientFrame | undefined {
  const [, verb, sessionId = ''] = /^\/session\s+(new|load|delete)(?:\s+(\S+))?$/.exec(text.trim()) ?? []
  if (verb === 'new') return { type: 'session.new' }
  if (sessionId === '') return undefined
  if (verb === 'load') return { type: 'session.open', sessionId }
  return verb === 'delete' ? { type: 'session.delete', sessionId } : undefined
}

/** Commands that go on from what is typed; none once it is a command, or arguments are being typed. */
export function matchingCommands(typed: string): Command[] {
  if (!typed.startsWith('/') || typed.includes('\n')) return []
  const text = typed.toLowerCase()
  if (commands.some(({ name }) => name === text)) return []
  return commands.filter(({ name }) => name.startsWith(text) && name !== text.trimEnd())
}
