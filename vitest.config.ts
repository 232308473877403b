import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { skippedTests } from './scripts/test-report.ts'

/** Where `npm test` wants to read what came of the run. */
const report = process.env.TEST_REPORT

// As in `npm test`, where vitest is started without it: every process of a test loads hundreds of the same modules.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/node-compile')

/** Tests that start our programs, other programs or a browser, and wait for them most of the time. */
const processes = [
  'agent/openpista/src/{machine,pictures,recovery}.test.ts',
  'agent/openpista/src/{cli,executors}/**/*.test.ts',
  'agent/openpista/src/red-team/browser.test.ts',
  'agent/openpista/src/tools/browser/**/*.test.ts',
  'agent/openpista/src/workers/{crash,program}.test.ts',
  'agent/web/src/main.test.ts',
  // Measures its own process, which nothing else may share.
  'bench/process-usage.test.ts',
  'devnet/src/main.test.ts',
  'scripts/**/*.test.ts',
  'testing/src/chromium.test.ts',
  'tests/*.test.ts',
  'tests/{cases,crash,scenarios}/**/*.test.ts',
  'wallet/admin/src/*.test.ts',
  'wallet/cli/src/**/*.test.ts',
  'wallet/daemon/src/key-secrecy.test.ts',
  'wallet/daemon/src/engine/crash.test.ts',
  'wallet/daemon/src/signer/*.test.ts',
]

/** More than there are processors, for most tests wait for something. The same for all, so that all run side by side. */
const WORKERS = 5

const shared = {
  setupFiles: ['./scripts/property-seed.ts'],
  pool: 'forks' as const,
  // Loading the modules takes longer than the tests of most files, and our modules keep no state.
  isolate: false,
  // Only something that hangs takes so long, also where the machine is busy.
  testTimeout: 180_000,
  hookTimeout: 180_000,
  teardownTimeout: 30_000,
  expect: { poll: { timeout: 120_000 } },
  restoreMocks: true,
  unstubEnvs: true,
}
/** Begun first, so that nothing long is left when all else is done. Their files are short, their lists of cases long. */
const longest = ['tests/cases/', 'tests/crash/', 'wallet/cli/src/keeping', 'wallet/cli/src/cli']

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => longest.some((path) => moduleId.includes(`/${path}`))
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

const generated = ['**/node_modules/**', '**/dist/**']

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ['default', skippedTests(), ...(report === undefined ? [] : [jsonReport(report)])],
    projects: [
      {
        test: {
          ...shared,
          name: 'fast',
          include: [
            '**/src/**/*.test.ts',
            '**/src/**/*.test.tsx',
            'tests/**/*.test.ts',
            'scripts/**/*.test.ts',
            'bench/**/*.test.ts',
          ],
          exclude: [...generated, ...processes],
          maxWorkers: WORKERS,
        },
      },
      {
        test: {
          ...shared,
          name: 'processes',
          include: processes,
          exclude: generated,
          maxWorkers: WORKERS,
        },
      },
    ],
  },
})

function jsonReport(outputFile: string): ['json', { outputFile: string }] {
  return ['json', { outputFile }]
}
