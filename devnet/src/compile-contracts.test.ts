import { expect, test } from 'vitest'
import { artefactOf, CONTRACT_NAMES, compileContract } from './compile-contracts.ts'

test.each(CONTRACT_NAMES)('the committed artefact of %s is what its source compiles to', (name) => {
  expect(artefactOf(name)).toEqual(compileContract(name))
})
