import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../scripts/run-program.ts'

/** A form in which one of our programs is run: its entry file, and what its processes find in their environment. */
export type Program = { name: string; entry: string; env: Record<string, string>; remove: () => void }

/** A program whose package was installed by npm. */
export type InstalledProgram = Program & {
  /** The `node_modules` that it brought into being, itself among it. */
  modules: string
}

const repository = join(import.meta.dirname, '..')

/** The program as a developer runs it: TypeScript, with the cache of compiled code that `npm start` sets up. */
export function sourceProgram(entry: string): Program {
  const cache = mkdtempSync(join(tmpdir(), 'bench-cache-'))
  return {
    name: 'from source',
    entry: join(repository, entry),
    env: { NODE_COMPILE_CACHE: cache },
    remove: () => rmSync(cache, { recursive: true, force: true }),
  }
}

/**
 * The program as people install it: the built package and its dependencies in a `node_modules` of their own.
 * `undefined` where `npm run build` has not made it yet.
 *
 * @param workspace folder of the package in the repository.
 * @param entry file of the program in the package, which is called `name`.
 */
export async function installedProgram(
  workspace: string,
  name: string,
  entry: string,
): Promise<InstalledProgram | undefined> {
  const dist = join(repository, workspace, 'dist')
  if (!existsSync(join(dist, entry))) {
    process.stderr.write(`${name}: npm run build makes the installed form\n`)
    return undefined
  }
  const folder = mkdtempSync(join(tmpdir(), 'bench-installed-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    const packed = join(folder, 'package')
    cpSync(dist, packed, { recursive: true })
    mkdirSync(join(folder, 'home'))
    writeFileSync(join(folder, 'home', 'package.json'), '{"private":true}')
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--install-links']
    const { code, output } = await runProgram('npm', ['install', ...flags, packed], join(folder, 'home'))
    if (code !== 0) throw new Error(`npm install of ${name} ended with ${code}:\n${output}`)
  } catch (error) {
    remove()
    throw error
  }
  const modules = join(folder, 'home', 'node_modules')
  return { name: 'installed', entry: join(modules, name, entry), env: { NODE_COMPILE_CACHE: '' }, remove, modules }
}
