import { dirname, join } from 'node:path/posix'
import ts from 'typescript'
import { type Finding, findingAt, isTest, type SourceFile, walk } from './repository.ts'

/** A workspace package: its name, its folder and the files that its `exports` name. */
export type Package = { name: string; folder: string; exports: Readonly<Record<string, string>> }

/**
 * Which package may import which others. Arrows never turn: whoever is named on the right must not, in any number of
 * steps, import the one on the left. A new edge is a decision about the architecture.
 */
export const allowedPackages: Readonly<Record<string, readonly string[]>> = {
  '@openpista/common': [],
  '@waiaas/core': [],
  '@waiaas/daemon': ['@openpista/common', '@waiaas/core'],
  '@waiaas/sdk': ['@waiaas/core'],
  '@waiaas/cli': ['@openpista/common', '@waiaas/core', '@waiaas/daemon', '@waiaas/sdk'],
  '@waiaas/admin': ['@waiaas/core'],
  openpista: ['@openpista/common', '@waiaas/sdk'],
  '@openpista/web': ['openpista/protocol'],
  '@waiaas/devnet': [],
  '@openpista/testing': [],
}

/** What tests may import besides: chains and services to run against. */
const TEST_PACKAGES = ['@waiaas/devnet', '@openpista/testing']

/**
 * The order of folders inside a package, by path from the package's `src`. A folder may import itself and what stands
 * on its right (a folder or a single file). Files directly in `src` wire things together and may import anything.
 */
export const allowedFolders: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  '@waiaas/daemon': {
    chains: [],
    signer: [],
    store: [],
    notify: ['store'],
    oracle: ['store'],
    actions: ['store'],
    engine: ['chains/chain-adapter.ts', 'signer/signer.ts', 'store'],
    http: ['engine', 'store', 'chains/chain-adapter.ts', 'signer/signer.ts'],
    jobs: ['engine', 'store', 'chains/chain-adapter.ts', 'signer/signer.ts'],
  },
  openpista: {
    protocol: [],
    domain: ['protocol'],
    store: ['domain', 'protocol', 'channels/channel.ts'],
    executors: ['domain', 'protocol'],
    providers: ['domain', 'protocol'],
    auth: ['domain', 'protocol', 'providers'],
    approvals: ['domain', 'protocol', 'tools/tool.ts'],
    wallet: ['domain', 'protocol', 'store', 'gateway/announcer.ts'],
    schedules: ['domain', 'store', 'channels/channel.ts'],
    skills: ['domain', 'store', 'executors'],
    tools: [
      'domain',
      'protocol',
      'wallet',
      'schedules',
      'skills',
      'workers/worker.ts',
      'workers/words.ts',
      'providers/provider.ts',
      'executors/executor.ts',
      'executors/roots.ts',
    ],
    workers: ['domain', 'store', 'channels/channel.ts', 'gateway', 'tools/tool.ts', 'tools/part.ts'],
    loop: [
      'domain',
      'protocol',
      'store',
      'approvals/approver.ts',
      'providers/provider.ts',
      'tools/tool.ts',
      'executors/executor.ts',
    ],
    gateway: ['domain', 'protocol', 'store', 'approvals', 'tools/tool.ts', 'channels/channel.ts'],
    channels: ['domain', 'protocol', 'gateway'],
    tui: ['protocol', 'cli/card-prompt.ts', 'cli/gateway-client.ts'],
  },
}

/** Every import that goes against the direction, and every cycle. */
export function checkImports(files: readonly SourceFile[], packages: readonly Package[]): Finding[] {
  const paths = new Set(files.map((file) => file.path))
  const edges = files.flatMap((file) => importsOf(file, paths, packages))
  return [...edges.flatMap((edge) => checkEdge(edge, packages)), ...findCycles(edges)]
}

type Edge = {
  file: SourceFile
  node: ts.Node
  specifier: string
  /** The imported file of this repository; undefined for a package from outside. */
  target: string | undefined
}

function importsOf(file: SourceFile, paths: ReadonlySet<string>, packages: readonly Package[]): Edge[] {
  const edges: Edge[] = []
  walk(file.tree, (node) => {
    const specifier = specifierOf(node)
    if (specifier === undefined) return
    edges.push({ file, node, specifier, target: resolve(file.path, specifier, paths, packages) })
  })
  return edges
}

/** Static, re-exporting, dynamic and type imports. */
function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literal(node.moduleSpecifier)
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return literal(node.arguments[0])
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return literal(node.argument.literal)
  return undefined
}

function literal(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined
}

function resolve(
  from: string,
  specifier: string,
  paths: ReadonlySet<string>,
  packages: readonly Package[],
): string | undefined {
  if (specifier.startsWith('.')) {
    const target = join(dirname(from), specifier)
    return paths.has(target) ? target : undefined
  }
  const owner = packages.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`))
  const entry = owner?.exports[`.${specifier.slice(owner.name.length)}`]
  return owner === undefined || entry === undefined ? undefined : join(owner.folder, entry)
}

function checkEdge(edge: Edge, packages: readonly Package[]): Finding[] {
  const from = ownerOf(edge.file.path, packages)
  if (from === undefined) return []
  const fault = edge.specifier.startsWith('.') ? relativeFault(edge, from) : packageFault(edge, from, packages)
  return fault === undefined ? [] : [findingAt(edge.file, edge.node, fault)]
}

function packageFault(edge: Edge, from: Package, packages: readonly Package[]): string | undefined {
  const to = packages.find(({ name }) => edge.specifier === name || edge.specifier.startsWith(`${name}/`))
  if (to === undefined || to.name === from.name) return undefined
  const allowed = [...(allowedPackages[from.name] ?? []), ...(isTest(edge.file.path) ? TEST_PACKAGES : [])]
  // An entry such as `openpista/protocol` allows that door only; a bare name allows every door.
  if (allowed.includes(to.name) || allowed.includes(edge.specifier)) return undefined
  return `${from.name} must not import ${edge.specifier} (allowed: ${allowed.join(', ') || 'no package of ours'})`
}

function relativeFault(edge: Edge, from: Package): string | undefined {
  const target = join(dirname(edge.file.path), edge.specifier)
  if (!target.startsWith(`${from.folder}/`)) return `${edge.specifier} leaves the package; import by its name`
  const source = `${from.folder}/src/`
  const order = allowedFolders[from.name]
  if (order === undefined || !target.startsWith(source) || !edge.file.path.startsWith(source)) return undefined
  if (isTest(edge.file.path)) return undefined
  const fromFolder = topFolder(edge.file.path.slice(source.length))
  const toPath = target.slice(source.length)
  const allowed = fromFolder === undefined ? undefined : order[fromFolder]
  if (allowed === undefined || topFolder(toPath) === fromFolder) return undefined
  if (topFolder(toPath) === undefined && !/^(main|index)\.ts$/.test(toPath)) return undefined
  if (allowed.some((path) => toPath === path || toPath.startsWith(`${path}/`))) return undefined
  return `${fromFolder}/ must not import ${toPath} (allowed: ${allowed.join(', ') || 'itself'})`
}

function ownerOf(path: string, packages: readonly Package[]): Package | undefined {
  return packages.find(({ folder }) => path.startsWith(`${folder}/`))
}

/** `engine/a.ts` -> `engine`; a file directly in `src` has none. */
function topFolder(path: string): string | undefined {
  return path.includes('/') ? path.split('/')[0] : undefined
}

/** One finding per cycle, at the import that closes it. Imports of types only are no cycle: they vanish at run time. */
function findCycles(edges: readonly Edge[]): Finding[] {
  const outgoing = new Map<string, Edge[]>()
  for (const edge of edges) {
    if (edge.target === undefined || isTypeOnly(edge.node)) continue
    outgoing.set(edge.file.path, [...(outgoing.get(edge.file.path) ?? []), edge])
  }
  const findings: Finding[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    for (const edge of outgoing.get(path) ?? []) {
      const target = edge.target ?? ''
      const start = trail.indexOf(target)
      if (start >= 0) {
        const cycle = [...trail.slice(start), target].join(' -> ')
        findings.push(findingAt(edge.file, edge.node, `import cycle: ${cycle}`))
      } else if (!done.has(target)) {
        visit(target, [...trail, target])
      }
    }
    done.add(path)
  }
  for (const path of outgoing.keys()) if (!done.has(path)) visit(path, [path])
  return findings
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true
  if (ts.isExportDeclaration(node)) return node.isTypeOnly
  if (!ts.isImportDeclaration(node)) return false
  const clause = node.importClause
  if (clause === undefined) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const bindings = clause.namedBindings
  return (
    clause.name === undefined &&
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.length > 0 &&
    bindings.elements.every((element) => element.isTypeOnly)
  )
}
