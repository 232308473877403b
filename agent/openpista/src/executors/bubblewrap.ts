import { execFile } from 'node:child_process'
import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Executor } from './executor.ts'
import { runProcess, scrubEnvironment } from './process.ts'
import type { Roots } from './roots.ts'

export type BubblewrapConfig = {
  roots: Roots
  /** False: no network at all, not even the machine's own loopback. True: the machine's network with all of it. */
  network: boolean
  env: Readonly<Record<string, string | undefined>>
}

/** What a program needs of the system, where it exists. Homes, /run with its sockets, /var and /mnt are not there. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc', '/opt']
/** Parts of /etc that a command has no business with, should the agent run as root. */
const HIDDEN = ['/etc/shadow', '/etc/shadow-', '/etc/gshadow', '/etc/gshadow-', '/etc/ssh', '/etc/ssl/private']

/**
 * Runs commands in a sandbox of Linux namespaces: the system read-only, the workspace and the configured folders
 * as configured, a /tmp of its own, no other home, no process or network of the machine. The end of the sandbox
 * is the end of everything inside it.
 */
export function createBubblewrapExecutor(config: BubblewrapConfig): Executor {
  const sandbox = sandboxArguments(config)
  const env = { ...scrubEnvironment(config.env), HOME: config.roots.workspace, TMPDIR: '/tmp' }
  return {
    name: 'bubblewrap',
    run: (request, signal) => {
      const argv = ['bwrap', ...sandbox, '--chdir', request.cwd, 'bash', '-c', request.command] as const
      return runProcess(argv, env, { ...request, cwd: '/' }, signal)
    },
  }
}

/** Whether the sandbox really starts here, by starting one. */
export async function probeBubblewrap(
  config: BubblewrapConfig,
): Promise<{ works: true } | { works: false; why: string }> {
  const args = [
    ...sandboxArguments(config),
    '--chdir',
    config.roots.workspace,
    'bash',
    '-c',
    'test -w . && test -d /proc/1',
  ]
  try {
    await promisify(execFile)('bwrap', args, { env: scrubEnvironment(config.env), timeout: 10_000 })
    return { works: true }
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string }
    return { works: false, why: code === 'ENOENT' ? 'bwrap is not installed' : (stderr ?? String(error)).trim() }
  }
}

function sandboxArguments({ roots, network }: BubblewrapConfig): string[] {
  return [
    ...[
      '--unshare-all',
      ...(network ? ['--share-net'] : []),
      '--die-with-parent',
      '--new-session',
      '--cap-drop',
      'ALL',
    ],
    ...SYSTEM.flatMap(systemFolder),
    ...HIDDEN.flatMap(hide),
    ...(network ? resolver() : []),
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
    ...roots.readable.flatMap((path) => ['--ro-bind', path, path]),
    ...roots.writable.flatMap((path) => ['--bind', path, path]),
    ...['--bind', roots.workspace, roots.workspace],
  ]
}

/** Many systems have /bin and /lib as links into /usr; they stay links. */
function systemFolder(path: string): string[] {
  if (!existsSync(path)) return []
  return lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
}

function hide(path: string): string[] {
  if (!existsSync(path)) return []
  return statSync(path).isDirectory() ? ['--tmpfs', path] : ['--ro-bind', '/dev/null', path]
}

/** The name server's file is often a link to somewhere outside /etc. */
function resolver(): string[] {
  if (!existsSync('/etc/resolv.conf')) return []
  const file = realpathSync('/etc/resolv.conf')
  return file.startsWith('/etc/') ? [] : ['--ro-bind', file, file]
}
