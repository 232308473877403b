import { type Looking, lookingProgram } from './looking-programs.ts'
import { parseShell, type SimpleCommand, type Word } from './shell.ts'

/** Programs that run what their arguments say: knowing the program says nothing about what will happen. */
const RUNNERS = new Set([
  ...[
    'bash',
    'sh',
    'dash',
    'zsh',
    'ksh',
    'fish',
    'busybox',
    'eval',
    'exec',
    'source',
    '.',
    'command',
    'builtin',
    'trap',
  ],
  ...[
    'env',
    'sudo',
    'doas',
    'su',
    'runuser',
    'chroot',
    'nsenter',
    'unshare',
    'setsid',
    'nohup',
    'nice',
    'ionice',
    'time',
  ],
  ...[
    'timeout',
    'watch',
    'xargs',
    'parallel',
    'find',
    'ssh',
    'scp',
    'rsync',
    'tar',
    'script',
    'stdbuf',
    'strace',
    'gdb',
  ],
  ...[
    'python',
    'python3',
    'node',
    'deno',
    'bun',
    'perl',
    'ruby',
    'php',
    'lua',
    'awk',
    'gawk',
    'mawk',
    'sed',
    'ed',
    'vi',
  ],
  ...[
    'vim',
    'nvim',
    'emacs',
    'less',
    'more',
    'man',
    'make',
    'npx',
    'uvx',
    'pipx',
    'tmux',
    'screen',
    'crontab',
    'at',
    'batch',
  ],
])

/** True for a program that may run any other, whether named plainly or by a path. */
export function runsOthers(program: string): boolean {
  return RUNNERS.has(program.slice(program.lastIndexOf('/') + 1).replace(/[0-9.]+$/, '')) || RUNNERS.has(program)
}

/**
 * What "allow for this session" covers when it is said about a command: exactly this text; but for one plain call of a
 * program that only looks, every such call of it, on whatever lies below the folder in which it starts. Nothing that
 * is covered starts another program or writes a file unless the command that was allowed did.
 */
export function commandScope(command: string): string {
  const parsed = parseShell(command)
  const [only] = parsed.ok && parsed.single ? parsed.commands : []
  return (only === undefined ? undefined : lookingScope(only)) ?? `exactly ${command}`
}

/** The part of a scope that tells where: the same words elsewhere are not the same command. */
export function inFolder(folder: string | undefined): string {
  return folder === undefined ? '' : ` in ${JSON.stringify(folder)}`
}

function lookingScope({ argv, assignments, redirections }: SimpleCommand): string | undefined {
  if (assignments.length > 0 || redirections.length > 0) return undefined
  const known = lookingProgram(argv.map(({ text, fixed }) => (fixed ? text : '')))
  if (known === undefined) return undefined
  return argv.slice(known.words).every((word) => isHarmless(word, known.looking)) ? known.name : undefined
}

function isHarmless({ text, fixed }: Word, { letters, words, operands = BELOW }: Looking): boolean {
  if (!fixed && !isPlainGlob(text)) return false
  if (!text.startsWith('-') || text === '-') return operands.test(text)
  const [, word] = /^--([a-z][a-z-]*)(?:=.*)?$/s.exec(text) ?? []
  if (word !== undefined) return words.includes(word)
  const [, short = '-'] = /^-([A-Za-z]*)\d*$/.exec(text) ?? []
  return [...short].every((letter) => letters.includes(letter))
}

/** A pattern for names that begin as it does, so that none of them is an option, `.` or `..`. */
function isPlainGlob(text: string): boolean {
  return /^(?:\w|\.\/|--[a-z-]+=)[^$`({]*$/.test(text) && !/(?:^|\/)\.[^/]*[*?[]/.test(text)
}

/** No way up or out: not `/etc`, `~/x`, `a/../../b` or `origin:/x`. */
const BELOW = /^(?![/~])(?!(?:.*[/:])?\.\.(?:[/:]|$))(?!.*:[/~])/s

/** Programs that, with plain options, print facts of the machine or their own arguments, and no file's contents. */
const MACHINE_FACTS = new Set([
  ...['arch', 'date', 'echo', 'false', 'free', 'hostname', 'id', 'nproc', 'pwd', 'sleep', 'true', 'uname', 'uptime'],
  ...['whoami'],
])

/** True when nothing that a command prints can be a stranger's words. */
export function printsOnlyFacts(command: string): boolean {
  const parsed = parseShell(command)
  return parsed.ok && parsed.commands.every(isFact)
}

function isFact({ argv, assignments, redirections }: SimpleCommand): boolean {
  const [program, ...rest] = argv
  if (program === undefined || !MACHINE_FACTS.has(program.text)) return false
  if (assignments.length > 0 || redirections.length > 0 || rest.some((word) => !word.fixed)) return false
  // A number is the name of a file for some of them: `date -f 5`.
  const isPlain = program.text === 'sleep' ? /^\d+$/ : /^(-[a-zA-Z]|--[a-z-]+|\+%[A-Za-z%:-]+)$/
  return program.text === 'echo' || rest.every((word) => isPlain.test(word.text))
}
