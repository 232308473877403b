import { basename, dirname, join } from 'node:path'
import { defineRule } from './rule.ts'

/** `x.test.ts` stands beside `x.ts`. Tests of the product as a whole live in the top folder `tests/`. */
export const testsBesideCode = defineRule({
  name: 'tests-beside-code',
  severity: 'error',
  check: (file, repository) => {
    if (!/\.test\.tsx?$/.test(file.path) || file.path.startsWith('tests/')) return []
    const folder = dirname(file.path)
    const subject = basename(file.path).replace(/\.test\.tsx?$/, '')
    // `engine.recovery.test.ts` is one more test of `engine.ts`.
    const names = subject.split('.').map((_, index, parts) => parts.slice(0, index + 1).join('.'))
    const stands = names.some((name) => ENDINGS.some((ending) => repository.paths.has(join(folder, name + ending))))
    if (stands) return []
    return [
      { path: file.path, line: 1, message: `there is no ${subject}.ts beside it; name the test for the file it tests` },
    ]
  },
  bad: [
    { path: 'common/src/nothing.test.ts', text: '' },
    { path: 'common/src/__tests__/index.test.ts', text: '' },
  ],
  good: [
    { path: 'common/src/index.test.ts', text: '' },
    { path: 'common/src/index.failure.test.ts', text: '' },
    { path: 'tests/main-job.test.ts', text: '' },
  ],
})

const ENDINGS = ['.ts', '.tsx', '.mjs', '/index.ts']
