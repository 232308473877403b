import { defineConfig } from 'vitest/config'
import { skippedTests } from './scripts/test-report.ts'

/** Where `npm test` wants to read what came of the run. */
const report = process.env.TEST_REPORT

export default defineConfig({
  test: {
    setupFiles: ['./scripts/property-seed.ts'],
    include: [
      '**/src/**/*.test.ts',
      '**/src/**/*.test.tsx',
      'tests/**/*.test.ts',
      'scripts/**/*.test.ts',
      'bench/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**'],
    // Tests start real processes, open real databases and load native modules: one process per file keeps them apart.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    reporters: ['default', skippedTests(), ...(report === undefined ? [] : [jsonReport(report)])],
    restoreMocks: true,
    unstubEnvs: true,
  },
})

function jsonReport(outputFile: string): ['json', { outputFile: string }] {
  return ['json', { outputFile }]
}
