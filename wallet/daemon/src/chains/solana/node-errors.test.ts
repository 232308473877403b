import { vocabulary } from '@waiaas/devnet'
import { expect, test } from 'vitest'
import { clip } from '../clip.ts'
import { readBroadcastFailure } from './node-errors.ts'

const spoken = vocabulary.map(({ situation, code, message }) => ({ situation, message, code: code ?? -32000 }))
const heard = ({ message, code }: { message: string; code: number }) =>
  readBroadcastFailure({ kind: 'error', code, message })

test('a node that processed the bytes has them', () => {
  const processed = spoken.filter(({ situation }) => situation === 'alreadyProcessed')
  expect(processed).not.toEqual([])
  for (const each of processed) expect(heard(each)).toEqual({ kind: 'accepted' })
})

test('everything else that any node says is just words', () => {
  const others = spoken.filter(({ situation }) => situation !== 'alreadyProcessed')
  const read = others.map((each) => [each.message, heard(each)])
  expect(read).toEqual(others.map(({ message }) => [message, { kind: 'not accepted', message: clip(message) }]))
})
