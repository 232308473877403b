import { expect, test } from 'vitest'
import { checkLockfile, findMachineTraces } from './tracked-text.ts'

/** Put together here, so that this file itself passes the check. */
const home = ['', 'home', 'somebody'].join('/')
const workFolder = ['', 'work', 'main'].join('/')
const registryAddress = ['https:', '', ['registry', 'example', 'org'].join('.')].join('/')

test.each([
  ['a home folder', `cd ${home}/project`],
  ['a work folder', `see ${workFolder}/README.md`],
  ['a registry', `"resolved": "${registryAddress}/zod"`],
  ['a host of this machine', 'fetch("http://packages.internal/x")'],
])('objects to %s', (_what, line) => {
  expect(findMachineTraces('a.md', `fine\n${line}\n`, ['packages.internal'])).toEqual([
    { path: 'a.md', line: 2, message: expect.any(String) },
  ])
})

test.each(['~/.waiaas/config.toml', 'docs/work/plan.md', '/workspace/skills', 'https://nodejs.org/en/download'])(
  'accepts %s',
  (line) => {
    expect(findMachineTraces('a.md', line, ['packages.internal'])).toEqual([])
  },
)

test('objects to a download address in the lockfile and accepts workspace links', () => {
  const packages = {
    'node_modules/a': { version: '1.0.0', resolved: `${registryAddress}/a.tgz` },
    'node_modules/b': { version: '1.0.0' },
    'node_modules/@waiaas/core': { resolved: 'wallet/core', link: true },
  }
  const findings = checkLockfile(JSON.stringify({ packages }))
  expect(findings.map(({ message }) => message)).toEqual([expect.stringContaining('node_modules/a')])
})
