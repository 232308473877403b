import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findChromium } from '@openpista/testing'
import { type Built, buildPages, buildPublications, publishedFolders } from './build.ts'
import { runChecks } from './check.ts'
import { type Installed, installPublished } from './install-published.ts'
import { repositoryRoot } from './repository.ts'
import { ensureSystemPackages, type SystemPackageName } from './system-packages.ts'
import { countTests, readReport, summaryLine, type TestCounts } from './test-report.ts'

/** What some tests use. Without them those tests are skipped and say so. */
const USED_BY_TESTS: readonly SystemPackageName[] = [
  'bubblewrap',
  'tmux',
  'nss',
  'nspr',
  'fonts',
  'xvfb',
  'scrot',
  'docker',
  'busybox',
]

/**
 * Everything a change must pass, with the programs as people install them. With arguments, only the tests that vitest
 * finds by them, from the sources, and no checks.
 */
async function main(filters: readonly string[]): Promise<number> {
  const missing = ensureSystemPackages(USED_BY_TESTS)
  if (missing !== undefined) {
    process.stdout.write(`Not installed: ${missing.missing.join(', ')}. Some tests will be skipped.\n`)
    process.stdout.write(`To run them: ${missing.command}\n\n`)
  }
  const browser = await findChromium()
  if ('missing' in browser) process.stdout.write(`${browser.missing} Browser tests will be skipped.\n\n`)
  const isWhole = filters.length === 0
  const built = isWhole ? await buildPublications() : await buildPages()
  const installed = isWhole ? await install(built) : undefined
  const checks = [
    ...built.map(({ name, faults }) => ({ name: `build of ${name}`, ok: faults.length === 0 })),
    ...(isWhole ? [{ name: 'installation of what is published', ok: installed !== undefined }] : []),
    ...(isWhole ? await runChecks(repositoryRoot) : []),
  ]
  process.stdout.write('\n')
  const tests = await runTests(filters, installed?.modules).finally(installed?.remove)
  // A check counts like a test, so that the last line never says "0 failed" when something did.
  const counts = {
    passed: tests.passed + checks.filter(({ ok }) => ok).length,
    failed: tests.failed + checks.filter(({ ok }) => !ok).length,
    skipped: tests.skipped,
  }
  for (const { name } of checks.filter(({ ok }) => !ok)) process.stdout.write(`failed check: ${name}\n`)
  process.stdout.write(`\n${summaryLine(counts)}\n`)
  return counts.failed === 0 ? 0 : 1
}

/** The built packages, installed outside the repository; `undefined`, with the reason printed, where that fails. */
async function install(built: readonly Built[]): Promise<Installed | undefined> {
  if (built.some(({ faults }) => faults.length > 0)) return undefined
  try {
    return await installPublished(publishedFolders())
  } catch (error) {
    process.stdout.write(`FAIL installation of what is published: ${(error as Error).message}\n`)
    return undefined
  }
}

async function runTests(filters: readonly string[], installedModules: string | undefined): Promise<TestCounts> {
  const folder = mkdtempSync(join(tmpdir(), 'openpista-test-'))
  const report = join(folder, 'report.json')
  try {
    const exitCode = await vitest(filters, {
      TEST_REPORT: report,
      ...(installedModules === undefined ? {} : { INSTALLED_MODULES: installedModules }),
    })
    return countTests(readReport(report), exitCode)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function vitest(filters: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const script = join(repositoryRoot, 'node_modules', 'vitest', 'vitest.mjs')
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, 'run', ...filters], {
      cwd: repositoryRoot,
      env: { ...process.env, ...env },
      stdio: 'inherit',
    })
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

process.exitCode = await main(process.argv.slice(2))
