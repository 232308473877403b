import { parseShell, type SimpleCommand } from './shell.ts'

/** Programs whose first argument says what they do. */
const WITH_SUBCOMMANDS = new Set([
  ...[
    'apt',
    'apt-get',
    'brew',
    'cargo',
    'docker',
    'gh',
    'git',
    'go',
    'helm',
    'kubectl',
    'npm',
    'openssl',
    'pip',
    'pip3',
  ],
  ...['pnpm', 'podman', 'rustup', 'snap', 'systemctl', 'terraform', 'uv', 'yarn'],
])

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
 * What "allow for this session" covers when it is said about a command: the program, with its subcommand where it
 * has some, for one plain command; the exact text for everything that does more than that.
 */
export function commandScope(command: string): string {
  const parsed = parseShell(command)
  const [only] = parsed.ok && parsed.single ? parsed.commands : []
  return (only === undefined ? undefined : prefixOf(only)) ?? `exactly ${command}`
}

function prefixOf({ argv, assignments, redirections }: SimpleCommand): string | undefined {
  const program = argv[0]?.text
  if (program === undefined || assignments.length > 0 || redirections.length > 0) return undefined
  if (program.includes('/') || runsOthers(program)) return undefined
  if (!WITH_SUBCOMMANDS.has(program)) return program
  const [, subcommand] = argv
  if (subcommand === undefined) return `exactly ${program}`
  return subcommand.fixed && /^[a-z]/.test(subcommand.text) ? `${program} ${subcommand.text}` : undefined
}

/** Programs that, with plain options, print facts of the machine or their own arguments, and no file's contents. */
const MACHINE_FACTS = new Set([
  ...['arch', 'date', 'df', 'echo', 'false', 'free', 'hostname', 'id', 'nproc', 'pwd', 'sleep', 'true', 'uname'],
  ...['uptime', 'whoami'],
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
  return program.text === 'echo' || rest.every((word) => /^(-[a-zA-Z]|--[a-z-]+|\+%[A-Za-z%:-]+|\d+)$/.test(word.text))
}
