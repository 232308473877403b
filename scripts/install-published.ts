import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repositoryRoot } from './repository.ts'
import { runProgram } from './run-program.ts'

/** What npm made of packages of ours. */
export type Installed = {
  /** The `node_modules` with the packages and what they depend on. */
  modules: string
  remove: () => void
}

/**
 * Packs built packages and installs the tarballs into a project of its own, outside the repository: as people get them.
 *
 * @param workspaces their folders in the repository, each with a `dist/`.
 * @throws Error with what npm printed.
 */
export async function installPublished(workspaces: readonly string[]): Promise<Installed> {
  const folder = mkdtempSync(join(tmpdir(), 'openpista-installed-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    const tarballs = join(folder, 'tarballs')
    const project = join(folder, 'project')
    for (const each of [tarballs, project]) mkdirSync(each)
    writeFileSync(join(project, 'package.json'), '{"private":true,"type":"module"}')
    const built = workspaces.map((workspace) => join(repositoryRoot, workspace, 'dist'))
    await npm(['pack', ...built, '--pack-destination', tarballs], project)
    const packed = readdirSync(tarballs).map((name) => join(tarballs, name))
    await npm(['install', '--prefer-offline', '--no-audit', '--no-fund', ...packed], project)
    return { modules: join(project, 'node_modules'), remove }
  } catch (error) {
    remove()
    throw error
  }
}

async function npm(args: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await runProgram('npm', args, cwd)
  if (code !== 0) throw new Error(`npm ${args[0]} ended with ${code}:\n${output}`)
}
