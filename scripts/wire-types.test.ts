import ts from 'typescript'
import { expect, test } from 'vitest'
import { parseSource, repositoryRoot } from './repository.ts'
import { typesImportedFrom, writeWireTypes } from './wire-types.ts'

test('wire types name no schema and nothing that would have to be imported', () => {
  const text = writeWireTypes(repositoryRoot, ['Routes', 'TransactionView'])
  expect(ts.preProcessFile(text).importedFiles).toEqual([])
  expect(text).not.toContain('Zod')
  expect(text).toMatch(/export type Routes = \{[\s\S]*readonly path: ["']\/v1\/transactions\/send["']/)
  expect(text).toMatch(/export type TransactionView = \{\n {4}id: string;/)
})

test('finds the types that sources import, and refuses values', () => {
  const types = parseSource('a.ts', "import type { B, A } from '@waiaas/core'\nimport { c } from './c.ts'\n")
  expect(typesImportedFrom('@waiaas/core', [types])).toEqual(['A', 'B'])
  const value = parseSource('a.ts', "import { networkOf } from '@waiaas/core'\n")
  expect(() => typesImportedFrom('@waiaas/core', [value])).toThrow('a.ts imports a value')
})
