import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A program or library that comes from the operating system, not from npm. */
export type SystemPackage = {
  /** Its name in Debian and Ubuntu. */
  debian: string
  /** Whether the machine has it, however it got there. */
  isPresent: () => boolean
}

/** What tests and tools may ask for. */
export const systemPackages = {
  bubblewrap: { debian: 'bubblewrap', isPresent: () => isOnPath('bwrap') },
  tmux: { debian: 'tmux', isPresent: () => isOnPath('tmux') },
  nss: { debian: 'libnss3', isPresent: () => hasLibrary('libnss3.so') },
  nspr: { debian: 'libnspr4', isPresent: () => hasLibrary('libnspr4.so') },
  xvfb: { debian: 'xvfb', isPresent: () => isOnPath('Xvfb') },
  scrot: { debian: 'scrot', isPresent: () => isOnPath('scrot') },
  docker: { debian: 'docker.io', isPresent: () => isOnPath('dockerd') },
  busybox: { debian: 'busybox-static', isPresent: () => isOnPath('busybox') },
  fonts: { debian: 'fonts-dejavu-core', isPresent: () => FONT_FOLDERS.some((folder) => existsSync(folder)) },
} as const satisfies Record<string, SystemPackage>

export type SystemPackageName = keyof typeof systemPackages

/** Packages that are still missing, and the command that a person can run to install them. */
export type StillMissing = { missing: SystemPackageName[]; command: string }

/**
 * Makes sure that the named packages are there. Installs what is missing in one go when this process is root on a
 * Debian-like machine; elsewhere it only tells. Never fails: whoever needs a missing package skips and says why.
 */
export function ensureSystemPackages(names: readonly SystemPackageName[]): StillMissing | undefined {
  const missing = names.filter((name) => !systemPackages[name].isPresent())
  if (missing.length === 0) return undefined
  const debianNames = missing.map((name) => systemPackages[name].debian)
  if (process.getuid?.() === 0 && isOnPath('apt-get')) {
    process.stderr.write(`Installing system packages: ${debianNames.join(' ')} ...\n`)
    if (!aptInstall(debianNames)) {
      aptGet(['update'])
      aptInstall(debianNames)
    }
  }
  const still = missing.filter((name) => !systemPackages[name].isPresent())
  if (still.length === 0) return undefined
  return { missing: still, command: `apt-get install -y ${still.map((name) => systemPackages[name].debian).join(' ')}` }
}

const FONT_FOLDERS = ['/usr/share/fonts/truetype', '/usr/share/fonts/TTF', '/System/Library/Fonts']
const LIBRARY_FOLDERS = ['/usr/lib', '/usr/lib64', '/lib', '/lib64', '/usr/local/lib']

function aptInstall(packages: string[]): boolean {
  return aptGet(['install', '-y', '--no-install-recommends', ...packages])
}

function aptGet(args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync('apt-get', ['-q', ...args], { env, stdio: 'ignore', timeout: 300_000 }).status === 0
}

function isOnPath(program: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.some((folder) => isExecutable(join(folder, program)))
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false // Absent or not ours to run: both mean that PATH goes on to the next folder.
  }
}

/** Libraries lie in the library folder itself or in one per architecture below it. */
function hasLibrary(name: string): boolean {
  return LIBRARY_FOLDERS.filter((folder) => existsSync(folder)).some((folder) => {
    if (existsSync(join(folder, name))) return true
    return readdirSync(folder).some((sub) => sub.includes('-linux-') && existsSync(join(folder, sub, name)))
  })
}
