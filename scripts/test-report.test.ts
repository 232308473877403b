import { expect, test } from 'vitest'
import { countTests, summaryLine } from './test-report.ts'

const report = (passed: number, failed: number, total: number, success: boolean, files: [string, string[]][] = []) => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numTotalTests: total,
  success,
  testResults: files.map(([status, tests]) => ({
    status,
    assertionResults: tests.map((state) => ({ status: state })),
  })),
})

test('counts what passed, failed and was skipped', () => {
  const counts = countTests(report(3, 1, 6, false, [['failed', ['failed', 'passed']]]), 1)
  expect(counts).toEqual({ passed: 3, failed: 1, skipped: 2 })
  expect(summaryLine(counts)).toBe('3 passed, 1 failed, 2 skipped')
  expect(summaryLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed')
})

test('a file that could not be loaded is a failure', () => {
  expect(countTests(report(3, 0, 3, false, [['failed', []]]), 1).failed).toBe(1)
})

test('an error that no test caught is a failure', () => {
  expect(countTests(report(3, 0, 3, true), 1).failed).toBe(1)
})

test('no report is a failure, whatever the exit code', () => {
  expect(countTests(undefined, 0).failed).toBe(1)
})
