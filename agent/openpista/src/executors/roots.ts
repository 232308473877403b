import { mkdirSync, realpathSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { AppError } from '@openpista/common'

/** The folders that tools and commands may use, as real paths. */
export type Roots = {
  /** Read and written; commands start here. */
  workspace: string
  /** Further folders that may be read and written. */
  writable: readonly string[]
  /** Further folders that may be read. */
  readable: readonly string[]
  /** Folders whose contents nobody but the programs themselves may see; the workspace may lie inside one. */
  secret: readonly string[]
}

export type RootsConfig = {
  workspace: string
  writable: readonly string[]
  readable: readonly string[]
  /** The owner's home: the agent's and the wallet's folders in it are secret. */
  home: string
  /** Further secret folders, where these programs are told to keep their files elsewhere. */
  secret?: readonly string[]
}

const SECRET_FOLDERS = ['.waiaas', '.openpista']

/**
 * Real paths of the configured folders; the workspace is made when it is missing.
 *
 * @throws AppError `ROOT_NOT_ALLOWED` for a folder that would open a secret one, `ROOT_NOT_FOUND` for a missing one.
 */
export function resolveRoots(config: RootsConfig): Roots {
  mkdirSync(config.workspace, { recursive: true, mode: 0o700 })
  const named = SECRET_FOLDERS.map((name) => join(config.home, name))
  const secret = [...named, ...(config.secret ?? [])].map(realOrPlain)
  const workspace = realpathSync(config.workspace)
  refuse(
    workspace,
    secret.find((folder) => isInside(workspace, folder)),
  )
  const outer = (path: string) => {
    const root = realRoot(path)
    refuse(
      root,
      secret.find((folder) => isInside(root, folder) || isInside(folder, root)),
    )
    return root
  }
  return { workspace, writable: config.writable.map(outer), readable: config.readable.map(outer), secret }
}

/** True when `path` is `folder` or lies below it. Both absolute and free of `..`. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way))
}

function realRoot(path: string): string {
  try {
    return realpathSync(path)
  } catch (cause) {
    const hint = 'Make the folder, or take it out of the configuration.'
    throw new AppError('ROOT_NOT_FOUND', `The folder ${path} cannot be used.`, { hint, cause })
  }
}

function realOrPlain(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function refuse(root: string, secret: string | undefined): void {
  if (secret === undefined) return
  throw new AppError('ROOT_NOT_ALLOWED', `The folder ${root} would give tools access to ${secret}.`, {
    hint: 'Choose a folder that neither contains nor lies in the folders of the agent and the wallet.',
  })
}
