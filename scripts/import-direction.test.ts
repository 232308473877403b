import { expect, test } from 'vitest'
import { allowedPackages, checkImports, type Package } from './import-direction.ts'
import { parseSource } from './repository.ts'

const packages: Package[] = [
  { name: '@openpista/common', folder: 'common', exports: { '.': './src/index.ts' } },
  { name: '@waiaas/core', folder: 'wallet/core', exports: { '.': './src/index.ts' } },
  { name: '@waiaas/daemon', folder: 'wallet/daemon', exports: { '.': './src/index.ts' } },
  {
    name: 'openpista',
    folder: 'agent/openpista',
    exports: { '.': './src/index.ts', './protocol': './src/protocol/index.ts' },
  },
  { name: '@openpista/web', folder: 'agent/web', exports: {} },
]

function check(files: Record<string, string>): string[] {
  const sources = Object.entries(files).map(([path, text]) => parseSource(path, text))
  return checkImports(sources, packages).map((finding) => `${finding.path}:${finding.line} ${finding.message}`)
}

test.each([
  ['a backward package import', 'wallet/core/src/a.ts', "import { b } from '@waiaas/daemon'\n"],
  ['a backward type import', 'wallet/core/src/a.ts', "import type { B } from '@waiaas/daemon'\n"],
  ['a backward dynamic import', 'common/src/a.ts', "const b = await import('@waiaas/core')\n"],
  ['a backward re-export', 'common/src/a.ts', "export { b } from '@waiaas/core'\n"],
  ['a backward import in a type', 'common/src/a.ts', "type B = import('@waiaas/core').B\n"],
  ['the web client reaching into the agent', 'agent/web/src/a.ts', "import { b } from 'openpista'\n"],
  ['a path into another package', 'wallet/daemon/src/a.ts', "import { b } from '../../core/src/b.ts'\n"],
  ['the signer reaching into the store', 'wallet/daemon/src/signer/a.ts', "import { b } from '../store/b.ts'\n"],
  ['the store reaching into the engine', 'wallet/daemon/src/store/a.ts', "import { b } from '../engine/b.ts'\n"],
  [
    'the engine reaching behind the adapter',
    'wallet/daemon/src/engine/a.ts',
    "import { b } from '../chains/evm/b.ts'\n",
  ],
  ['a folder importing what wires it', 'wallet/daemon/src/http/a.ts', "import { b } from '../main.ts'\n"],
])('refuses %s', (_what, path, text) => {
  expect(check({ [path]: `\n${text}` })).toEqual([expect.stringContaining(`${path}:2 `)])
})

test.each([
  ['forward', 'wallet/daemon/src/a.ts', "import { b } from '@waiaas/core'\n"],
  ['through the protocol door', 'agent/web/src/a.ts', "import { b } from 'openpista/protocol'\n"],
  ['of the adapter type', 'wallet/daemon/src/engine/a.ts', "import type { B } from '../chains/chain-adapter.ts'\n"],
  ['of everything, by main', 'wallet/daemon/src/main.ts', "import { b } from './http/b.ts'\n"],
  ['of local chains, by a test', 'wallet/daemon/src/a.test.ts', "import { b } from '@waiaas/devnet'\n"],
  ['of a package from outside', 'common/src/a.ts', "import { z } from 'zod'\n"],
])('accepts an import %s', (_what, path, text) => {
  expect(check({ [path]: text })).toEqual([])
})

test('finds a cycle of three and names its files', () => {
  const found = check({
    'common/src/a.ts': "import { b } from './b.ts'\n",
    'common/src/b.ts': "import { c } from './c.ts'\n",
    'common/src/c.ts': "import { a } from './a.ts'\n",
  })
  expect(found).toEqual([
    expect.stringContaining('common/src/a.ts -> common/src/b.ts -> common/src/c.ts -> common/src/a.ts'),
  ])
})

test('types that refer to each other are no cycle', () => {
  expect(
    check({
      'common/src/a.ts': "import type { B } from './b.ts'\n",
      'common/src/b.ts': "import { a } from './a.ts'\n",
    }),
  ).toEqual([])
})

test('the table of packages has no cycle itself', () => {
  const reaches = (from: string): string[] => (allowedPackages[from] ?? []).flatMap((to) => [to, ...reaches(to)])
  for (const name of Object.keys(allowedPackages)) expect(reaches(name)).not.toContain(name)
})
