import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { applyExceptions, exceptions } from './exceptions.ts'
import { checkImports } from './import-direction.ts'
import { type Finding, listFiles, readSources, repositoryRoot, type SourceFile } from './repository.ts'
import { runTool } from './run-program.ts'
import { styleRules } from './style/index.ts'
import { checkLockfile, checkTrackedText } from './tracked-text.ts'
import { readWorkspaces, type Workspace } from './workspace.ts'

/** What one check came to. Warnings are shown and do not fail. */
export type CheckResult = { name: string; ok: boolean; output: string; warnings: string; seconds: number }

/** Runs every check and prints a line for each, then what failed. */
export async function runChecks(root: string): Promise<CheckResult[]> {
  const paths = listFiles(root)
  const workspaces = readWorkspaces(root)
  const checks: Check[] = [
    {
      name: 'format and lint',
      run: () => tool(root, '@biomejs/biome/bin/biome', ['check', '--diagnostic-level=warn', '.']),
    },
    ...typeChecks(root, workspaces),
    { name: 'unused code and dependencies', run: () => tool(root, 'knip/bin/knip.js', ['--no-progress']) },
    ...ownChecks(root, paths, workspaces),
  ]
  const results = await inParallel(checks, 2)
  for (const { name, output, warnings } of results) {
    if (warnings !== '') process.stdout.write(`\n${name}, to look at:\n${warnings}\n`)
    if (output !== '') process.stdout.write(`\n${name}:\n${output}\n`)
  }
  return results
}

type Outcome = { ok: boolean; output: string; warnings?: string }
type Check = { name: string; run: () => Promise<Outcome> | Outcome }

async function inParallel(checks: readonly Check[], width: number): Promise<CheckResult[]> {
  const results: CheckResult[] = []
  const queue = [...checks]
  const worker = async (): Promise<void> => {
    for (let check = queue.shift(); check !== undefined; check = queue.shift()) {
      const started = performance.now()
      const { ok, output, warnings = '' } = await check.run()
      const seconds = (performance.now() - started) / 1000
      process.stdout.write(`${ok ? 'ok  ' : 'FAIL'} ${check.name} (${seconds.toFixed(1)} s)\n`)
      results.push({ name: check.name, ok, output, warnings, seconds })
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}

async function tool(root: string, file: string, args: readonly string[]): Promise<Outcome> {
  const { code, output } = await runTool(root, file, args)
  return { ok: code === 0, output: code === 0 ? '' : output.trim() }
}

/** The root's TypeScript project, and one for each package that needs settings of its own, such as a browser's. */
function typeChecks(root: string, workspaces: readonly Workspace[]): Check[] {
  const projects = ['tsconfig.json', ...workspaces.map(({ folder }) => `${folder}/tsconfig.json`)]
  return projects
    .filter((project) => existsSync(join(root, project)))
    .map((project) => ({
      name: `types (${project})`,
      run: () => tool(root, 'typescript-native/bin/tsc', ['-p', project]),
    }))
}

/** The checks written here share one reading of the sources. */
function ownChecks(root: string, paths: readonly string[], workspaces: readonly Workspace[]): Check[] {
  const sources = readSources(root, paths)
  const packages = workspaces.map(({ folder, manifest }) => ({
    name: manifest.name,
    folder,
    exports: manifest.exports ?? {},
  }))
  return [
    { name: 'style', run: () => checkStyle(sources, paths, workspaces) },
    { name: 'import direction', run: () => report('import-direction', checkImports(sources, packages)) },
    {
      name: 'no traces of one machine',
      run: () => report('tracked-text', checkTrackedText(root, paths, registryHosts(process.env))),
    },
    {
      name: 'lockfile',
      run: () => report('lockfile', checkLockfile(readFileSync(join(root, 'package-lock.json'), 'utf8'))),
    },
  ]
}

function checkStyle(
  sources: readonly SourceFile[],
  paths: readonly string[],
  workspaces: readonly Workspace[],
): Outcome {
  const repository = {
    paths: new Set(paths),
    packageEntries: new Set(
      workspaces.flatMap(({ folder, manifest }) =>
        Object.values(manifest.exports ?? {}).map((entry) => join(folder, entry)),
      ),
    ),
  }
  const outcomes = styleRules.map((rule) => ({
    severity: rule.severity,
    ...report(
      rule.name,
      sources.flatMap((file) => rule.check(file, repository)),
    ),
  }))
  const errors = outcomes.filter(({ severity }) => severity === 'error')
  const warnings = outcomes.filter(({ severity }) => severity === 'warning')
  return { ok: errors.every(({ ok }) => ok), output: joined(errors), warnings: joined(warnings) }
}

function joined(outcomes: readonly Outcome[]): string {
  return outcomes
    .map(({ output }) => output)
    .filter((output) => output !== '')
    .join('\n')
}

function report(rule: string, findings: readonly Finding[]): Outcome {
  const { left, unused } = applyExceptions(rule, findings, exceptions)
  const lines = [
    ...left.map(({ path, line, message }) => `${path}:${line} ${message} [${rule}]`),
    ...unused.map(({ path }) => `scripts/exceptions.ts: the exception of ${path} from ${rule} is no longer needed`),
  ]
  return { ok: lines.length === 0, output: lines.join('\n') }
}

/** The host that npm uses here, unless it is this machine itself. */
function registryHosts(env: NodeJS.ProcessEnv): string[] {
  const address = env.npm_config_registry
  if (address === undefined || !URL.canParse(address)) return []
  const { host, hostname } = new URL(address)
  return hostname === 'localhost' || hostname === '127.0.0.1' ? [] : [host]
}

if (import.meta.main) {
  const results = await runChecks(repositoryRoot)
  const failed = results.filter(({ ok }) => !ok).length
  process.stdout.write(`\n${results.length - failed} checks passed, ${failed} failed\n`)
  process.exitCode = failed === 0 ? 0 : 1
}
