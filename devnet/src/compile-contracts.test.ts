import { expect, test } from 'vitest'
import { compileContract } from './compile-contracts.ts'
import { artefactOf, CONTRACT_NAMES } from './contracts.ts'

test.each(CONTRACT_NAMES)('the committed artefact of %s is what its source compiles to', (name) => {
  expect(artefactOf(name)).toEqual(compileContract(name))
})
