import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { type Cdp, connectCdp } from './cdp.ts'

export type ChromiumConfig = {
  /** Path of the program; empty: the usual names are looked for. */
  path: string
  /** Folder for profiles: each run makes one in it and takes it away. */
  folder: string
  /** What the browser may see of the environment; it is looked for on its PATH. */
  env: Readonly<Record<string, string | undefined>>
  /** Whether a process with this number runs. */
  isAlive: (pid: number) => boolean
}

/** A running browser, its profile and the connection to it. */
export type Chromium = { cdp: Cdp; close: () => Promise<void> }

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']
const APPLICATIONS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
const CLOSE_MS = 3000

/** The program to start, or what to do to have one. */
export async function findChromium({ path, env }: ChromiumConfig): Promise<{ path: string } | { missing: string }> {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const candidates =
    path === '' ? [...NAMES.flatMap((name) => folders.map((at) => join(at, name))), ...APPLICATIONS] : [path]
  for (const candidate of candidates) if (await isProgram(candidate)) return { path: candidate }
  return {
    missing:
      path === ''
        ? 'No Chromium was found on this machine. The owner can install one (Debian: apt-get install chromium) or name it in the configuration (browser.path).'
        : `The configured browser ${path} is no program.`,
  }
}

/** Starts a browser without a window whose network is the proxy at this port and nothing else. */
export async function startChromium(program: string, config: ChromiumConfig, proxyPort: number): Promise<Chromium> {
  await mkdir(config.folder, { recursive: true, mode: 0o700 })
  await sweepProfiles(config)
  const profile = await mkdtemp(join(config.folder, `${process.pid}-`))
  const child = spawn(program, [...FLAGS, ...rootFlags(), ...networkFlags(proxyPort), `--user-data-dir=${profile}`], {
    env: { ...config.env, HOME: profile },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    // A group of its own, so that its helpers end with it.
    detached: true,
  })
  const [, , , output, input] = child.stdio
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const cdp = connectCdp(output as Writable, input as Readable)
  return {
    cdp,
    close: async () => {
      const late = setTimeout(() => killGroup(child), CLOSE_MS)
      // It may be gone already; then there is nothing left to ask.
      await Promise.allSettled([cdp.send('Browser.close')])
      await gone
      clearTimeout(late)
      killGroup(child)
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
}

const FLAGS = [
  ...['--headless=new', '--remote-debugging-pipe', '--no-startup-window', '--window-size=1280,800'],
  ...['--no-first-run', '--no-default-browser-check', '--disable-extensions', '--disable-sync', '--disable-gpu'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-default-apps', '--disable-breakpad'],
  ...['--disable-dev-shm-usage', '--mute-audio', '--hide-scrollbars', '--password-store=basic', '--use-mock-keychain'],
  ...['--deny-permission-prompts', '--block-new-web-contents', '--js-flags=--max-old-space-size=512'],
]

/** No name is resolved and no packet sent but by the proxy: not for QUIC, WebRTC, prefetches or the loopback. */
function networkFlags(port: number): string[] {
  return [
    `--proxy-server=http://127.0.0.1:${port}`,
    '--proxy-bypass-list=<-loopback>',
    '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    '--disable-quic',
    '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
  ]
}

/** Chromium refuses to run its own sandbox as root. */
function rootFlags(): string[] {
  return process.getuid?.() === 0 ? ['--no-sandbox'] : []
}

/** Profiles of programs that were killed before they could take them away. Their names begin with the process id. */
async function sweepProfiles({ folder, isAlive }: ChromiumConfig): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number.parseInt(name, 10)
    if (Number.isNaN(pid) || isAlive(pid)) continue
    await rm(join(folder, name), { recursive: true, force: true })
  }
}

async function isProgram(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
