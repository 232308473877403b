import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkPublication } from './publication.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'publication-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function check(files: Record<string, string>, manifest: object): string[] {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return checkPublication(folder, { name: 'p', version: '1.0.0', ...manifest }, ['@waiaas/core'])
}

test('a package that names what it has and needs is fine', () => {
  const files = {
    'index.js': "import { z } from 'zod'\nimport fs from 'node:fs'\nimport './other.js'\n",
    'other.js': '',
    'run.js': '#!/usr/bin/env node\n',
  }
  const manifest = { exports: { '.': './index.js' }, bin: { p: './run.js' }, dependencies: { zod: '4.0.0' } }
  expect(check(files, manifest)).toEqual([])
})

test.each([
  ['an export that is not there', {}, { exports: { '.': { default: './index.js' } } }, './index.js'],
  ['a command without a #! line', { 'run.js': '' }, { bin: { p: './run.js' } }, '#!'],
  ['an import that is no dependency', { 'index.js': "import 'zod'\n" }, {}, 'zod'],
  ['a type that is no dependency', { 'index.d.ts': "import type { z } from 'zod'\n" }, {}, 'zod'],
  ['one of our own packages', { 'index.js': "await import('@waiaas/core')\n" }, {}, 'must be built in'],
  ['a package that is only resolved', { 'index.js': "import.meta.resolve('zod')\n" }, {}, 'zod'],
  ['a missing file', { 'index.js': "import './gone.js'\n" }, {}, './gone.js'],
  ['a range', {}, { dependencies: { zod: '^4.0.0' } }, 'not exact'],
  ['a workspace dependency', {}, { dependencies: { '@waiaas/core': '0.1.0' } }, 'built in'],
])('objects to %s', (_what, files: Record<string, string>, manifest: object, named) => {
  expect(check(files, manifest)).toEqual([expect.stringContaining(named)])
})
