import { dirname } from 'node:path'
import { isTest } from '../repository.ts'
import { defineRule } from './rule.ts'

/** A test stands in the folder of the code it tests. Tests of the product as a whole live in the top folder `tests/`. */
export const testsBesideCode = defineRule({
  name: 'tests-beside-code',
  severity: 'error',
  check: (file, repository) => {
    if (!/\.test\.tsx?$/.test(file.path) || file.path.startsWith('tests/')) return []
    const folder = dirname(file.path)
    const isBeside = [...repository.paths].some(
      (path) => dirname(path) === folder && /\.(mjs|tsx?)$/.test(path) && !isTest(path),
    )
    if (isBeside) return []
    return [{ path: file.path, line: 1, message: 'a test in a folder without code; put it beside what it tests' }]
  },
  bad: [
    { path: 'common/src/__tests__/index.test.ts', text: '' },
    { path: 'common/test/index.test.ts', text: '' },
  ],
  good: [
    { path: 'common/src/index.test.ts', text: '' },
    { path: 'common/src/start-up.test.ts', text: '' },
    { path: 'tests/main-job.test.ts', text: '' },
  ],
})
