import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Editor, edits, emptyEditor, insert, rowsOf } from './editor.ts'
import { graphemes, widthOf } from './text.ts'

const after = (text: string, ...names: string[]): Editor =>
  names.reduce((editor, name) => edits[name]!(editor), insert(emptyEditor, text))

test('keys move and remove by what a person sees as a character', () => {
  expect(after('a👍🏽', 'backspace')).toEqual({ text: 'a', at: 1 })
  expect(after('가나', 'left', 'backspace')).toEqual({ text: '나', at: 0 })
  expect(after('one two', 'ctrl+w')).toEqual({ text: 'one ', at: 4 })
  expect(after('one\ntwo', 'ctrl+u')).toEqual({ text: 'one\n', at: 4 })
  expect(after('one\ntwo', 'home', 'ctrl+k')).toEqual({ text: 'one\n', at: 4 })
})

test('up and down keep the column, counted in cells', () => {
  expect(after('abcd\n가나', 'up')).toMatchObject({ at: 4 })
  expect(after('가나\nabc', 'up')).toMatchObject({ at: 1 })
  expect(after('one', 'up')).toMatchObject({ at: 3 })
})

test('the cursor stands where the next character will be', () => {
  expect(rowsOf(after('abcd'), 4)).toEqual({ rows: ['abcd', ''], row: 1, column: 0 })
  expect(rowsOf(after('ab\n가'), 4)).toEqual({ rows: ['ab', '가'], row: 1, column: 2 })
})

const anyEdit = fc.oneof(
  fc.constantFrom(...Object.keys(edits)).map((name) => edits[name]!),
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => (editor: Editor) => insert(editor, text)),
)

test('whatever is done, the cursor stands between two characters and within the rows', () => {
  fc.assert(
    fc.property(fc.array(anyEdit, { maxLength: 40 }), fc.integer({ min: 4, max: 20 }), (steps, width) => {
      const editor = steps.reduce((current, step) => step(current), emptyEditor)
      const starts = new Set([0])
      for (const grapheme of graphemes(editor.text)) starts.add([...starts].at(-1)! + grapheme.length)
      expect(starts).toContain(editor.at)
      const { rows, row, column } = rowsOf(editor, width)
      expect(rows[row]).toBeDefined()
      expect(column).toBeLessThan(width)
      for (const each of rows) expect(widthOf(each)).toBeLessThanOrEqual(width)
    }),
  )
})
