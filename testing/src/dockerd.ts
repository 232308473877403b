import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A Docker engine of its own, with one image that has a shell. */
export type Dockerd = { socketPath: string; image: string; stop: () => Promise<void> }

const IMAGE = 'busybox'
const START_MS = 30_000
const SHELL = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path))

/**
 * Starts a container engine in a folder of its own and gives it an image made of this machine's busybox: nothing is
 * fetched. `missing` says what this machine lacks for it.
 */
export async function startDockerd(): Promise<Dockerd | { missing: string }> {
  if (process.getuid?.() !== 0) return { missing: 'a container engine can only be started as root' }
  if (SHELL === undefined) return { missing: 'busybox is not installed (apt-get install busybox-static)' }
  const folder = mkdtempSync(join(tmpdir(), 'dockerd-'))
  const socketPath = join(folder, 'docker.sock')
  const at = (name: string) => join(folder, name)
  const places = [
    '--data-root',
    at('data'),
    '--exec-root',
    at('run'),
    '--pidfile',
    at('pid'),
    '-H',
    `unix://${socketPath}`,
  ]
  const engine = spawn('dockerd', [...places, '--bridge=none', '--iptables=false', '--ip6tables=false'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  engine.stderr.on('data', (chunk) => {
    log = (log + chunk).slice(-4_000)
  })
  const ended = once(engine, 'exit').catch((error: Error) => [error.message])
  const stop = async () => {
    engine.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  const answers = await Promise.race([untilAnswers(socketPath), ended.then(() => false)])
  if (!answers) {
    await stop()
    return { missing: `dockerd does not start: ${log.trim().split('\n').at(-1) ?? 'is docker.io installed?'}` }
  }
  await importShell(folder, socketPath)
  return { socketPath, image: IMAGE, stop }
}

async function untilAnswers(socketPath: string): Promise<boolean> {
  const until = Date.now() + START_MS
  while (Date.now() < until) {
    const status = await call(socketPath, 'GET', '/_ping').catch(() => 0)
    if (status === 200) return true
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return false
}

/** An image of one program that is every command. */
async function importShell(folder: string, socketPath: string): Promise<void> {
  const root = join(folder, 'image')
  for (const place of ['bin', 'tmp', 'workspace', 'proc', 'sys', 'dev', 'etc'])
    mkdirSync(join(root, place), { recursive: true })
  // The links name the program by its real path, which is in /usr on most machines.
  mkdirSync(join(root, 'usr'))
  symlinkSync('../bin', join(root, 'usr', 'bin'))
  cpSync(SHELL!, join(root, 'bin', 'busybox'), { dereference: true })
  await promisify(execFile)(SHELL!, ['--install', '-s', join(root, 'bin')])
  const { stdout: tar } = await promisify(execFile)('tar', ['-C', root, '-c', '.'], {
    encoding: 'buffer',
    maxBuffer: 64 * 1024 * 1024,
  })
  const status = await call(socketPath, 'POST', `/images/create?fromSrc=-&repo=${IMAGE}&tag=latest`, tar)
  if (status !== 200) throw new Error(`the engine refused the image (${status})`)
}

function call(socketPath: string, method: string, path: string, body?: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers: { 'content-type': 'application/x-tar' } }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0))
    })
    sent.once('error', reject)
    sent.end(body)
  })
}
