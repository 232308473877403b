import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The parts of a package.json that scripts here look at. */
export type Manifest = {
  name: string
  version: string
  description?: string
  license?: string
  engines?: Record<string, string>
  exports?: Record<string, string>
  bin?: Record<string, string>
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

/** A package of this repository. */
export type Workspace = { folder: string; manifest: Manifest }

/** The packages that the root package.json lists, those that exist so far. */
export function readWorkspaces(root: string): Workspace[] {
  const { workspaces } = readJson<{ workspaces: string[] }>(join(root, 'package.json'))
  return workspaces
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => ({ folder, manifest: readJson<Manifest>(join(root, folder, 'package.json')) }))
}

export function readJson<Shape>(file: string): Shape {
  return JSON.parse(readFileSync(file, 'utf8')) as Shape
}
