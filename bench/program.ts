import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPublished } from '../scripts/install-published.ts'
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
 * The program as people install it: built from the sources as they are now, and installed with its dependencies into a
 * `node_modules` of their own.
 *
 * @param workspace folder of the package in the repository.
 * @param entry file of the program in the package, which is called `name`.
 */
export async function installedProgram(workspace: string, name: string, entry: string): Promise<InstalledProgram> {
  const build = await runProgram(process.execPath, ['scripts/build.ts'], repository)
  if (build.code !== 0) throw new Error(`npm run build ended with ${build.code}:\n${build.output}`)
  const { modules, remove } = await installPublished([workspace])
  return { name: 'installed', entry: join(modules, name, entry), env: { NODE_COMPILE_CACHE: '' }, remove, modules }
}
