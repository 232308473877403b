import { emptyPicker, type Row, typingPicker } from './picker.ts'
import { say } from './say.ts'
import { doing, type State, type Step, stay } from './state.ts'

/** A command of the palette. `local` ones are done here; the others are said to the gateway. */
export type SlashCommand = {
  /** As it is typed: `/session load`. */
  name: string
  /** What stands after it: `<id>`; empty when nothing does. */
  args: string
  what: string
  local: ((state: State, args: string) => Step) | undefined
}

const local = (name: string, args: string, what: string, run: (state: State, args: string) => Step): SlashCommand => ({
  name,
  args,
  what,
  local: run,
})
const remote = (name: string, args: string, what: string): SlashCommand => ({ name, args, what, local: undefined })

/** Every command of the palette, in its order. */
export const slashCommands: readonly SlashCommand[] = [
  local('/help', '', 'keys and commands', (state) => openWords(state, 'Help', helpText())),
  local('/login', '', 'keep an API key, or see who is signed in where', openProviders),
  local('/connection', '', 'how this terminal is connected', (state) =>
    openWords(state, 'Connection', connection(state)),
  ),
  local('/model', '', 'choose the model of this session', (state, name) =>
    name === '' ? openModels(state) : say(state, `/model ${name}`),
  ),
  local('/model list', '', 'choose among the known models', openModels),
  local('/session', '', 'browse the sessions', (state) => openSessions(state)),
  local('/session new', '', 'begin a new session', (state) =>
    doing(state, { type: 'send', frame: { type: 'session.new' } }),
  ),
  local('/session load', '<id>', 'open a session by its id', (state, sessionId) =>
    sessionId === '' ? openSessions(state) : doing(state, { type: 'send', frame: { type: 'session.open', sessionId } }),
  ),
  local('/session delete', '<id>', 'delete a session, after asking', askToDelete),
  remote('/clear', '', 'begin a new conversation here'),
  remote('/status', '', 'what runs, and what it has used'),
  local('/cancel', '', 'stop what is running here', (state) =>
    doing(state, { type: 'send', frame: { type: 'cancel' } }),
  ),
  local('/web', '', 'how to open the web client', (state) => openWords(state, 'Web client', WEB)),
  local('/web setup', '', 'how to change its settings', (state) => openWords(state, 'Web client', WEB_SETUP)),
  remote('/run', '<command>', 'run a shell command'),
  remote('/read', '<path>', 'show a file'),
  remote('/write', '<path> <text>', 'write a file anew'),
  remote('/list', '[<folder>]', 'show what is in a folder'),
  remote('/search', '<regular expression>', 'find lines in the files of the workspace'),
  remote('/fetch', '<url>', 'show a web page as text'),
  remote('/browse', '<url>', 'open a web page in the browser'),
  remote('/container', '<command>', 'run a shell command in a fresh container'),
  remote('/remember', '<words>', 'find what was said before'),
  remote('/output', '[<call>] [<offset>]', 'read on in an output that was cut'),
  remote('/schedule', '', 'what is said to the agent at given times'),
  remote('/skill', '', 'list skills, look at new and changed ones, allow them'),
  remote('/skill run', '<name> [<words>]', 'run a skill'),
  remote('/worker', '', 'what the workers do, and what they brought'),
  remote('/pairing', '', 'who may talk to the agent and who wants to; let them in or not'),
  remote('/wallet balance', '', 'what the wallet holds'),
  remote('/wallet address', '', 'where to send money to'),
  remote('/wallet send', '<amount> <coin> to <address>', 'pay; your policy decides'),
  remote('/wallet history', '', 'past payments'),
  local('/quit', '', 'leave', quit),
  local('/exit', '', 'leave', quit),
]

export function paletteRows(): Row<SlashCommand>[] {
  return slashCommands.map((value) => ({ value, label: `${value.name} ${value.args}`.trimEnd(), note: value.what }))
}

/** The local command that a typed line is, done; `undefined` when the line is for the gateway. */
export function runLocal(state: State, line: string): Step | undefined {
  const fitting = slashCommands.filter(({ name }) => line === name || line.startsWith(`${name} `))
  const [found] = fitting.toSorted((a, b) => b.name.length - a.name.length)
  if (found === undefined) return undefined
  return found.local?.(state, line.slice(found.name.length).trim())
}

export function openPalette(state: State): Step {
  const { editor } = state
  const isStarted = editor.text.startsWith('/') && !editor.text.includes('\n')
  const picker = isStarted ? { ...typingPicker, filter: editor } : typingPicker
  return stay({ ...state, overlay: { kind: 'palette', picker } })
}

export function openSessions(state: State, beside = false): Step {
  const overlay = { kind: 'sessions', picker: emptyPicker, beside, sessions: undefined, confirming: undefined } as const
  return doing({ ...state, overlay }, { type: 'send', frame: { type: 'session.list' } })
}

/** The sessions beside the conversation. */
export function openSidebar(state: State): Step {
  return openSessions(state, true)
}

export function openModels(state: State): Step {
  const overlay = { kind: 'models', picker: emptyPicker, models: undefined, problem: '' } as const
  return doing({ ...state, overlay }, { type: 'list models' })
}

export function openProviders(state: State): Step {
  const overlay = { kind: 'providers', picker: emptyPicker, providers: undefined } as const
  return doing({ ...state, overlay }, { type: 'list providers' })
}

export function openWords(state: State, title: string, text: string): Step {
  return stay({ ...state, overlay: { kind: 'words', title, text, top: 0 } })
}

function askToDelete(state: State, id: string): Step {
  const opened = openSessions(state)
  if (id === '') return opened
  const confirming = { id, title: '', channel: '', updatedAt: 0 }
  const overlay = { kind: 'sessions', picker: emptyPicker, beside: false, sessions: undefined, confirming } as const
  return { ...opened, state: { ...opened.state, overlay } }
}

function quit(state: State): Step {
  return doing(state, { type: 'quit' })
}

function connection({ link, transcript, clientId, model }: State): string {
  return [
    `gateway: ${link === 'open' ? 'connected' : 'not connected; tried again by itself'}`,
    `session: ${transcript?.sessionId ?? 'none yet'}`,
    `last frame: ${transcript?.seq ?? 0}`,
    `this client: ${clientId}`,
    `model: ${model ?? 'none'}`,
  ].join('\n')
}

const WEB = [
  'In a shell:',
  '  openpista start   runs the gateway with the web client',
  '  openpista link    prints a new link to it, good for one use',
  '',
  'Sessions are the same there and here: /session lists them.',
].join('\n')

const WEB_SETUP = [
  'In a shell:',
  '  openpista web setup --help   what can be changed: port, token, origins, shared session',
  '  openpista web setup          shows how it is set',
  '  openpista web status         says whether it is served',
].join('\n')

const KEYS = [
  ['Enter', 'send'],
  ['Shift+Enter, Alt+Enter, Ctrl+J', 'new line'],
  ['Tab', 'commands; once more: sessions at the side'],
  ['Shift+Tab, Ctrl+B', 'sessions at the side: j k ↑ ↓ move, Enter opens, n new, d or Del deletes'],
  ['↑ ↓ PgUp PgDn, wheel', 'scroll; Esc goes back to the end'],
  ['Esc', 'cancel what runs'],
  ['y n s', 'answer the card in focus, while nothing is typed'],
  ['Ctrl+O', 'whole tool output, and back'],
  ['Ctrl+L', 'draw the screen anew'],
  ['Ctrl+C', 'clear the line, else cancel, else leave'],
] as const

function helpText(): string {
  const keys = KEYS.map(([key, what]) => `  ${key.padEnd(32)}${what}`)
  const commands = paletteRows().map(({ label, note }) => `  ${label.padEnd(32)}${note}`)
  return ['Keys', ...keys, '', 'Commands', ...commands].join('\n')
}
