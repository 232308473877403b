import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { build, type TsdownBundle } from 'tsdown'
import { ensureWebBuilt } from './build-web.ts'
import { localUrls } from './local-urls.ts'
import { checkPublication, packageOf, resolvedIn } from './publication.ts'
import { isTest, listFiles, readSources, repositoryRoot } from './repository.ts'
import { typesImportedFrom, writeWireTypes } from './wire-types.ts'
import { type Manifest, readWorkspaces, type Workspace } from './workspace.ts'

/** A package that is published from its `dist/`: our own packages are built into it. */
type Publication = {
  name: string
  /** Built web pages that go along: folder in the package -> folder in the repository. */
  pages: Readonly<Record<string, string>>
  /** Whether programs import it, and so want its types. */
  isLibrary: boolean
  /** Outside packages that stay dependencies, for they carry native code or WebAssembly; all others are built in. */
  dependencies: readonly string[]
}

const publications: readonly Publication[] = [
  { name: '@waiaas/sdk', pages: {}, isLibrary: true, dependencies: [] },
  {
    name: '@waiaas/cli',
    pages: { 'pages/approve': 'wallet/admin/dist' },
    isLibrary: false,
    dependencies: ['@node-rs/argon2', 'sodium-native', 'tiny-secp256k1'],
  },
  { name: 'openpista', pages: { 'pages/chat': 'agent/web/dist' }, isLibrary: false, dependencies: [] },
]

/** Something that was built, and what is wrong with it. */
export type Built = { name: string; faults: readonly string[] }

/** Builds the web pages, and says how it went. */
export async function buildPages(): Promise<Built[]> {
  const pages = await ensureWebBuilt()
  return pages.map(({ folder, ok, output }) => said({ name: folder, faults: ok ? [] : [output] }))
}

/** Builds the web pages and every package that is published, and says how it went. */
export async function buildPublications(): Promise<Built[]> {
  const workspaces = readWorkspaces(repositoryRoot)
  const built = await buildPages()
  for (const publication of publications) {
    const workspace = workspaces.find(({ manifest }) => manifest.name === publication.name)
    if (workspace === undefined) throw new Error(`${publication.name} is not a package of this repository`)
    const faults = await publish(publication, workspace, workspaces).catch((error: Error) => [error.message])
    built.push(said({ name: `${publication.name} in ${workspace.folder}/dist`, faults }))
  }
  return built
}

/** The folders of the packages that are published. */
export function publishedFolders(): string[] {
  return readWorkspaces(repositoryRoot).flatMap(({ manifest, folder }) =>
    publications.some(({ name }) => name === manifest.name) ? [folder] : [],
  )
}

function said(built: Built): Built {
  for (const fault of built.faults) process.stdout.write(`FAIL ${built.name}: ${fault}\n`)
  if (built.faults.length === 0) process.stdout.write(`ok   ${built.name}\n`)
  return built
}

async function publish(publication: Publication, workspace: Workspace, all: readonly Workspace[]): Promise<string[]> {
  const folder = join(repositoryRoot, workspace.folder)
  const doors = doorsOf(workspace.manifest, publication.isLibrary)
  const absent = doors.filter(({ source }) => !existsSync(join(folder, source)))
  if (absent.length > 0) return absent.map(({ source }) => `${source} does not exist yet`)

  const dist = join(folder, 'dist')
  rmSync(dist, { recursive: true, force: true })
  const ours = all.map(({ manifest }) => manifest.name)
  const bundles = await build({
    config: false,
    cwd: publication.isLibrary ? withoutCore(folder) : folder,
    entry: Object.fromEntries(doors.map(({ name, source }) => [name, source])),
    outDir: dist,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    fixedExtension: false,
    clean: false,
    hash: false,
    logLevel: 'warn',
    dts: publication.isLibrary,
    plugins: [localUrls(repositoryRoot, publication.pages)],
    deps: { neverBundle: patternsOf(publication.dependencies), alwaysBundle: [/./], onlyBundle: false },
  })
  rmSync(join(dist, '.source'), { recursive: true, force: true })
  for (const [target, source] of Object.entries(publication.pages)) {
    if (existsSync(join(repositoryRoot, source)))
      cpSync(join(repositoryRoot, source), join(dist, target), { recursive: true })
  }
  for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE'])
    copyFileSync(join(repositoryRoot, licence), join(dist, licence))
  writeFileSync(join(dist, 'LICENSES-BUILT-IN.txt'), licencesOf(bundles, ours))
  if (existsSync(join(folder, 'README.md'))) copyFileSync(join(folder, 'README.md'), join(dist, 'README.md'))
  for (const { name } of doors.filter(({ commands }) => commands !== undefined)) makeRunnable(join(dist, `${name}.js`))
  const manifest = publishedManifest(workspace.manifest, doors, publication.isLibrary, externalsOf(bundles), all)
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  return checkPublication(dist, manifest, ours)
}

function patternsOf(names: readonly string[]): RegExp[] {
  return names.map((name) => new RegExp(`^${name}($|/)`))
}

/**
 * A copy of a library's sources in which what they import from core is a file of plain types beside them, so that
 * what is published names neither core nor its schema library.
 */
function withoutCore(folder: string): string {
  const copy = join(folder, 'dist', '.source')
  const sources = readSources(folder, listFiles(folder)).filter(({ path }) => path.startsWith('src/') && !isTest(path))
  const names = typesImportedFrom('@waiaas/core', sources)
  mkdirSync(join(copy, 'src'), { recursive: true })
  writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify({ extends: join(repositoryRoot, 'tsconfig.json') }))
  writeFileSync(join(copy, 'package.json'), JSON.stringify({ name: 'source', version: '0.0.0', type: 'module' }))
  writeFileSync(join(copy, 'src', 'wire-types.ts'), writeWireTypes(repositoryRoot, names))
  for (const { path, text } of sources) {
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    const up = relative(dirname(path), 'src/wire-types.ts')
    writeFileSync(join(copy, path), text.replaceAll("'@waiaas/core'", `'${up.startsWith('.') ? up : `./${up}`}'`))
  }
  return copy
}

/** A way into the package: `exports` and `bin` of its manifest name the same file once. */
type Door = { name: string; source: string; subpath?: string; commands?: readonly string[] }

function doorsOf(manifest: Manifest, isLibrary: boolean): Door[] {
  const exported = isLibrary
    ? Object.entries(manifest.exports ?? {}).filter(([, source]) => source.endsWith('.ts'))
    : []
  const doors = exported.map(([subpath, source]): Door => {
    return { name: subpath === '.' ? 'index' : subpath.slice(2), source, subpath }
  })
  // Two names of one program are one file.
  const programs = Object.groupBy(Object.entries(manifest.bin ?? {}), ([, source]) => source)
  const commands = Object.entries(programs).map(([source, entries = []]): Door => {
    const names = entries.map(([name]) => name)
    return { name: names[0] ?? '', source, commands: names }
  })
  return [...doors, ...commands]
}

function publishedManifest(
  source: Manifest,
  doors: readonly Door[],
  isLibrary: boolean,
  externals: readonly string[],
  all: readonly Workspace[],
): Manifest & { exports?: unknown } {
  const target = (door: Door) =>
    isLibrary ? { types: `./${door.name}.d.ts`, default: `./${door.name}.js` } : `./${door.name}.js`
  const exported = doors.flatMap((door) => (door.subpath === undefined ? [] : [[door.subpath, target(door)]]))
  const commands = doors.flatMap(({ commands = [], name }) => commands.map((command) => [command, `./${name}.js`]))
  const optional = mergeVersions(all.map(({ manifest }) => manifest.optionalDependencies))
  const required = mergeVersions(all.map(({ manifest }) => manifest.dependencies))
  return {
    name: source.name,
    version: source.version,
    ...(source.description === undefined ? {} : { description: source.description }),
    license: source.license ?? '(MIT OR Apache-2.0)',
    engines: source.engines ?? { node: '>=24' },
    ...({ type: 'module' } as object),
    ...(exported.length === 0 ? {} : { exports: Object.fromEntries(exported) }),
    ...(commands.length === 0 ? {} : { bin: Object.fromEntries(commands) }),
    dependencies: pick(required, externals),
    optionalDependencies: pick(
      optional,
      externals.filter((name) => required[name] === undefined),
    ),
  }
}

function mergeVersions(lists: readonly (Record<string, string> | undefined)[]): Record<string, string> {
  return Object.assign({}, ...lists.map((list) => list ?? {}))
}

function pick(versions: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (versions[name] === undefined ? [] : [[name, versions[name]]])))
}

/** The packages that the built files import, or find by `import.meta.resolve`. */
function externalsOf(bundles: readonly TsdownBundle[]): string[] {
  const names = new Set<string>()
  for (const { chunks } of bundles) {
    for (const chunk of chunks) {
      if (chunk.type !== 'chunk') continue
      for (const specifier of [...chunk.imports, ...chunk.dynamicImports, ...resolvedIn(chunk.code)]) {
        const name = packageOf(specifier)
        if (name !== undefined && !chunks.some(({ fileName }) => fileName === specifier)) names.add(name)
      }
    }
  }
  return [...names].sort()
}

/** The licences of the outside packages that were built in, as these ask for. */
function licencesOf(bundles: readonly TsdownBundle[], ours: readonly string[]): string {
  const modules = bundles.flatMap(({ chunks }) =>
    chunks.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : [])),
  )
  const folders = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []))
  const texts = [...folders].toSorted().flatMap((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
    if (ours.includes(name)) return []
    const file = readdirSync(folder).find((each) => /^licen[cs]e(\.|-|$)/i.test(each))
    const text = file === undefined ? 'No licence file.' : readFileSync(join(folder, file), 'utf8').trim()
    return [`${name} ${version} (${license})\n\n${text}\n`]
  })
  return texts.join(`\n${'-'.repeat(80)}\n\n`)
}

function makeRunnable(file: string): void {
  const code = readFileSync(file, 'utf8')
  if (!code.startsWith('#!')) writeFileSync(file, `#!/usr/bin/env node\n${code}`)
  chmodSync(file, 0o755)
}

if (import.meta.main) process.exitCode = (await buildPublications()).every(({ faults }) => faults.length === 0) ? 0 : 1
