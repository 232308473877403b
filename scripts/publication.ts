import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import ts from 'typescript'
import { listFiles } from './repository.ts'
import type { Manifest } from './workspace.ts'

/** What would go wrong for somebody who installs the package that lies in `folder`. Nothing, when it is empty. */
export function checkPublication(
  folder: string,
  manifest: Manifest & { exports?: unknown },
  ours: readonly string[],
): string[] {
  const declared = { ...manifest.dependencies, ...manifest.optionalDependencies }
  const faults: string[] = []
  for (const target of [...targetsOf(manifest.exports), ...Object.values(manifest.bin ?? {})]) {
    if (!existsSync(join(folder, target))) faults.push(`package.json names ${target}, which does not exist`)
  }
  for (const target of Object.values(manifest.bin ?? {})) {
    const file = join(folder, target)
    if (existsSync(file) && !readFileSync(file, 'utf8').startsWith('#!')) faults.push(`${target} has no #! line`)
  }
  for (const [name, version] of Object.entries(declared)) {
    if (!/^\d+\.\d+\.\d+/.test(version)) faults.push(`the version of ${name} is not exact: ${version}`)
    if (ours.includes(name)) faults.push(`depends on ${name}, which is built in`)
  }
  const code = listFiles(folder).filter((path) => /\.(js|d\.ts)$/.test(path) && !path.startsWith('pages/'))
  for (const path of code) faults.push(...importFaults(folder, path, declared, ours))
  return faults
}

/** `@scope/name/sub` -> `@scope/name`; undefined for relative paths and Node's own modules. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('/') || specifier.startsWith('#')) return undefined
  if (isBuiltin(specifier)) return undefined
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

/** What code asks `import.meta.resolve` for by name: the packages that have to be installed beside it, like imports. */
export function resolvedIn(code: string): string[] {
  return [...code.matchAll(/import\.meta\.resolve\(\s*(['"`])([^'"`]+)\1/g)].map(([, , specifier = '']) => specifier)
}

function targetsOf(exported: unknown): string[] {
  if (typeof exported === 'string') return [exported]
  if (typeof exported !== 'object' || exported === null) return []
  return Object.values(exported).flatMap(targetsOf)
}

function importFaults(
  folder: string,
  path: string,
  declared: Readonly<Record<string, string>>,
  ours: readonly string[],
): string[] {
  const code = readFileSync(join(folder, path), 'utf8')
  const imports = ts.preProcessFile(code, true, true).importedFiles.map(({ fileName }) => fileName)
  return [...imports, ...resolvedIn(code)].flatMap((specifier) => {
    if (specifier.startsWith('.')) {
      const exists = existsSync(join(folder, path, '..', specifier))
      return exists ? [] : [`${path} imports ${specifier}, which does not exist`]
    }
    const name = packageOf(specifier)
    if (name === undefined || declared[name] !== undefined) return []
    return [`${path} imports ${name}, which ${ours.includes(name) ? 'must be built in' : 'is not a dependency'}`]
  })
}
