import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createKeyReader, type Key } from './keys.ts'

const key = (name: string): Key => ({ kind: 'key', name })

test.each<[string, string, Key[]]>([
  ['text', '안녕 a', [{ kind: 'text', text: '안녕 a' }]],
  ['Enter', '\r', [key('enter')]],
  ['Shift+Enter of the kitty protocol', '\x1b[13;2u', [key('newline')]],
  ['Alt+Enter', '\x1b\r', [key('newline')]],
  ['arrows in both modes', '\x1b[A\x1bOB', [key('up'), key('down')]],
  ['pages', '\x1b[5~\x1b[6~', [key('pageup'), key('pagedown')]],
  ['Ctrl+C', '\x03', [key('ctrl+c')]],
  ['a sequence that means nothing here', '\x1b[?62;4cx', [{ kind: 'text', text: 'x' }]],
  ['a paste of many lines', '\x1b[200~a\r\nb\x03\x1b[201~', [{ kind: 'paste', text: 'a\r\nb\x03' }]],
])('%s', (_what, sent, keys) => {
  expect(createKeyReader().push(sent)).toEqual(keys)
})

test('Escape alone is a key once nothing follows', () => {
  const reader = createKeyReader()
  expect(reader.push('\x1b')).toEqual([])
  expect(reader.flush()).toEqual([key('escape')])
  expect(reader.push('[A')).toEqual([{ kind: 'text', text: '[A' }])
  expect(reader.flush()).toEqual([])
})

test('a paste that takes its time is not cut short', () => {
  const reader = createKeyReader()
  expect(reader.push('\x1b[200~one')).toEqual([])
  expect(reader.flush()).toEqual([])
  expect(reader.push(' two\x1b[201~')).toEqual([{ kind: 'paste', text: 'one two' }])
})

const PIECES = ['a', '한', '\r', '\x1b[A', '\x1bOB', '\x1b[200~x\ny\x1b[201~', '\x1b[13;2u', '\x03', '\x7f', '\t']

test('however the bytes are cut, the keys are the same', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES)), fc.array(fc.integer({ min: 1, max: 4 })), (pieces, cuts) => {
      const input = pieces.join('')
      const reader = createKeyReader()
      const keys: Key[] = []
      let at = 0
      for (const length of cuts) {
        keys.push(...reader.push(input.slice(at, at + length)))
        at += length
      }
      keys.push(...reader.push(input.slice(at)))
      expect(joined(keys)).toEqual(joined(createKeyReader().push(input)))
    }),
  )
})

/** Text that came in one piece or in several is the same text. */
function joined(keys: readonly Key[]): Key[] {
  const whole: Key[] = []
  for (const next of keys) {
    const last = whole.at(-1)
    if (next.kind === 'text' && last?.kind === 'text')
      whole[whole.length - 1] = { kind: 'text', text: last.text + next.text }
    else whole.push(next)
  }
  return whole
}
