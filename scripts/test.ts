import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findChromium } from '@openpista/testing'
import { buildPages, buildPublications } from './build.ts'
import { runChecks } from './check.ts'
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
 * Everything a change must pass, with the programs as they are published. With arguments, only the tests that vitest
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
  const checks = [
    ...built.map(({ name, faults }) => ({ name: `build of ${name}`, ok: faults.length === 0 })),
    ...(isWhole ? await runChecks(repositoryRoot) : []),
  ]
  process.stdout.write('\n')
  const tests = await runTests(filters)
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

async function runTests(filters: readonly string[]): Promise<TestCounts> {
  const folder = mkdtempSync(join(tmpdir(), 'openpista-test-'))
  const report = join(folder, 'report.json')
  try {
    const exitCode = await vitest(filters, report)
    return countTests(readReport(report), exitCode)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function vitest(filters: readonly string[], report: string): Promise<number> {
  const script = join(repositoryRoot, 'node_modules', 'vitest', 'vitest.mjs')
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, 'run', ...filters], {
      cwd: repositoryRoot,
      env: { ...process.env, TEST_REPORT: report, TESTED_PROGRAMS: filters.length === 0 ? 'published' : 'source' },
      stdio: 'inherit',
    })
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

process.exitCode = await main(process.argv.slice(2))
