import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A form in which `waiaas` is run: its entry file, and what its processes find in their environment. */
export type WalletProgram = { name: string; entry: string; env: Record<string, string>; remove: () => void }

const require = createRequire(import.meta.url)
const repository = join(import.meta.dirname, '../..')

/** The program as a developer runs it: TypeScript, with the cache of compiled code that `npm start` sets up. */
export function sourceProgram(): WalletProgram {
  const cache = mkdtempSync(join(tmpdir(), 'bench-cache-'))
  return {
    name: 'from source',
    entry: require.resolve('@waiaas/cli'),
    env: { NODE_COMPILE_CACHE: cache },
    remove: () => rmSync(cache, { recursive: true, force: true }),
  }
}

/**
 * The program as people install it: the built package and its dependencies in a `node_modules` of their own.
 * `undefined` where `npm run build` has not made it yet.
 */
export async function installedProgram(): Promise<WalletProgram | undefined> {
  const dist = join(repository, 'wallet/cli/dist')
  if (!existsSync(join(dist, 'waiaas.js'))) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'bench-installed-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    const packed = join(folder, 'package')
    cpSync(dist, packed, { recursive: true })
    mkdirSync(join(folder, 'home'))
    writeFileSync(join(folder, 'home', 'package.json'), '{"private":true}')
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--install-links']
    await command('npm', ['install', ...flags, packed], join(folder, 'home'))
  } catch (error) {
    remove()
    throw error
  }
  const entry = join(folder, 'home/node_modules/@waiaas/cli/waiaas.js')
  return { name: 'installed', entry, env: { NODE_COMPILE_CACHE: '' }, remove }
}

function command(program: string, args: readonly string[], folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    }
    child.once('error', reject)
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`)),
    )
  })
}
