import { readFileSync } from 'node:fs'
import type { Reporter } from 'vitest/node'

/** What a test run came to. */
export type TestCounts = { passed: number; failed: number; skipped: number }

/** The parts of vitest's JSON report that are counted. */
type JsonReport = {
  numPassedTests: number
  numFailedTests: number
  numTotalTests: number
  success: boolean
  testResults: { status: string; assertionResults: { status: string }[] }[]
}

/**
 * Counts a run from vitest's JSON report. A file that could not be loaded holds no tests and counts as one failure,
 * and a run that ended badly without any failing test (an error nobody caught, no report at all) is never a success.
 */
export function countTests(report: JsonReport | undefined, exitCode: number): TestCounts {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 }
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((assertion) => assertion.status === 'failed'),
  )
  const failed = report.numFailedTests + brokenFiles.length
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && (exitCode !== 0 || !report.success) ? 1 : failed,
    skipped: report.numTotalTests - report.numPassedTests - report.numFailedTests,
  }
}

/** Reads a JSON report; undefined when vitest ended before it wrote one. */
export function readReport(file: string): JsonReport | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JsonReport
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The last line of `npm test`. */
export function summaryLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
}

/** A vitest reporter that says of every skipped test why it was: the note of `context.skip(note)`. */
export function skippedTests(): Reporter {
  const lines: string[] = []
  return {
    onTestCaseResult: (test) => {
      const result = test.result()
      if (result.state !== 'skipped') return
      const name = `${test.module.relativeModuleId} > ${test.fullName}`
      lines.push(`skipped: ${name}: ${result.note ?? 'no reason given'}`)
    },
    onTestRunEnd: () => {
      for (const line of lines) process.stdout.write(`${line}\n`)
    },
  }
}
